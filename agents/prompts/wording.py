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
    "You are asked in private, and nobody else will hear it: {question}": "有人私下问你，别人听不到：{question}",
    'Answer in JSON, in this form: {{"answer": "..."}}. The answer is one of these: {choices}.': (
        '用JSON回答，形式如下：{{"answer": "..."}}。answer是下列之一：{choices}。'
    ),
    "What is known of this picture:": "关于这幅画，已知：",
    "A new picture comes into sight:": "眼前出现了一幅新的画：",
}


def worded(text: str, language: str) -> str:
    """Return fixed `text` of a prompt in `language`, or as it is where we have no words for it."""
    return CHINESE.get(text, text) if language.split("-")[0] == "zh" else text
