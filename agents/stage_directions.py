"""What a character's stage directions do: `(whispers to Pip)` keeps the words after it between two, `(goes to the
cabin)` takes it there, `(leaves)` off the stage. Read by rule, so that any model can move and whisper by saying so.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from scenes.event import Change, Draft
from scenes.names import addressed, folded, name_words, names_in, names_of
from scenes.profile import CharacterProfile
from scenes.scene import Scene

_WHISPER = re.compile(
    r"\bwhisper|\bunder (?:his|her|their|its|my) breath\b|耳语|低声|悄声|小声|附耳"
    r"|悄悄地?(?=[对跟]|告诉|提醒|说|问|道)",  # otherwise it is stealth, not a whisper
    re.IGNORECASE,
)
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
_COMES = {"zh": "来到{place}"}
_GONE = {"zh": "离开了"}


def directed(scene: Scene, actor: str, drafts: Iterable[Draft]) -> list[Draft]:
    """Return `drafts` with what the stage directions among them do: words for few, ways to other places."""
    to: tuple[str, ...] = ()
    done: list[Draft] = []
    for draft in drafts:
        if draft.kind == "action":
            to = () if _ALOUD.search(draft.text) else _whispered_to(scene, draft.text, actor) or to
        done.append(draft.model_copy(update={"to": to}) if draft.kind == "speech" and to else draft)
        done += _ways(scene, actor, draft)
    return done


def _whispered_to(scene: Scene, action: str, actor: str) -> tuple[str, ...]:
    """Return to whom `action` whispers; nobody if it does not. Who is only spoken of is not spoken to."""
    whisper = _WHISPER.search(action)
    if whisper is None:
        return ()
    profiles = [*scene.setting.profiles, *(CharacterProfile(name=name) for name in scene.outside)]
    known = tuple(dict.fromkeys([*names_of(profiles), *(word for profile in profiles for word in name_words(profile))]))
    after, before = action[whisper.start() :], action[: whisper.start()]
    found = (addressed(name, profiles) for name in _addressed(after, known) or _addressed(before, known, -1))
    names = dict.fromkeys(profiles[index].name for index in found if index is not None)
    return tuple(name for name in names if name != actor)


def _addressed(words: str, known: tuple[str, ...], which: int = 0) -> list[str]:
    """Return whom `words` turn to, first or last: `to Pip and Moss`, `in Pip's ear`, `对八戒`, `八戒耳边`."""
    found = [match[0] for match in _address(known).finditer(words)]
    return names_in(found[which], known) if found else []


@lru_cache(maxsize=1_000)
def _address(known: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds an address of one or several of `known`."""
    name = rf"(?:the\s)?(?:{'|'.join(map(re.escape, sorted(known, key=len, reverse=True)))})(?![a-z])"
    names = rf"{name}(?:\s*(?:,\s*and\b|,|&|\band\b|、|和|与)\s*{name})*"
    to = r"to|into|in|at|towards?|only|for|with|ear of|whisper(?:s|ing)?"
    return re.compile(rf"(?:\b(?:{to})\s|[对向跟朝]|告诉|提醒)\s*{names}|{name}的?耳", re.IGNORECASE)


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
