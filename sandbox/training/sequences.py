"""From a row to what a model learns from: the ids that the sandbox would send and get back, and which are learned.

A row is encoded by the `Encoder` that plays with the same model, so that it learns exactly what it will be asked, and
nothing that is written in a text has any effect. Of a row is learned what stands between the end of a prompt and the
end of the reply that follows it, in each message with `train`: its words and the token that ends a reply. Whatever the
template puts around is not. Most templates write a conversation by adding to it, so that a row is one sequence; where a
template writes what is past otherwise than what is asked now (it leaves out how a model thought), each such line
becomes a sequence of its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from io import BytesIO
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from sandbox.engines.encoding import EncodedPrompt, Encoder
from scenes.chat import Role, Segment
from scenes.problem import refuse

if TYPE_CHECKING:
    from PIL.Image import Image

UNLEARNED = -100
"""The label of a token that is not learned, as torch's losses have it."""
_LESS = 8
"""So many tokens a picture may come to less than it counts, next to some texts."""
_PROBE: tuple[tuple[Role, str], ...] = (("user", "Who is there?"), ("assistant", "A dog."), ("user", "And now?"))

Row = Mapping[str, Any]
"""`messages` (role, content, train) and `images` ({bytes, path}), as `sandbox.export.trl_sft` writes them."""


class Reply(NamedTuple):
    """What is learned of a sequence: a span of ids in which a picture is one token."""

    start: int
    end: int
    beyond: int
    """How many more tokens the pictures before it come to; never too few."""


@dataclass
class Taught:
    """What a model reads at once, and the replies that it learns."""

    prompt: EncodedPrompt
    replies: list[Reply] = field(default_factory=list)


class Pictures:
    """The pictures of rows, each under a name made of its file."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}

    def keep(self, file: bytes) -> str:
        """Return the name under which a picture can be opened from now on."""
        name = blake2b(file, digest_size=16).hexdigest()
        self._files[name] = file
        return name

    def open(self, name: str) -> "Image":
        """Return a picture."""
        import PIL.Image

        return PIL.Image.open(BytesIO(self._files[name])).convert("RGB")

    def forget(self) -> None:
        """Let go of all of them."""
        self._files.clear()


class Teaching:
    """Makes batches of rows for the model in a folder or on the Hub. Raises `InputRefused` if it takes no pictures."""

    def __init__(self, model: str) -> None:
        self._pictures = Pictures()
        self._encoder = Encoder(model, self._pictures.open)
        if not self._encoder.takes_pictures:
            raise refuse("this model takes no pictures; train one that does.", model)
        self._end = _end_of_reply(self._encoder, model)

    def __call__(self, rows: Sequence[Row]) -> dict[str, torch.Tensor]:
        """Return what the model takes for `rows`, padded on the right, with `labels`, shape (sequences, tokens)."""
        batch = _together([self._tensors(taught) for row in rows for taught in self.taught(row)])
        self._pictures.forget()
        return batch

    def length(self, row: Row) -> int:
        """Return the tokens of the longest sequence of a row, its pictures' among them; never too few."""
        longest = max(taught.prompt.length for taught in self.taught(row))
        self._pictures.forget()
        return longest

    def taught(self, row: Row) -> list[Taught]:
        """Return the sequences of a row, the longest first. Raises `CallFailed` if the template refuses it."""
        segments = self._segments(row)
        found: list[Taught] = []
        for at in reversed([at for at, message in enumerate(row["messages"]) if message["train"]]):
            before = [segment for of, segment in segments if of < at]
            self._teach(found, before, [segment for of, segment in segments if of == at])
        return found

    def _segments(self, row: Row) -> list[tuple[int, Segment]]:
        """Return the parts of the messages, each with the number of its own."""
        names = (self._pictures.keep(picture["bytes"]) for picture in row["images"])
        return [
            (at, _segment(message["role"], part, number, names))
            for at, message in enumerate(row["messages"])
            for number, part in enumerate(message["content"])
        ]

    def _teach(self, found: list[Taught], before: list[Segment], said: list[Segment]) -> None:
        """Let a reply be learned in a sequence that holds it as it is asked for, or in a new one."""
        asked, answered = self._encoder.encode(before), self._encoder.encode([*before, *said])
        ids = [*answered.ids, self._end[0]]
        start = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(asked.ids, ids, strict=False)))
        reply = Reply(start, len(ids), asked.length - len(asked.ids))
        taught = next((one for one in found if one.prompt.ids[: len(ids)] == ids), None)
        if taught is None:
            whole = replace(answered, text=answered.text + self._end[1], ids=ids, length=answered.length + 1)
            found.append(taught := Taught(whole))
        taught.replies.append(reply)

    def _tensors(self, taught: Taught) -> dict[str, torch.Tensor]:
        inputs = self._encoder.tensors(taught.prompt)
        ids = inputs["input_ids"][0].tolist()
        labels = torch.full_like(inputs["input_ids"], UNLEARNED)
        for reply in taught.replies:
            learned = taught.prompt.ids[reply.start : reply.end]
            start = reply.start + _beyond(ids, learned, reply, len(taught.prompt.images))
            labels[0, start : start + len(learned)] = torch.tensor(learned)
        return {**inputs, "labels": labels}


