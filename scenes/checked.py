"""From a document to a model: every error of pydantic said in our own words, at its line and column.

Pydantic's core schema is walked along each error's location. It tells the labels of a union's branches, which are part
of a location, from keys of the file, and knows which keys and choices were possible at the place.
"""

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from scenes.clean import one_line
from scenes.document import Document, Keys
from scenes.problem import InputRefused, Problem
from scenes.tree import Place

M = TypeVar("M", bound=BaseModel)
Schema: TypeAlias = Mapping[str, Any]
"""A core schema of pydantic, or `{}` where nothing is known."""
MOST_SHOWN = 20
LONGEST_QUOTED = 80


@dataclass(frozen=True, slots=True)
class _Mistake:
    """One mistake in the value at `keys`: an error with the schema it broke, or several of which one had to fit."""

    keys: Keys
    broken: tuple[tuple[ErrorDetails, Schema], ...]

    @property
    def kind(self) -> str:
        return self.broken[0][0]["type"]


def validated(model: type[M], document: Document) -> M:
    """Return the data of `document` as a `model`. Raises `InputRefused` with a problem for each mistake."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise InputRefused(problems_in(error, document, model)) from None


def problems_in(error: ValidationError, document: Document, model: type[BaseModel], at: Keys = ()) -> list[Problem]:
    """Return the first mistakes, by line, that `error` found when the value at the keys `at` was read as `model`."""
    schema = model.__pydantic_core_schema__
    definitions = {definition["ref"]: definition for definition in schema.get("definitions", ())}
    errors = [(_way(one), one) for one in error.errors(include_url=False) if not _is_miscounted(one)]
    placed = [(_place(mistake, document), mistake) for mistake in _mistakes(errors, schema, at, definitions)]
    placed.sort(key=itemgetter(0))
    first = placed[:MOST_SHOWN]
    misspelt = {(*mistake.keys[:-1], _near(mistake)) for _, mistake in first if mistake.kind == "extra_forbidden"}
    problems = [
        Problem(document.file, *place, _sentence(mistake))
        for place, mistake in first
        if mistake.kind != "missing" or mistake.keys not in misspelt
    ]
    for place, _ in placed[MOST_SHOWN : MOST_SHOWN + 1]:
        # An ellipsis sorts after the letters and quotes that the other messages begin with.
        problems.append(Problem(document.file, *place, f"… and {len(placed) - MOST_SHOWN} more from here on."))
    return problems


def _is_miscounted(error: ErrorDetails) -> bool:
    """Return whether a list is called too short only because pydantic leaves out the items that are wrong."""
    return error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]


def _place(mistake: _Mistake, document: Document) -> Place:
    is_key = mistake.kind == "extra_forbidden" or _of_key(mistake.broken[0][0])
    return document.key_place(mistake.keys) if is_key else document.place(mistake.keys)


_Errors: TypeAlias = list[tuple[Keys, ErrorDetails]]
"""Errors, each with what is left of its location."""


def _of_key(error: ErrorDetails) -> bool:
    """Return whether the error is in a key of a mapping, not in its value."""
    return error["loc"][-1:] == ("[key]",)


def _way(error: ErrorDetails) -> Keys:
    return error["loc"][:-1] if _of_key(error) else error["loc"]


def _mistakes(errors: _Errors, schema: Schema, keys: Keys, definitions: Mapping[str, Schema]) -> Iterator[_Mistake]:
    """Yield the mistakes in the value at `keys`, which `schema` describes."""
    schema = _described(schema, definitions)
    yield from (_mistake(error, schema, keys) for way, error in errors if not way)
    deeper = _by_step([(way, error) for way, error in errors if way])
    if deeper and schema.get("type") == "union":
        branches = zip(deeper.values(), _branches(schema, len(deeper)), strict=True)
        yield from _best([list(_mistakes(rest, branch, keys, definitions)) for rest, branch in branches], keys)
        return
    for step, rest in deeper.items():
        if schema.get("type") == "tagged-union":
            yield from _mistakes(rest, schema["choices"].get(step, {}), keys, definitions)
        else:
            yield from _mistakes(rest, _part(schema, step), (*keys, step), definitions)


def _described(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Return the schema inside the wrappers: definitions, defaults, `None`, validators, the model's own class."""
    while "schema" in schema or "schema_ref" in schema:
        schema = schema["schema"] if "schema" in schema else definitions[schema["schema_ref"]]
    return schema


