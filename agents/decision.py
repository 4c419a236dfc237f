"""Decisions of a model: an answer in a form, asked for again in other words where it cannot be read.

A form is a pydantic class. Its JSON schema goes to the engine, which holds its model to it if it can; whatever comes
back is checked against the same class, so a decision is one of those that were offered or there is none.
"""

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model

from scenes.chance import seed_for
from scenes.chat import Call, Completion, Prompt, Request, Sampling, Segment
from scenes.event import Flags

Form = TypeVar("Form", bound=BaseModel)
REPAIRS = 2
"""How often a decision that cannot be read is asked for again."""
MOST_READ = 20_000
"""Characters of an answer in which a decision is looked for."""
MOST_TRIED = 40
"""Braces in an answer that are tried as the beginning of an object; each that never closes costs a pass."""
_UNASKED = ("$defs", "title", "default", "description")
"""Keys of pydantic's schemas that say nothing about what may be answered; no field of a form bears these names."""


def _cut(letters: int) -> BeforeValidator:
    return BeforeValidator(lambda text: text[:letters] if isinstance(text, str) else text)


# Only two lengths: an engine has to prepare for each, which takes seconds with a large vocabulary.
Phrase = Annotated[str, _cut(60), Field(max_length=60)]
Sentence = Annotated[str, _cut(120), Field(max_length=120)]
"""Free text in a form; what is too long is cut, and no reason to ask again."""


class Offered(BaseModel):
    """What every form is: nothing but what it offers, in the types that it offers."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Choice(Offered):
    """One of several answers."""

    answer: str


@lru_cache(maxsize=1_000)
def choice_of(choices: tuple[str, ...]) -> type[Choice]:
    """Return the form that offers `choices`."""
    offered: Any = Literal[choices]
    return create_model("Choice", __base__=Choice, answer=(offered, ...))


@dataclass(frozen=True, slots=True)
class Decision(Generic[Form]):
    """What was decided, if anything that was offered, and how it went."""

    made: Form | None
    flags: Flags | None
    key: str
    """Of the call that it came from, the last one where it was asked again."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How somebody is asked: which model, how it draws, from which seed."""

    model: str
    sampling: Sampling
    seed: int

    def request(self, key: str, prompt: Prompt, form: type[BaseModel] | None = None) -> Request:
        """Return the request to be asked under `key`."""
        schema = schema_of(form) if form else None
        return Request(self.model, prompt, self.sampling, seed_for(self.seed, key), schema)


def with_room(sampling: Sampling, tokens: int) -> Sampling:
    """Return `sampling` with room for so many tokens at least."""
    return sampling.model_copy(update={"max_tokens": max(tokens, sampling.max_tokens)})


async def decide(asking: Asking, call: Call, key: str, prompt: Prompt, form: type[Form]) -> Decision[Form]:
    """Ask `prompt` until an answer fits `form`, at most `REPAIRS` times again. Raises `CallFailed`."""
    asking = replace(asking, sampling=asking.sampling.model_copy(update={"stop": ()}))  # a stop would cut the form
    asked = key
    for repair in range(REPAIRS + 1):
        completion = await call(asked, asking.request(asked, prompt, form))
        made = read_form(completion.text, form)
        if made is not None or repair == REPAIRS:
            break
        prompt = prompt.then(Segment("instruction", "user", _again(repair, form)))
        asked = f"{key}/again{repair + 1}"
    return Decision(made, _flags(completion, repair, made is None), asked)


def _flags(completion: Completion, repairs: int, defaulted: bool) -> Flags | None:
    flags = Flags(
        truncated=completion.finish_reason == "length",
        empty=not completion.text.strip(),
        dropped=completion.dropped,
        repaired=repairs,
        defaulted=defaulted,
    )
    return None if flags == Flags() else flags


def _again(repair: int, form: type[BaseModel]) -> str:
    """Return what is said to an answer that could not be read: first what is wrong with it, then the form itself."""
    if repair == 0:
        return f"That cannot be read. Answer with one JSON object and nothing else, such as: {_example(form)}"
    return f"Write JSON that follows this schema exactly, without any other word: {schema_of(form)}"


def _example(form: type[BaseModel]) -> str:
    properties = json.loads(schema_of(form))["properties"]
    return json.dumps({name: _sample(part) for name, part in properties.items()}, ensure_ascii=False)


def _sample(part: dict[str, Any]) -> Any:
    if "enum" in part or "const" in part:
        return part.get("const", part.get("enum", [""])[0])
    return [] if part.get("type") == "array" else "..."


def read_form(text: str, form: type[Form]) -> Form | None:
    """Return the one JSON object in `text` if it fits `form`; None if there is none, or more than one."""
    found = _objects(text[:MOST_READ])
    if len(found) != 1:
        return None
    try:
        return form.model_validate_json(found[0])
    except (ValidationError, ValueError, RecursionError):
        return None


def _objects(text: str) -> list[str]:
    """Return the first two JSON objects in `text` that are not inside another."""
    decoder, at, found = json.JSONDecoder(parse_constant=_refuse), text.find("{"), list[str]()
    for _ in range(MOST_TRIED):
        if at < 0 or len(found) == 2:
            break
        try:
            _, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            found.append(text[at:end])
        at = text.find("{", end)
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


@lru_cache(maxsize=1_000)
def schema_of(form: type[BaseModel]) -> str:
    """Return the JSON schema of `form` as text, each part in its place and none by reference."""
    schema = form.model_json_schema()
    return json.dumps(_inlined(schema, schema.get("$defs", {})), ensure_ascii=False)


def _inlined(part: Any, parts: dict[str, Any]) -> Any:
    if isinstance(part, list):
        return [_inlined(one, parts) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(parts[part["$ref"].rsplit("/", 1)[-1]], parts)
    return {key: _inlined(value, parts) for key, value in part.items() if key not in _UNASKED}
