"""A form filled in by a person, line by line: one question for each thing that its schema leaves open."""

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sandbox.engines.form import Schema, members, not_known
from scenes.clean import clean, one_line

_LEFT_OUT: Any = object()
QUESTIONS = {
    "touched": "Whom does it touch?",
    "how": "How does it touch {who}?",
    "after": "Who is elsewhere or otherwise now?",
    "place": "Is {who} elsewhere now? Where?",
    "position": "Has {who} another position? Which?",
    "state": "Is {who} otherwise now? How?",
    "reason": "Why? Nobody is told.",
    "decision": "What comes next?",
    "answer": "Your answer?",
    "time": "Is it another time now? Which?",
    "scene": "Is the place otherwise now? How?",
}
"""By the name of a thing in the forms of the narrator and of interviews; another thing is asked for by its name."""
_NOTHING = "just Enter for none"
MOST_ASKED = 2_000
"""Characters of a question, in which all that can be chosen may be listed."""


class Questionnaire:
    """Asks with `read`, which is given the prompt to show, and lists choices and says what is amiss with `write`."""

    def __init__(self, read: Callable[[str], Awaitable[str]], write: Callable[[str], None]) -> None:
        self._read = read
        self._write = write
        self._listed: list[str] = []

    async def fill(self, schema: Schema, name: str = "", optional: bool = False) -> Any:
        """Return a value that follows `schema`, for the thing called `name`.

        What is optional may be left out by an empty line; it is then `_LEFT_OUT`, which is no value.
        Raises `CallFailed` at a part that is not known.
        """
        match schema:
            case {"anyOf": [part, {"type": "null"}]}:
                value = await self.fill(part, name, optional=True)
                return None if value is _LEFT_OUT and not optional else value
            case _ if values := members(schema):
                return await self._member(values, name, optional)
            case {"anyOf": options}:
                return await self._any_of(options, name, optional)
            case {"type": "object"}:
                return await self._object(schema, name, optional)
            case {"type": "array", "items": items}:
                return await self._array(schema, items, name, optional)
            case {"type": "string"}:
                fewest = schema.get("minLength", 0)
                asked = f"{name} ({_NOTHING})" if not (fewest or optional) else name
                return await self._line(asked, optional, lambda line: _words(line, fewest, schema.get("maxLength")))
            case {"type": "integer"}:
                return await self._line(name, optional, _whole_number)
        raise not_known(schema)

    async def _member(self, values: Sequence[Any], name: str, optional: bool) -> Any:
        """Return one of `values`; where there is no choice nothing is asked."""
        if len(values) == 1 and not optional:
            return values[0]
        at = await self._choice([_shown(value) for value in values], name, optional)
        return at if at is _LEFT_OUT else values[at]

    async def _any_of(self, options: Sequence[Schema], name: str, optional: bool) -> Any:
        at = await self._choice([_described(option) for option in options], name, optional)
        return at if at is _LEFT_OUT else await self.fill(options[at], name)

    async def _object(self, schema: Schema, name: str, optional: bool) -> Any:
        """Return property after property; to leave out the first that is needed leaves out the whole."""
        filled: dict[str, Any] = {}
        for key, part in schema.get("properties", {}).items():
            needed = key in schema.get("required", ())
            value = await self.fill(part, _question(key, name), not needed or (optional and not filled))
            if value is not _LEFT_OUT:
                filled[key] = value
            elif needed:
                return _LEFT_OUT
        return _LEFT_OUT if optional and not filled else filled

    async def _array(self, schema: Schema, items: Schema, name: str, optional: bool) -> Any:
        """Return what is listed; what is chosen among a few is asked for all at once, and the rest of each after it."""
        key = _first_needed(items)
        if values := members(items if key is None else items.get("properties", {}).get(key, {})):
            chosen = [values[at] for at in await self._several(list(map(_shown, values)), name, schema, optional)]
            filled = chosen if key is None else [await self._rest(items, key, value) for value in chosen]
        else:
            filled = await self._one_by_one(schema, items, name, optional)
        return _LEFT_OUT if optional and not filled else filled

    async def _rest(self, schema: Schema, key: str, value: Any) -> dict[str, Any]:
        """Return an object whose `key` is known already."""
        others = {other: part for other, part in schema["properties"].items() if other != key}
        needed = [other for other in schema["required"] if other != key]
        rest = await self._object({"properties": others, "required": needed}, _shown(value), optional=False)
        return {key: value, **rest}

    async def _one_by_one(self, schema: Schema, items: Schema, name: str, optional: bool) -> list[Any]:
        """Return item after item, until an empty line."""
        filled: list[Any] = []
        while len(filled) < schema.get("maxItems", len(filled) + 1):
            may_end = len(filled) >= schema.get("minItems", 0) or (optional and not filled)
            item = await self.fill(items, f"{name} {len(filled) + 1}".strip(), may_end)
            if item is _LEFT_OUT:
                break
            filled.append(item)
        return filled

    async def _several(self, options: list[str], name: str, schema: Schema, optional: bool) -> list[int]:
        """Return the positions of the options that are chosen, as many as the list may hold."""
        fewest, most = schema.get("minItems", 0), schema.get("maxItems")
        listed = ", ".join(f"{number} {option}" for number, option in enumerate(options, start=1))
        prompt = f"{name} ({listed}; commas between several{f'; {_NOTHING}' * (optional or not fewest)})"
        chosen = await self._line(prompt.lstrip(), optional, lambda line: _positions(line, options, fewest, most), "")
        return [] if chosen is _LEFT_OUT else list(chosen)

    async def _choice(self, options: list[str], name: str, optional: bool) -> Any:
        """Return the position of the option that is chosen. What was listed just before is not listed again."""
        if options != self._listed:
            self._listed = options
            self._write("\n".join(f"{number:3}  {option}" for number, option in enumerate(options, start=1)))
        return await self._line(name, optional, lambda line: _position(line, options))

    async def _line(self, name: str, optional: bool, parse: Callable[[str], Any], nothing: str = _NOTHING) -> Any:
        """Return what `parse` makes of a line. Asks again while that is a `ValueError`, which says what is allowed."""
        prompt = f"{one_line(name, MOST_ASKED)}{f' ({nothing})' * bool(optional and nothing)}> ".lstrip()
        while True:
            line = (await self._read(prompt)).strip()
            if optional and not line:
                return _LEFT_OUT
            try:
                return parse(line)
            except ValueError as error:
                self._write(clean(str(error)))