def _segment(role: Role, part: Mapping[str, Any], number: int, names: Iterator[str]) -> Segment:
    image = next(names) if part["type"] == "image" else None
    return Segment("history", role, part["text"] or "", image, glue="", starts_message=number == 0)


def _beyond(ids: Sequence[int], learned: Sequence[int], reply: Reply, pictures: int) -> int:
    """Return how many tokens further on a reply stands in `ids`, in which pictures have all their tokens."""
    for beyond in range(reply.beyond, reply.beyond - _LESS * pictures - 1, -1):
        start = reply.start + beyond
        if ids[start : start + len(learned)] == learned:
            return beyond
    raise ValueError("a reply is not found where its processor puts it")


def _end_of_reply(encoder: Encoder, model: str) -> tuple[int, str]:
    """Return the token that ends a reply, and how it is written: what the template writes, if it is such a one."""
    from transformers import GenerationConfig

    segments = [Segment("history", role, text, starts_message=True) for role, text in _PROBE]
    answered, gone_on = (encoder.encode(segments[:number]).ids for number in (2, 3))
    after = gone_on[len(answered)] if gone_on[: len(answered)] == answered and len(gone_on) > len(answered) else None
    try:
        named = GenerationConfig.from_pretrained(model).eos_token_id
    except OSError:
        named = None
    ends: set[int] = {*(named if isinstance(named, list) else [named]), encoder.tokenizer.eos_token_id} - {None}
    if not ends:
        raise refuse("nothing says which token ends a reply of this model; name it in generation_config.json.", model)
    end = after if after is not None and after in ends else min(ends)
    return end, str(encoder.tokenizer.convert_ids_to_tokens(end))


def _together(made: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Return the inputs of several sequences as one batch, each filled up with zeros, and labels with `UNLEARNED`."""
    names = dict.fromkeys(name for inputs in made for name in inputs)
    return {name: _joined([inputs[name] for inputs in made if name in inputs], name) for name in names}


def _joined(values: Iterable[torch.Tensor], name: str) -> torch.Tensor:
    """Return tensors one behind the other, in all other dimensions as large as the largest."""
    values = list(values)
    largest = [max(sizes) for sizes in zip(*(value.shape[1:] for value in values), strict=True)]
    fill = UNLEARNED if name == "labels" else 0
    return torch.cat([_filled(value, largest, fill) for value in values])


def _filled(value: torch.Tensor, shape: Sequence[int], fill: int) -> torch.Tensor:
    filled = value.new_full((len(value), *shape), fill)
    filled[(slice(None), *map(slice, value.shape[1:]))] = value
    return filled
