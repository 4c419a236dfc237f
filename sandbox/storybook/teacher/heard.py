"""What a request tells whoever has to answer it: who it is, what it sees, what was said, what is wanted.

The teacher reads the prompts that models read, in every layout, so what it answers follows from the prompt alone.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.prompts.compact import STAGE
from scenes.chat import Request, Segment
from scenes.event import NARRATOR
from scenes.profile import CharacterProfile

_SHEET = re.compile(
    r"You are (?P<name>.+?)(?:, (?P<role>.+?))?\.(?: You like: (?P<likes>.+?)\.)?(?: You hate: (?P<hates>.+?)\.)?"
    r"(?: You call people (?P<address>.+?)\.)?(?: You say: (?P<catchphrases>.+?)\.)?(?:$|(?= ))"
)
_NOW = re.compile(r"^\s*You are now: .+?\.(?=\s|$)")
_WHO = re.compile(r"(?:Your character is |Who )?(?P<name>[^,\n]+?)(?: is:|, (?P<role>[^,\n]+)[^\n]*|\.)?(?:\n|$)")
_MANNER = {"likes": "Likes: ", "hates": "Hates: ", "address": "Calls people: "}
_SAID = re.compile(r"\[?(?P<name>[^\]:\n]{1,80}?)\]?: (?P<words>.*)", re.DOTALL)
_QUOTED = re.compile(r"Respond to these words of (?P<name>.+?) about the picture [^\n]*:\n(?P<words>.*)", re.DOTALL)
_ASIDE = re.compile(r"For (?P<name>[^.]+) alone\. (?P<question>.*)", re.DOTALL)
_NEXT = re.compile(r"Write the next line, spoken by (?P<name>.+), without the name in front\.")
_CLOSINGS = {
    "Reply as ": "",
    "Begin the conversation": "Begin.",
    "Go on with the conversation": "Go on.",
    "Write the next line, spoken by ": "",
}
"""How prompts end that want a line, and what `compact` says in that case."""
_SCRIPT = "Write the scene as a script"
_IN_SCENE = re.compile(r"In the scene: (?P<people>[^\n]+)\.")


@dataclass(frozen=True, slots=True)
class Said:
    """One line of the talk: by whom, and what."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class Heard:
    """A request, read."""

    me: CharacterProfile
    """Who answers; the narrator by that name."""
    others: tuple[str, ...]
    """Whom it can speak to, by name; those that the prompt tells of."""
    secret: str
    """What it alone knows."""
    images: tuple[str, ...]
    """Ids of the pictures in sight, oldest first."""
    lines: tuple[Said, ...]
    """What was said, oldest first, the line to be answered among it."""
    question: str
    """What is asked of it alone, out of the talk; empty where a line is wanted."""
    form: Mapping[str, Any] | None
    """The properties of the form that the answer is to have."""

    @property
    def own(self) -> list[str]:
        """Return its own lines."""
        return [said.words for said in self.lines if said.name == self.me.name]

    @property
    def last(self) -> Said | None:
        """Return what another character or a person said last."""
        outside = (self.me.name, NARRATOR)
        return next((said for said in reversed(self.lines) if said.name not in outside), None)


def heard(request: Request) -> Heard:
    """Return what `request` tells; of a prompt that is none of the sandbox's, what is found in it."""
    segments = request.prompt.segments()
    me, secret = _me(segments)
    lines = tuple(_lines(segments, me.name))
    people = {said.name: None for said in lines} | dict.fromkeys(_present(segments))
    return Heard(
        me=me,
        others=tuple(name for name in people if name not in (me.name, STAGE.split(":")[0], NARRATOR)),
        secret=secret,
        images=tuple(segment.image for segment in segments if segment.image),
        lines=lines,
        question=_question(segments),
        form=json.loads(request.form)["properties"] if request.form else None,
    )


# ---- who