def _by_step(errors: _Errors) -> dict[str | int, _Errors]:
    """Return the errors by the first step of their ways, with the rest of the way."""
    groups: dict[str | int, _Errors] = {}
    for (step, *rest), error in errors:
        groups.setdefault(step, []).append((tuple(rest), error))
    return groups


def _branches(schema: Schema, count: int) -> list[Schema]:
    """Return the branches of a union in order, as their errors come; unknown ones if two share a label."""
    branches = [branch[0] if isinstance(branch, tuple) else branch for branch in schema["choices"]]
    return branches if len(branches) == count else [{}] * count


def _part(schema: Schema, step: str | int) -> Schema:
    """Return what describes the value at one key or position; of an unknown key, the keys that are known."""
    fields = schema.get("fields")
    if isinstance(fields, dict):
        return next((fields[name] for name in fields if step == _key(name, fields[name])), {"known": fields})
    items: Schema | list[Schema] = schema.get("values_schema", schema.get("items_schema", {}))
    if not isinstance(items, list):
        return items
    return items[step] if isinstance(step, int) and step < len(items) else items[-1]


def _key(name: str, described: Schema) -> str:
    """Return what a field of a model is called in the file."""
    alias = described.get("validation_alias")
    return alias if isinstance(alias, str) else name


def _mistake(error: ErrorDetails, schema: Schema, keys: Keys) -> _Mistake:
    """Return a mistake; that of a union's tag is one of the key which holds the tag, as of any choice."""
    tag = schema.get("discriminator")
    if not error["type"].startswith("union_tag") or not isinstance(tag, str):
        return _Mistake(keys, ((error, schema),))
    kind = "missing" if error["type"] == "union_tag_not_found" else "literal_error"
    of_tag: ErrorDetails = {**error, "type": kind, "input": error["ctx"].get("tag")}
    return _Mistake((*keys, tag), ((of_tag, {"expected": list(schema["choices"])}),))


def _best(branches: list[list[_Mistake]], keys: Keys) -> list[_Mistake]:
    """Return the mistakes of the branch that fits the value at `keys` best; if none fits at all, all in one."""
    fitting = [branch for branch in branches if not any(_is_other_kind(mistake, keys) for mistake in branch)]
    if fitting:
        return min(fitting, key=lambda branch: sum(_misfit(mistake, keys) for mistake in branch[:MOST_SHOWN]))
    return [_Mistake(keys, tuple(broken for branch in branches for mistake in branch for broken in mistake.broken))]


_OTHER_KIND = ("_type", "_parsing", "_from_float", "literal_error", "enum", "none_required", "is_instance_of")


def _is_other_kind(mistake: _Mistake, keys: Keys) -> bool:
    return mistake.keys == keys and mistake.kind.endswith(_OTHER_KIND)


def _misfit(mistake: _Mistake, keys: Keys) -> int:
    """Return how much a mistake speaks against its branch: most, if the branch does not know a key that is written."""
    if len(mistake.keys) != len(keys) + 1:
        return 0
    if mistake.kind == "extra_forbidden":
        return 10 if _near(mistake) else 20
    return {"literal_error": 10, "missing": 1}.get(mistake.kind, 0)


_RULES = {
    "string_type": "be a text",
    "int_type": "be a whole number",
    "int_parsing": "be a whole number",
    "int_from_float": "be a whole number",
    "float_type": "be a number",
    "float_parsing": "be a number",
    "finite_number": "be a finite number",
    "bool_type": "be true or false",
    "bool_parsing": "be true or false",
    "list_type": "be a list",
    "tuple_type": "be a list",
    "dict_type": "be a mapping",
    "model_type": "be a mapping",
    "model_attributes_type": "be a mapping",
    "none_required": "be empty",
    "greater_than": "be more than {gt}",
    "greater_than_equal": "be at least {ge}",
    "less_than": "be less than {lt}",
    "less_than_equal": "be at most {le}",
    "multiple_of": "be a multiple of {multiple_of}",
    "string_too_short": "have a length of at least {min_length}",
    "string_too_long": "have a length of at most {max_length}",
    "too_short": "have a length of at least {min_length}",
    "too_long": "have a length of at most {max_length}",
    "string_pattern_mismatch": "match the pattern {pattern}",
}
"""What a value must do, by pydantic's type of error."""


