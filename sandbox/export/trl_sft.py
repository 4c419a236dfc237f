"""The format `trl-sft`: conversations for TRL's SFTTrainer, one for each view of a character, its own lines learned.

What TRL 1.16 reads unchanged: a column `messages` whose contents are lists of {type, text}, and a column `images`,
whose pictures stand where the parts of type `image` are, in order. No part has another key: where some had one, Arrow
would fill it into all, and common chat templates would take every text for a picture. `train` on a message tells
whether it is learned; a trainer without a mask of its own learns every message of the assistant.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from sandbox.export.keep import NOT_KEPT
from sandbox.export.lines import Line, lines_of, other_than_line
from sandbox.export.row import CallOrigin, Kind, Played, Row
from sandbox.export.text import parts, plain, words
from sandbox.export.views import View, views_of
from scenes.chat import Completion, Message

SCRIPT = "lines in the layout script, where all that is said is one text of the assistant"
EMPTY = "empty replies"
SHARED = "lines that a branch shares with the episode it branches from"
TRUNCATED = "lines cut off by their token limit: there to be read, and not learned"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Part(_Strict):
    """A text, or the place of a picture."""

    type: Literal["text", "image"]
    text: str | None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.type == "text") != bool(self.text):
            raise ValueError("a part has a text, or is a picture")
        return self


class ChatMessage(_Strict):
    """What somebody said."""

    role: Literal["system", "user", "assistant"]
    content: list[Part]
    train: bool

    @model_validator(mode="after")
    def _is_learned_rightly(self) -> Self:
        if not self.content:
            raise ValueError("a message holds nothing")
        if self.train and self.role != "assistant":
            raise ValueError("only lines of the assistant are learned")
        return self


class Conversation(_Strict):
    """A row, but for its pictures."""

    id: str
    messages: list[ChatMessage]

    @model_validator(mode="after")
    def _teaches(self) -> Self:
        if not self.messages[-1:] or not self.messages[-1].train:
            raise ValueError("a conversation ends with a line that is learned")
        roles = [message.role for message in self.messages]
        if "system" in roles[1:] or roles[0] == "assistant":
            raise ValueError("a conversation begins with a system message or a user's, and has no other of the system")
        return self


class TrlSft:
    """One view per character and episode."""

    name: ClassVar[str] = "trl-sft"
    scorer: ClassVar[str | None] = None
    kind: ClassVar[Kind] = "parquet"
    schema: ClassVar[type[BaseModel]] = Conversation

    def rows(self, played: Played) -> Iterator[Row]:
        """Yield the rows of an episode, view by view."""
        calls = {call.key: call for call in played.record.calls(played.case.trajectory.episode)}
        for why, count in Counter(map(other_than_line, calls.values())).items():
            if why:
                played.leave_out(why, count)
        by_name: dict[str, list[Line]] = {}
        for line in lines_of(played.case.trajectory.events, calls):
            if _is_readable(line, played):
                by_name.setdefault(line.name, []).append(line)
        for name, lines in by_name.items():
            for part, view in enumerate(views_of(lines, [_is_learned(line, played) for line in lines])):
                yield _row(played, name, part, view)

    def told(self, body: Mapping[str, Any]) -> str:
        """Return the conversation as a person reads it, with a mark at what is learned."""
        return "\n".join(map(_message_told, body["messages"]))

    def places(self, body: Mapping[str, Any]) -> int:
        """Return how many parts are pictures."""
        return sum(part["type"] == "image" for message in body["messages"] for part in message["content"])

    def texts(self, body: Mapping[str, Any]) -> Iterator[str]:
        """Yield every text."""
        for message in body["messages"]:
            yield from (part["text"] for part in message["content"] if part["text"])


def _message_told(message: Mapping[str, Any]) -> str:
    mark = " learned" if message["train"] else ""
    return f"<{message['role']}{mark}> {''.join(part['text'] or '⟦picture⟧' for part in message['content'])}"


def _is_readable(line: Line, played: Played) -> bool:
    """Return whether a line can stand in a conversation; else it is counted."""
    last = line.call.request.prompt.segment
    if not line.words:
        played.leave_out(EMPTY, 1)
    elif last is None or last.role == "assistant":
        played.leave_out(SCRIPT, 1)
    else:
        return True
    return False


def _is_learned(line: Line, played: Played) -> bool:
    """Return whether a line is learned; else it is counted. What is odd about one that is learned is noted."""
    if line.turn <= played.shared_to:
        played.leave_out(SHARED, 1)
    elif line.flags.truncated:
        played.leave_out(TRUNCATED, 1)
    elif not played.keeps(line.events):
        played.leave_out(NOT_KEPT, 1)
    else:
        for odd in _odd(line):
            played.note(odd, 1)
        return True
    return False


def _odd(line: Line) -> list[str]:
    flags = line.flags
    found = {
        "learned as cut where the model began to speak for somebody else": flags.spoke_for is not None,
        "learned with parts joined, because there were too many": flags.joined > 0,
        "asked without the oldest talk, which did not fit the model": line.completion.dropped > 0,
    }
    return [what for what, is_so in found.items() if is_so]


def _row(played: Played, name: str, part: int, view: View) -> Row:
    conversation = view.conversation()
    told: list[dict[str, Any]] = [
        {"role": message.role, "content": _content(message), "train": train} for message, train in conversation
    ]
    pictures = tuple(part.image for message, _ in conversation for part in message.parts if part.image)
    body = {"id": plain(f"{played.run}/{played.case.trajectory.episode}/{name}/{part}"), "messages": told}
    calls = [_origin(line, exact) for line, exact in zip(view.lines, view.exact, strict=True)]
    played.note("lines whose text before is not to the letter what was sent", view.exact.count(False))
    models = dict.fromkeys(line.call.request.model for line in view.lines)
    return Row(
        body,
        pictures,
        played.origin(name, ", ".join(models), calls),
        words=sum(words(part["text"] or "") for message in told for part in message["content"]),
        learned=sum(words(line.words) for line in view.lines),
        answers=len(view.lines),
        tokens=max(_tokens(line.completion) for line in view.lines),
    )


def _tokens(completion: Completion) -> int:
    return completion.prompt_tokens + completion.output_tokens if completion.prompt_tokens else 0


def _origin(line: Line, exact: bool) -> CallOrigin:
    prompt = line.call.request.prompt.id.hex()
    return CallOrigin(key=line.call.key, turn=line.turn, prompt=prompt, exact=exact, flags=_odd(line))


def _content(message: Message) -> list[dict[str, str | None]]:
    return [{"type": "text" if text else "image", "text": text} for text in parts(message)]