def _me(segments: Sequence[Segment]) -> tuple[CharacterProfile, str]:
    system = next((segment.text for segment in segments if segment.role == "system"), "")
    is_sheet = segments[0].stability == "persona"
    if system.lower().startswith("you are the narrator"):
        return CharacterProfile(name=NARRATOR), ""
    if is_sheet and (sheet := _SHEET.match(system)):
        return _profile(**sheet.groupdict()), _NOW.sub("", system[sheet.end() :]).strip()
    return _from_sections(segments)


def _profile(name: str, **parts: str | None) -> CharacterProfile:
    listed = {what: tuple((parts.get(what) or "").split(", ")) for what in ("likes", "hates", "catchphrases")}
    told = {what: words for what, words in listed.items() if words != ("",)}
    own = {"name": name, "role": parts.get("role"), "address": parts.get("address")} | told
    return CharacterProfile.model_validate(own)


def _from_sections(segments: Sequence[Segment]) -> tuple[CharacterProfile, str]:
    """Return the profile that is told under headings: the one that is named as the reader's, or else the first."""
    told = [segment.text for segment in segments if segment.stability in ("persona", "cast") and segment.text]
    endings = [segment.text for segment in segments if segment.stability == "instruction"]
    own = next((match["name"] for text in endings if (match := _named(text))), None)
    profiles = [(_WHO.match(text), text) for text in told if "\n" in text or text.startswith("Your character is ")]
    found = [(who, text) for who, text in profiles if who and (own is None or who["name"] == own)]
    if not found:
        return CharacterProfile(name=own or "Somebody"), ""
    who, text = found[0]
    secret = " ".join(re.findall(r"^Only .+? knows?: (.*)$", "\n".join(told), re.MULTILINE))
    return _profile(who["name"], role=who["role"] or _role(text, who["name"]), **_manner(text)), secret


def _named(text: str) -> re.Match[str] | None:
    return _NEXT.match(text) or _ASIDE.match(text) or re.fullmatch(r"(?P<name>[^:\n]+):", text)


def _role(text: str, name: str) -> str | None:
    """Return what the introduction calls somebody: `Agda Brindle is a gloomy ferryman.`"""
    found = re.search(rf"^{re.escape(name)} is (?P<role>an? [^.\n]+)\.", text, re.MULTILINE)
    return found["role"] if found else None


def _manner(text: str) -> dict[str, str]:
    lines = text.split("\n")
    parts = {what: line.removeprefix(head) for what, head in _MANNER.items() for line in lines if line.startswith(head)}
    phrases = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
    return parts | ({"catchphrases": ", ".join(phrases)} if phrases else {})


def _present(segments: Iterable[Segment]) -> Iterator[str]:
    for segment in segments:
        if found := _IN_SCENE.search(segment.text):
            yield from (person.split(", ")[0] for person in found["people"].split("; "))


# ---- what was said


def _lines(segments: Sequence[Segment], me: str) -> Iterator[Said]:
    is_script = any(segment.text.startswith(_SCRIPT) for segment in segments)
    for segment in segments:
        if segment.role == "assistant" and segment.stability == "history" and not is_script:
            yield Said(me, segment.text)
        elif match := _line(segment, segments):
            yield Said(match["name"].removeprefix("the "), match["words"])


def _line(segment: Segment, segments: Sequence[Segment]) -> re.Match[str] | None:
    """Return the line that a segment is; `compact` ends with the one to be answered, `mmrole` quotes it."""
    is_compact = segments[0].stability == "persona"
    if segment.stability == "history" or (is_compact and segment.stability == "instruction"):
        return None if segment.text.startswith(STAGE) else _SAID.match(segment.text)
    return _QUOTED.match(segment.text)


def _question(segments: Sequence[Segment]) -> str:
    """Return what the last segment asks for besides a line."""
    last = segments[-1] if segments else None
    if last is None or last.stability != "instruction" or last.role == "assistant" or _line(last, segments):
        return ""
    closing = next((words for start, words in _CLOSINGS.items() if last.text.startswith(start)), None)
    aside = _ASIDE.match(last.text)
    return closing if closing is not None else aside["question"] if aside else last.text.removeprefix(STAGE)