def _sentence(mistake: _Mistake) -> str:
    error, schema = mistake.broken[0]
    rules = list(dict.fromkeys(rule for broken in mistake.broken for rule in _rules(*broken)))
    if mistake.kind == "missing":
        named = f"key {_quoted(mistake.keys[-1])}" if isinstance(mistake.keys[-1], str) else _subject(mistake.keys)
        return f"{named} is missing; {f'it must {_either(rules)}' if rules else 'add it'}."
    if mistake.kind == "extra_forbidden":
        known = f"; known here: {', '.join(map(_quoted, _choices(mistake)))}." if "known" in schema else "; remove it."
        return f"unknown key {_quoted(mistake.keys[-1])}{_did_you_mean(mistake) or known}"
    if not rules:
        return one_line(str(error.get("ctx", {}).get("error", "")) or error["msg"], 1_000).removesuffix(".") + "."
    mend = _did_you_mean(mistake) or _mend(rules, error["input"])
    return f"{_subject(mistake.keys)} must {_either(rules)}, found {_found(error['input'])}{mend}"


def _rules(error: ErrorDetails, schema: Schema) -> list[str]:
    """Return what a value must do, one rule for each thing that is allowed; none if the error has words of its own."""
    kind = error["type"]
    if kind in ("literal_error", "missing"):
        return [f"be {_quoted(choice)}" for choice in schema.get("expected", ())]
    if kind in _RULES:
        return [_RULES[kind].format(**error.get("ctx", {}))]
    ours = error["msg"].removeprefix("Input should ")
    return [] if ours == error["msg"] else [ours]


def _either(rules: list[str]) -> str:
    """Return `be 1, 2 or a list` for `be 1`, `be 2` and `be a list`."""
    first, *others = rules
    *middle, last = [first, *(rule.removeprefix("be ") for rule in others)]
    return f"{', '.join(middle)} or {last}" if middle else last


def _subject(keys: Keys) -> str:
    """Return what the value at `keys` is called: by its key, or as an item of what has one."""
    if not keys:
        return "the file"
    return _quoted(keys[-1]) if isinstance(keys[-1], str) else f"item {keys[-1] + 1} of {_subject(keys[:-1])}"


def _quoted(value: object) -> str:
    return f'"{one_line(value)}"' if isinstance(value, str) else json.dumps(value, default=str)


def _found(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return f"the text {_quoted(value)}" if len(value) <= LONGEST_QUOTED else f"a text of {len(value)} characters"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return "a mapping" if isinstance(value, dict) else _quoted(value)


def _mend(rules: list[str], found: object) -> str:
    if found is None:
        return "; write a value."
    if "be a text" in rules and isinstance(found, bool | int | float):
        return "; put it in quotes."
    return "."


def _did_you_mean(mistake: _Mistake) -> str:
    near = _near(mistake)
    return f"; did you mean {_quoted(near)}?" if near else ""


def _near(mistake: _Mistake) -> str | None:
    """Return the choice that is spelt almost as what was written."""
    written = mistake.keys[-1] if mistake.kind == "extra_forbidden" else mistake.broken[0][0]["input"]
    found = difflib.get_close_matches(written, _choices(mistake), 1) if isinstance(written, str) else []
    return found[0] if found else None


def _choices(mistake: _Mistake) -> list[str]:
    """Return the keys known at the place, or the words to choose from."""
    known = [_key(name, field) for _, schema in mistake.broken for name, field in schema.get("known", {}).items()]
    words = [word for _, schema in mistake.broken for word in schema.get("expected", ()) if isinstance(word, str)]
    return known + words
