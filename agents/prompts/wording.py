"""The fixed words of prompts in other languages than English, which stands where it is used.

An instruction in the language that is to be spoken keeps a model in it, so CharacterBox has templates in Chinese too.
"""

CHINESE = {
    "You take one part in a role-play. Speak and act as your character only, in its own voice, from what it can see, "
    "hear and know. Write (what you do) in round brackets and [what you only think] in square ones. Give one reply, "
    "without your name in front of it, and never write a line for anybody else. Speak {language}.": (
        "你在一场角色扮演中担任一个角色。只以你的角色的身份、用它自己的口吻说话和行动，只依据它能看到、听到和知道的事。"
        "（动作）写在圆括号里，[只在心里想的]写在方括号里。只给出一次回应，前面不写自己的名字，绝不替别人写台词。请说中文。"
    ),
    "The scene:": "场景：",
    "Time: {time}.": "时间：{time}。",
    "In the scene: {people}.": "在场的人：{people}。",
    "from {world}": "出自《{world}》",
    "Words after (whispers to NAME) are heard by that one alone.": "（对某人耳语）之后的话只有那个人听得见。",
    "(goes to PLACE) takes you there; there are: {places}.": "写（走到某处）就到那里；可去的地方有：{places}。",
    "Your character is {who}.": "你的角色是{who}。",
    "Only you know: {secret}": "只有你知道：{secret}",
    "You are now: {how}.": "你现在：{how}。",
    "at the place called {place}": "在{place}",
    "What you believe, wish and mean to do: {text}": "你的信念、愿望和打算：{text}",
    "What you make of the others and of where you are: {text}": "你对其他人和周围环境的看法：{text}",
    "You remember:": "你记得：",
    "Reply as {name}.": "请以{name}的身份回应。",
    "Begin the conversation as {name}.": "请以{name}的身份开始对话。",
    "Out of the scene, for yourself alone: say in two or three short sentences, in the first person, what you now "
    "believe about yourself, what you want, and what you mean to do next. Write {language}.": (
        "先离开场景，只对你自己说：用第一人称，用两三个短句写出你现在对自己的认识、你想要什么、接下来打算做什么。请用中文写。"
    ),
    "Out of the scene, for yourself alone: say in two or three short sentences, in the first person, what you now "
    "think of each of the others, and what is going on where you are. Write {language}.": (
        "先离开场景，只对你自己说：用第一人称，用两三个短句写出你现在怎样看其他每一个人，以及你周围正在发生什么。请用中文写。"
    ),
    "Out of the scene, for yourself alone: say in one or two sentences, in the first person, what you have come to "
    "understand from all that has happened so far. Write {language}.": (
        "先离开场景，只对你自己说：用第一人称，用一两句话写出你从至今发生的一切中明白了什么。请用中文写。"
    ),
    "You are the narrator of a scene that others play. You tell what there is to see and what comes of what they do, "
    "from the picture and from what has happened, and never speak or decide for them. Write {language}.": (
        "你是一场由别人扮演的戏的旁白。你依据图画和已经发生的事，讲述能看到什么、他们的行为带来什么结果，"
        "绝不替他们说话，也绝不替他们做决定。请用中文写。"
    ),
    "Now:": "现在：",
    "Before this: {summary}": "此前：{summary}",
    "Open the scene.": "请为这一场戏开场。",
    "Judge what {actors} did just now. Say whom it touches, bodily or otherwise, and how, in a sentence each; nobody "
    "if it does not reach anybody. Then say where and how those concerned are afterwards, if that has changed: place, "
    "position and state in a few words. Answer in JSON, in this form: "
    '{{"touched": [{{"who": "...", "how": "..."}}], '
    '"after": [{{"who": "...", "position": "...", "state": "..."}}]}}.': (
        "请判断{actors}刚才的行为。说明它触及了谁（身体上或其他方面），各用一句话说明怎样触及；若没有触及任何人，就留空。"
        "然后说明有关的人之后在哪里、怎么样，只写有变化的：用几个字写出位置和状态。用JSON回答，形式如下："
        '{{"touched": [{{"who": "...", "how": "..."}}], '
        '"after": [{{"who": "...", "position": "...", "state": "..."}}]}}。'
    ),
    "Tell in one or two sentences what comes of what {actors} did just now, without speaking for anybody.": (
        "请用一两句话讲述{actors}刚才的行为带来了什么，不要替任何人说话。"
    ),
    "Tell in one or two sentences how the scene goes on {where}, as all see it who are there.": (
        "请用一两句话讲述这场戏怎样{where}继续，只讲在场的人都看得到的。"
    ),
    "in the place called {where}": "在{where}",
    "some time later": "在一段时间之后",
    "You lead the scene, unseen. Give a short reason, which nobody is told, and decide what comes next. "
    "pick_speaker: who acts; switch_scene: all go on elsewhere or later; add_role: somebody comes in; show_image: a "
    "picture is shown to all; end: the scene is over. Answer in JSON, in this form: "
    '{{"reason": "...", "decision": "..."}}. The decision is one of these: {decisions}.': (
        "你在幕后引导这场戏。请给出一个不会告诉任何人的简短理由，并决定接下来怎样。pick_speaker：由谁行动；"
        "switch_scene：所有人换到别处或稍后继续；add_role：有人登场；show_image：给所有人看一幅画；end：这场戏结束。"
        '用JSON回答，形式如下：{{"reason": "...", "decision": "..."}}。decision是下列之一：{decisions}。'
    ),
    "Say what of the scene itself has changed in this round: when it is now, and what is otherwise about the place. "
    "null for what is as it was. Answer in JSON, in this form: "
    '{"time": null, "scene": null}.': (
        "请说明这一轮里场景本身有什么变化：现在是什么时候，周围有什么不同了。没有变化的写null。"
        '用JSON回答，形式如下：{"time": null, "scene": null}。'
    ),
    "Sum up in at most four sentences all that has happened so far, for yourself alone. Write {language}.": (
        "请用中文以至多四句话概括至今发生的一切，只给你自己看。"
    ),
    "You are asked in private, and nobody else will hear it: {question}": "有人私下问你，别人听不到：{question}",
    'Answer in JSON, in this form: {{"answer": "..."}}. The answer is one of these: {choices}.': (
        '用JSON回答，形式如下：{{"answer": "..."}}。answer是下列之一：{choices}。'
    ),
    "What is known of this picture:": "关于这幅画，已知：",
    "A new picture comes into sight:": "眼前出现了一幅新的画：",
    "Picture {name}:": "图画{name}：",
    "Only {name} knows: {secret}": "只有{name}知道：{secret}",
}


def worded(text: str, language: str) -> str:
    """Return fixed `text` of a prompt in `language`, or as it is where we have no words for it."""
    return CHINESE.get(text, text) if language.split("-")[0] == "zh" else text
