"""What a character's stage directions do: `(whispers to Pip)` keeps the words after it between two, `(goes to the
cabin)` takes it there, `(leaves)` off the stage. Read by rule, so that any model can move and whisper by saying so.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from agents.whisper import whisper_of
from scenes.event import Change, Draft
from scenes.names import folded
from scenes.scene import Scene

_ALOUD = re.compile(
    r"\baloud\b|\bout loud\b|\blouder\b|\braises? (?:his|her|their|its|my) voice\b|大声|高声|扬声", re.IGNORECASE
)
_GOES = (
    r"(?:go|goe|walk|run|step|move|hurrie|hurry|rushe|rush|head|climb|return|slip|sneak|stride|wander|limp|stroll|swim|"
    r"come|descend|retreat|dart|dashe|dash|saunter|march|marche|crosse|cross|cycle|ride|flie|fly)s?"
)
_LEAVES = re.compile(
    r"(?:(?:quietly|quickly|slowly) )?(?:leaves?|exits?|goes off|go off)(?: (?:the )?(?:scene|stage))?\W*"
    r"|(?:退场|下场|离场|离开|离去)\W*",
    re.IGNORECASE,
)
_SOMEWHERE = re.compile(
    rf"(?:\w+ly\s)?{_GOES}\s(?:(?!not\b)[\w-]+\s){{0,4}}?(?:to|into|onto|inside)\s"
    r"(?:(?:the|a|an|his|her|their)\s)?(?P<place>[^,;.:]+)",
    re.IGNORECASE,
)
_COMES = {"zh": "来到{place}"}
_GONE = {"zh": "离开了"}


def directed(scene: Scene, actor: str, drafts: Iterable[Draft]) -> list[Draft]:
    """Return `drafts` with what the stage directions among them do: words for few, ways to other places.

    Words that are for nobody of the scene are for the actor alone.
    """
    to: tuple[str, ...] = ()
    done: list[Draft] = []
    for draft in drafts:
        if draft.kind == "action":
            to = _meant(scene, draft.text, actor, to)
        done.append(draft.model_copy(update={"to": to}) if draft.kind == "speech" and to else draft)
        done += _ways(scene, actor, draft)
    return done


def _meant(scene: Scene, action: str, actor: str, before: tuple[str, ...]) -> tuple[str, ...]:
    """Return for whom the words after `action` are, where those `before` it were for others; nobody is all."""
    if _ALOUD.search(action):
        return ()
    whisper = whisper_of(scene, action, actor)
    return before if whisper is None else whisper.to


def _ways(scene: Scene, actor: str, draft: Draft) -> Iterator[Draft]:
    """Yield where an action takes its actor."""
    standing = scene.standings.get(actor)
    if draft.kind != "action" or standing is None or actor not in scene.names:
        return
    language = scene.setting.scenario.language.split("-")[0]
    place = gone_to(draft.text, actor, tuple(scene.setting.scenario.places))
    if place and place != standing.place:
        text = _COMES.get(language, "comes to {place}").format(place=spoken(place))
        yield Draft(kind="state", text=text, change=Change(who=actor, place=place))
    elif _LEAVES.fullmatch(draft.text.strip()):
        yield Draft(kind="state", text=_GONE.get(language, "is gone"), change=Change(who=actor, present=False))


def spoken(place: str) -> str:
    """Return the name of a place as one says it."""
    return place.replace("_", " ").replace("-", " ")


def gone_to(action: str, actor: str, places: tuple[str, ...]) -> str | None:
    """Return the place to which `action` goes; None if it goes nowhere."""
    match = _way(places, actor).search(action) if places else None
    if match is None:
        return None
    wanted = folded(match["place"] or match["there"])
    return next(place for place in places if wanted in (folded(place), folded(spoken(place))))


def leads_nowhere(action: str, actor: str, places: tuple[str, ...]) -> str | None:
    """Return where `action` goes in its words, if that is none of `places`."""
    match = _SOMEWHERE.match(action)
    return match["place"].strip() if match and gone_to(action, actor, places) is None else None


@lru_cache(maxsize=1_000)
def _way(places: tuple[str, ...], actor: str) -> re.Pattern[str]:
    """Return what finds a way to one of `places` in an action: `(quickly goes back to the cabin)`, `走进船舱`."""
    forms = {form for place in places for form in (place, spoken(place))}
    choices = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
    return re.compile(
        rf"""
        (?:\A|\b(?:and|then)\s|,\s) \s* (?:(?:he|she|they|it|i|{re.escape(actor)})\s)? (?:\w+ly\s)?
        (?:{_GOES}\s (?:(?!not\b)[\w-]+\s){{0,4}}? (?:to|into|onto|inside)|enters?) \s
        (?:(?:the|a|an|his|her|their)\s)? (?P<place>{choices}) (?!\w)
        |(?:走|跑|去|来|回|进|冲|溜|退|登|爬)(?:到|进|入|向|回|上|下)?[了]?(?P<there>{choices})
        """,
        re.IGNORECASE | re.VERBOSE,
    )
