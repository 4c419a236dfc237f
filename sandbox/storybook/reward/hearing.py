"""What a judge's prompt tells, read back: who answered, to what, and both answers; and the prompt that they answered.

The judge of `scorers.mmrole` is told of a reply in words of its own. The storybook model knows the layout `compact`, so
the reply is asked for again in that: the same sheet, pictures and lines, as far as the judge was told of them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from agents.prompts.blocks import sections, sheet
from agents.prompts.compact import COMPACT, STAGE
from scenes.chat import CallFailed, Prompt, Request, Segment, Stability
from scenes.event import NARRATOR
from scenes.loading import COMMENT_QUESTION
from scenes.profile import SECTION_TITLES, CharacterProfile
from scenes.storybook.cast import shipped_profiles
from scorers.mmrole.metrics import METRICS, Aspect
from scorers.mmrole.prompt import SYSTEM, Matter

NOT_ASKED = "storybook+rm judges what a run holds, for the scorer mmrole, and answers nothing else"
_TASK = re.compile(r"to reply as (?P<role>.+?), in conversation with (?P<partner>.+?)\. Compare their answers")
_ENDED = "## **[Question End]**"
_TOGETHER = "Answer in JSON alone"
_ASPECTS = {f"**{aspect.name}**:": aspect for aspect in METRICS}
_MANNER = {"Likes: ": "likes", "Hates: ": "hates", "Calls people: ": "address"}
_HEADINGS = {title: section for section, title in SECTION_TITLES.items()}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a judge is asked."""

    matter: Matter
    aspect: Aspect | None
    """The metric; None where all eight are asked for at once."""


def asked_in(request: Request) -> Asked:
    """Return what a judge is asked. Raises `CallFailed` for what is no question to a judge, or to no such judge."""
    segments = request.prompt.segments()
    orders = [one.text for one in segments if one.stability == "instruction"]
    if not orders or segments[0].text != SYSTEM:
        raise CallFailed(NOT_ASKED)
    if request.answer is not None:
        raise CallFailed("storybook+rm writes no scores that could be likely; set mmrole.form=review, or together")
    told, now = _TASK.search(orders[0]), _texts(segments, "now")
    if not told or _ENDED not in now:
        raise CallFailed(NOT_ASKED)
    at = now.index(_ENDED)
    matter = Matter(
        told["role"],
        told["partner"],
        answer=_own(now[at + 2]),
        reference=_own(now[at + 5]),
        pictures=tuple(one.image for one in segments if one.image),
        context=tuple(map(_own, _texts(segments, "cast"))),
        history=tuple(map(_own, _texts(segments, "history"))),
        own=tuple(map(_own, now[:at])),
    )
    return Asked(matter, None if _TOGETHER in orders[0] else _aspect(orders))


def _texts(segments: Sequence[Segment], stability: Stability) -> list[str]:
    return [one.text for one in segments if one.stability == stability]


def _own(quoted: str) -> str:
    """Return a text as it was before it was quoted."""
    return "\n".join(line.removeprefix("> ") for line in quoted.split("\n"))


def _aspect(orders: Sequence[str]) -> Aspect:
    for mark, aspect in _ASPECTS.items():
        if any(text.startswith(mark) for text in orders):
            return aspect
    raise CallFailed(NOT_ASKED)


# ---- the prompt that was answered


def answered(matter: Matter) -> Prompt:
    """Return the prompt in the layout `compact`. Raises `CallFailed` if nothing tells who answered."""
    me = _profile(matter)
    own = " ".join(text for text in (sheet(me), _secret(matter, me)) if text)
    pictures = (Segment("images", "user", image=picture, glue="") for picture in matter.pictures)
    return Prompt().then(Segment("persona", "system", own), *pictures, *_talk(matter))


def _profile(matter: Matter) -> CharacterProfile:
    lead = f"{matter.role}:\n"
    text = next((text.removeprefix(lead) for text in matter.context if text.startswith(lead)), None)
    if text is None:
        raise CallFailed(f"nothing tells storybook+rm who {matter.role} is; it judges what is played, and no records")
    known = (one.public() for one in shipped_profiles() if one.name == matter.role)
    return next((one for one in known if sections(one) == text), None) or _read(matter.role, text)


def _read(name: str, text: str) -> CharacterProfile:
    """Return the profile that a text in sections tells."""
    told: dict[str, Any] = {}
    for part in re.split(r"^### ", text, flags=re.MULTILINE):
        title, _, body = part.partition("\n")
        if title in _HEADINGS:
            told[_HEADINGS[title]] = body.strip()
    for line in text.split("\n"):
        told |= {what: line.removeprefix(head) for head, what in _MANNER.items() if line.startswith(head)}
    told |= {what: told[what].split(", ") for what in ("likes", "hates") if what in told}
    told["catchphrases"] = re.findall(r"^- (.+)$", told.get("catchphrases", ""), re.MULTILINE)
    role = re.match(rf"{re.escape(name)} is (?P<role>an? [^.\n]+)\.", told.get("introduction", ""))
    told |= {"name": name, "role": role and role["role"]}
    return CharacterProfile.model_construct(**told)  # unchecked: a sheet can be made of any words


def _secret(matter: Matter, me: CharacterProfile) -> str:
    """Return what the scenario alone tells the speaker: `compact` leaves out what is private in a profile."""
    own = [text.removeprefix(f"Only {matter.role} knows: ") for text in matter.own]
    private = next((one.private for one in shipped_profiles() if one.name == me.name), None)
    return " ".join(text for text in own if text != private)


def _talk(matter: Matter) -> Iterator[Segment]:
    lines = [(name, words) for line in matter.history for name, _, words in (line.partition(": "),)]
    last = lines[-1][0] if lines else None
    is_answered = last not in (None, matter.role, NARRATOR)
    told = _told(lines[:-1] if is_answered else lines)
    for at, (name, words) in enumerate(told):
        if name == matter.role:
            yield from [Segment("history", "user", f"{STAGE}Begin.", glue="")] * (not at)
            yield Segment("history", "assistant", words)
        else:
            yield Segment("history", "user", _line(name, words), glue="\n" if at else "")
    if is_answered:
        yield Segment("instruction", "user", _line(*lines[-1]), glue="\n" if told else "")
    elif last != NARRATOR:
        yield Segment("instruction", "user", f"{STAGE}{'Go on.' if last else 'Begin.'}", glue="\n" if last else "")


def _line(name: str, words: str) -> str:
    return f"{STAGE}{words}" if words == COMMENT_QUESTION else f"{name}: {words}"


def _told(lines: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return what a prompt of so few words holds of a talk: the older half of them leaves when they become too many."""
    told: list[tuple[str, str]] = []
    for line in lines:
        if _length([*told, line]) > COMPACT.words:
            while told and _length([*told, line]) > COMPACT.words // 2:
                del told[0]
        told.append(line)
    return told


def _length(lines: Sequence[tuple[str, str]]) -> int:
    return sum(2 + len(words.split()) for _, words in lines)
