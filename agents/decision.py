"""Decisions of a model: an answer in a form, asked for again in other words where it cannot be read.

A form is a pydantic class. Its JSON schema goes to the engine, which holds its model to it if it can; whatever comes
back is checked against the same class, so a decision is one of those that were offered or there is none. A repair has
to fit small models too: it follows the question itself, not the repair before it, and is no longer than its form.
"""

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model

from scenes.chance import seed_for
from scenes.chat import Call, CallFailed, Completion, Prompt, Request, Sampling, Segment
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
    """Ask `prompt` until an answer fits `form`, at most `REPAIRS` times again. Raises `CallFailed`.

    That a repair has no answer, since it does not fit the model for instance, leaves nothing decided and is no failure.
    """
    asking = replace(asking, sampling=asking.sampling.model_copy(update={"stop": ()}))  # a stop would cut the form
    completion = await call(key, asking.request(key, prompt, form))
    made, repaired, asked = read_form(completion.text, form), 0, key
    while made is None and repaired < REPAIRS:
        again = f"{key}/again{repaired + 1}"
        try:
            completion = await call(again, asking.request(again, _again(prompt, schema_of(form), repaired), form))
        except CallFailed:
            break
        made, repaired, asked = read_form(completion.text, form), repaired + 1, again
    return Decision(made, _flags(completion, repaired, made is None), asked)


def repairs(request: Request) -> list[Request]:
    """Return what may be asked after `request` if no answer can be read, but for the seeds; nothing without a form."""
    if request.form is None:
        return []
    return [replace(request, prompt=_again(request.prompt, request.form, repair)) for repair in range(REPAIRS)]


def _flags(completion: Completion, repairs: int, defaulted: bool) -> Flags | None:
    flags = Flags(
        truncated=completion.finish_reason == "length",
        empty=not completion.text.strip(),
        dropped=completion.dropped,
        repaired=repairs,
        defaulted=defaulted,
    )
    return None if flags == Flags() else flags


def _again(prompt: Prompt, schema: str, repair: int) -> Prompt:
    """Return `prompt` asked again: first with an example of what can be read, then with all that was offered."""
    form = json.loads(schema)
    words = f"such as: {_example(form)}" if repair == 0 else f"in this form: {_shape(form)}"
    return prompt.then(Segment("instruction", "user", f"That cannot be read. Answer in JSON alone, {words}"))


def _example(form: dict[str, Any]) -> str:
    return json.dumps({name: _sample(part) for name, part in form["properties"].items()}, ensure_ascii=False)


def _shape(part: dict[str, Any]) -> str:
    """Return a schema in few words: `{"who": "Brack" | "Pip", "how": "..." | null}`."""
    if "const" in part or "enum" in part:
        return " | ".join(json.dumps(one, ensure_ascii=False) for one in part.get("enum", [part.get("const")]))
    if "anyOf" in part:
        return " | ".join(map(_shape, part["anyOf"]))
    match part["type"]:
        case "object":
            return f"{{{', '.join(f'{json.dumps(name)}: {_shape(one)}' for name, one in part['properties'].items())}}}"
        case "array":
            return f"[{_shape(part['items'])}]"
        case "null":
            return "null"
    return '"..."'


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
