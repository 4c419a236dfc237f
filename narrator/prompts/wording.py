"""The narrator's fixed words in other languages than English, beside those that all agents share."""

from agents.prompts import wording
from narrator.prompts import tasks

CHINESE = {
    "You are the narrator of a scene that others play. You tell what there is to see and what comes of what they do, "
    "from the picture and from what has happened, and never speak or decide for them. Write {language}.": (
        "你是一场由别人扮演的戏的旁白。你依据图画和已经发生的事，讲述能看到什么、他们的行为带来什么结果，"
        "绝不替他们说话，也绝不替他们做决定。请用中文写。"
    ),
    "Now:": "现在：",
    "Before this: {summary}": "此前：{summary}",
    tasks.OPEN: "请为这一场戏开场。",
    tasks.JUDGE: (
        "请判断{actors}刚才的行为。说明它触及了谁（身体上或其他方面），各用一句话说明怎样触及；若没有触及任何人，就留空。"
        "然后说明有关的人之后怎么样，只写有变化的：用几个字写出位置和状态。用JSON回答，形式如下："
        '{{"touched": [{{"who": "...", "how": "..."}}], '
        '"after": [{{"who": "...", "position": "...", "state": "..."}}]}}。'
    ),
    tasks.JUDGE_WITH_PLACES: (
        "请判断{actors}刚才的行为。说明它触及了谁（身体上或其他方面），各用一句话说明怎样触及；若没有触及任何人，就留空。"
        "然后说明有关的人之后在哪里、怎么样，只写有变化的：地点是下列之一：{places}；用几个字写出位置和状态。用JSON回答，形式如下："
        '{{"touched": [{{"who": "...", "how": "..."}}], '
        '"after": [{{"who": "...", "place": "...", "position": "...", "state": "..."}}]}}。'
    ),
    tasks.NARRATE: ("请用一两句话讲述{actors}刚才的行为带来了什么，不要替任何人说话。"),
    tasks.SWITCH: ("请用一两句话讲述这场戏怎样{where}继续，只讲在场的人都看得到的。"),
    "in the place called {where}": "在{where}",
    "some time later": "在一段时间之后",
    tasks.STEER: (
        "你在幕后引导这场戏。请给出一个不会告诉任何人的简短理由，并决定接下来怎样。pick_speaker：由谁行动；"
        "switch_scene：所有人换到别处或稍后继续；add_role：有人登场；show_image：给所有人看一幅画；end：这场戏结束。"
        '用JSON回答，形式如下：{{"reason": "...", "decision": "..."}}。decision是下列之一：{decisions}。'
    ),
    tasks.UPDATE: (
        "请说明这一轮里场景本身有什么变化：现在是什么时候，周围有什么不同了。没有变化的写null。"
        '用JSON回答，形式如下：{"time": null, "scene": null}。'
    ),
    tasks.SUMMARISE: ("请用中文以至多四句话概括至今发生的一切，只给你自己看。"),
    "Picture {name}:": "图画{name}：",
    "Only {name} knows: {secret}": "只有{name}知道：{secret}",
    "Not on the stage now: {names}.": "现在不在场：{names}。",
    "Pictures that are not shown yet: {names}.": "还没有展示的画：{names}。",
}


def worded(text: str, language: str) -> str:
    """Return fixed `text` of the narrator's prompts in `language`, or as it is where we have no words for it."""
    own = CHINESE.get(text) if language.split("-")[0] == "zh" else None
    return own or wording.worded(text, language)