def _question(key: str, about: str) -> str:
    """Return how a person is asked for `key` of what is called `about`."""
    if key in QUESTIONS:
        return QUESTIONS[key].format(who=about or "it")
    return ", ".join(filter(None, (about, key.replace("_", " "))))


def _first_needed(items: Schema) -> str | None:
    """Return the first thing that every one of `items` has to have, if they are objects."""
    return next(iter(items.get("required", ())), None)


def _words(line: str, fewest: int, limit: int | None) -> str:
    if len(line) < fewest:
        raise ValueError("some words, please" if fewest == 1 else f"at least {fewest} characters, please")
    if limit is not None and len(line) > limit:
        raise ValueError(f"at most {limit} characters, please; these were {len(line)}")
    return line


def _whole_number(line: str) -> int:
    try:
        return int(line)
    except ValueError as error:
        raise ValueError("a whole number, please") from error


def _position(line: str, options: Sequence[str]) -> int:
    """Return which of `options` was typed: the text itself, its number, or how it alone begins; in any case."""
    texts, typed = [option.casefold() for option in options], line.casefold()
    numbers = [str(number) for number in range(1, len(options) + 1)]
    for offered in (texts, numbers):
        if typed in offered:
            return offered.index(typed)
    begun = [at for at, text in enumerate(texts) if typed and text.startswith(typed)]
    if len(begun) != 1:
        raise ValueError(f"a number from 1 to {len(options)}, or the words after it, please")
    return begun[0]


def _positions(line: str, options: Sequence[str], fewest: int, most: int | None) -> list[int]:
    """Return which of `options` were typed, with commas between them."""
    if line.casefold() in (option.casefold() for option in options):  # its name may hold a comma
        chosen = [_position(line, options)]
    else:
        chosen = [_named(part.strip(), options) for part in re.split("[,，、;；]", line) if part.strip()]
    if len(chosen) < fewest:
        raise ValueError(f"at least {fewest}, please")
    if most is not None and len(chosen) > most:
        raise ValueError(f"at most {most}, please; these were {len(chosen)}")
    return chosen


def _named(typed: str, options: Sequence[str]) -> int:
    try:
        return _position(typed, options)
    except ValueError:
        raise ValueError(
            f'"{one_line(typed)}" is none of: {", ".join(options)}; please write all of them again'
        ) from None


def _shown(value: Any) -> str:
    """Return a value of a form as a person reads it."""
    match value:
        case True:
            return "yes"
        case False:
            return "no"
        case None:
            return "nothing"
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), 200)


def _described(schema: Schema) -> str:
    """Return what a person is told of one of several forms: what it always says, or what it asks for."""
    if values := members(schema):
        return " / ".join(map(_shown, values))
    parts = schema.get("properties", {})
    fixed = [_shown(part["const"]) for part in parts.values() if "const" in part]
    asked = [one_line(name.replace("_", " ")) for name in parts]
    kinds = {"array": "a list", "string": "your own words", "integer": "a number"}
    return ", ".join(fixed or asked) or kinds.get(schema.get("type", ""), "something else")
