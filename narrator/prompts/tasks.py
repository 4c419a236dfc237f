"""What the narrator is asked to do, in full and in the few words that small models can follow."""

OPEN = "Open the scene."
JUDGE = (
    "Judge what {actors} did just now. Say whom it touches, bodily or otherwise, and how, in a sentence each; nobody "
    "if it does not reach anybody. Then say how those concerned are afterwards, if that has changed: position and "
    "state in a few words. Answer in JSON, in this form: "
    '{{"touched": [{{"who": "...", "how": "..."}}], "after": [{{"who": "...", "position": "...", "state": "..."}}]}}.'
)
JUDGE_WITH_PLACES = (
    "Judge what {actors} did just now. Say whom it touches, bodily or otherwise, and how, in a sentence each; nobody "
    "if it does not reach anybody. Then say where and how those concerned are afterwards, if that has changed: the "
    "place, which is one of these: {places}; position and state in a few words. Answer in JSON, in this form: "
    '{{"touched": [{{"who": "...", "how": "..."}}], '
    '"after": [{{"who": "...", "place": "...", "position": "...", "state": "..."}}]}}.'
)
JUDGE_SHORT = "Whom does it touch?"
NARRATE = "Tell in one or two sentences what comes of what {actors} did just now, without speaking for anybody."
NARRATE_SHORT = ""  # a small narrator goes on after the line itself
SWITCH = "Tell in one or two sentences how the scene goes on {where}, as all see it who are there."
SWITCH_SHORT = "Open the scene."
STEER = (
    "You lead the scene, unseen. Give a short reason, which nobody is told, and decide what comes next. "
    "pick_speaker: who acts; switch_scene: all go on elsewhere or later; add_role: somebody comes in; show_image: a "
    "picture is shown to all; end: the scene is over. Answer in JSON, in this form: "
    '{{"reason": "...", "decision": "..."}}. The decision is one of these: {decisions}.'
)
STEER_SHORT = "What comes next?"
UPDATE = (
    "Say what of the scene itself has changed in this round: when it is now, and what is otherwise about the place. "
    "null for what is as it was. Answer in JSON, in this form: "
    '{"time": null, "scene": null}.'
)
SUMMARISE = "Sum up in at most four sentences all that has happened so far, for yourself alone. Write {language}."
