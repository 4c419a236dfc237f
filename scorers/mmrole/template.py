"""The prompt of a released reward model, taken from the user's own training records of it.

A judge that was trained on one prompt judges best when asked with that prompt, word for word; it may not be copied
here, and whoever has the model has its records. A record's user text has four marked sections: the question, Model A's
response, Model B's response, the instruction (MMRole, eval/RM_review.py). What stands between the marks is the
record's own and is replaced by what is judged now; all else, and the names in the instruction aside, stays as it is.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from scenes.chat import Prompt, Segment
from scorers.mmrole.metrics import METRICS, Aspect
from scorers.mmrole.prompt import Matter
from scorers.mmrole.reading import disarmed

MAX_BYTES = 1_000_000_000
MOST_RECORDS = 5_000
"""Looked at for one record of each metric; released files have all eight of a sample side by side."""
_MARKED = re.compile(
    r"(?P<lead>.*?\[Question Start\][^\n]*\n+)(?P<question>.*?)"
    r"(?P<first>\n+[^\n]*\[Question End\].*?\[Model A['’]s Response Start\][^\n]*\n+)(?P<a>.*?)"
    r"(?P<second>\n+[^\n]*\[Model A['’]s Response End\].*?\[Model B['’]s Response Start\][^\n]*\n+)(?P<b>.*?)"
    r"(?P<rest>\n+[^\n]*\[Model B['’]s Response End\].*\[Instruction\].*)",
    re.DOTALL,
)
_PICTURE = re.compile(r"(?:Picture \d+:\s*)?<img>[^\n]*?</img>\n?")
_MARK = re.compile(r"\[(?=\s*(?:Question|Model\s+[AB]|Instruction)\b)", re.IGNORECASE)
_STEP_IN = re.compile(
    r"into the shoes of (?P<role>.+?)(?:, a person[^.]*?| from (?P<script>.+?))?\. Imagine you are talking with "
    r"(?P<other>.+?)(?:, another person[^.]*?| from .+?)? about the given image"
)
"""How a question begins that says who is played, from where, and with whom it talks."""
_SLOTS = {"role": "role", "script": "script", "other": "other_role"}
"""The keys of a record that hold what its instruction says of its own sample."""


@dataclass(frozen=True, slots=True)
class Template:
    """The prompt about one metric; in `rest` stand `{role}`, `{script}` and `{other}`, all other braces doubled."""

    system: str
    lead: str
    first: str
    second: str
    rest: str

    def prompt(self, matter: Matter) -> Prompt:
        """Return the prompt about one answer."""
        begun = [Segment("global", "system", self.system)] if self.system else []
        pictures = [Segment("images", "user", image=picture, glue="\n") for picture in matter.pictures]
        texts = (self.lead, *_question(matter), self.first, _data(matter.answer), self.second, _data(matter.reference))
        return Prompt().then(*begun, *pictures, *_joined(texts), self._instruction(matter))

    def _instruction(self, matter: Matter) -> Segment:
        names = {"role": matter.role, "script": matter.world or "this scene", "other": matter.partner}
        told = {slot: " ".join(_data(name).split()) for slot, name in names.items()}
        return Segment("instruction", "user", self.rest.format(**told), glue="")


def read_templates(file: Path) -> Mapping[str, Template]:
    """Return the prompts of the eight metrics by their keys, from a file of records. Raises `ValueError`."""
    found: dict[str, Template] = {}
    for at, record in enumerate(islice(_records(file), MOST_RECORDS)):
        template = _template(record, f"{file}: record {at}")
        about = _aspect(template.rest)
        if about:
            found.setdefault(about.key, template)
        if len(found) == len(METRICS):
            return found
    lacking = ", ".join(aspect.name for aspect in METRICS if aspect.key not in found)
    raise ValueError(f"{file}: no record asks for {lacking}; name a file with a record of each metric")


def _records(file: Path) -> Iterator[Mapping[str, Any]]:
    try:
        if not file.expanduser().is_file():
            raise ValueError(f"{file}: there is no such file; name a file of training records")
        if file.expanduser().stat().st_size > MAX_BYTES:
            raise ValueError(f"{file}: it has more than {MAX_BYTES:,} bytes; cut some records out of it")
        held = json.loads(file.expanduser().read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ValueError(f"{file}: it cannot be read ({error.strerror}); name a file of training records") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{file}:{error.lineno}: this is no JSON ({error.msg}); name a file of records") from None
    except (UnicodeDecodeError, RecursionError):
        raise ValueError(f"{file}: this is no JSON in UTF-8; name a file of records") from None
    yield from held if isinstance(held, list) else [held]


def _template(record: Any, where: str) -> Template:
    """Return the prompt that a record was trained on, without what is its own. Raises `ValueError`."""
    try:
        value, system = record["conversations"][0]["value"], record.get("system") or ""
    except (KeyError, IndexError, TypeError, AttributeError):
        value = system = None
    if not isinstance(value, str) or not isinstance(system, str):
        raise ValueError(f"{where} has no conversations[0].value; name a file of MMRole's reward-model records")
    parts = _MARKED.fullmatch(value)
    if not parts:
        raise ValueError(
            f"{where} lacks the marks from [Question Start] to [Instruction] in their order; "
            "name a file of MMRole's reward-model records"
        )
    lead, rest = _PICTURE.sub("", parts["lead"]), _slotted(parts["rest"], record, parts["question"], where)
    return Template(system, lead, parts["first"], parts["second"], rest)


def _slotted(rest: str, record: Mapping[str, Any], question: str, where: str) -> str:
    """Return the instruction with slots for the names that are its sample's own. Raises `ValueError`."""
    stepped = _STEP_IN.search(question)
    told = {slot: record.get(key) or (stepped and stepped[slot]) for slot, key in _SLOTS.items()}
    names = {name: slot for slot, name in told.items() if isinstance(name, str) and name.strip()}
    if told["role"] not in names:
        raise ValueError(f"{where} does not say who is played; keep the record's role, script and other_role")
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    pieces = re.split(f"({either})", rest)
    return "".join(f"{{{names[piece]}}}" if piece in names else _literal(piece) for piece in pieces)


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _aspect(rest: str) -> Aspect | None:
    """Return the one metric that an instruction is about, by its name."""
    about = [aspect for aspect in METRICS if aspect.name.casefold() in rest.casefold()]
    return about[0] if len(about) == 1 else None


def _question(matter: Matter) -> Iterator[str]:
    """Yield the question in MMRole's order of blocks, two blank lines between them, the talk line under line."""
    yield _data("\n\n\n".join((*matter.context, *matter.own)))
    for at, line in enumerate(matter.history):
        yield ("\n\n\n" if not at else "\n") + _data(line)


def _data(text: str) -> str:
    """Return foreign text without marks of sections and without what could be read as a verdict."""
    return _MARK.sub("(", disarmed(text))


def _joined(texts: tuple[str, ...]) -> Iterator[Segment]:
    return (Segment("now", "user", text, glue="" if at else "\n") for at, text in enumerate(texts))
