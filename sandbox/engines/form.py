"""The form of a reply, a JSON schema: read, filled in by lot without a model, and one mend of what models write.

Known is what callers use: object, array, string, integer, boolean, null, enum, const and anyOf.
"""

import json
from collections.abc import Mapping
from random import Random
from typing import Any, TypeAlias

from scenes.chat import CallFailed
from scenes.clean import one_line

Schema: TypeAlias = Mapping[str, Any]

_WORDS = "Something happens."
_CONTROLS = dict.fromkeys(range(0x20), " ")


def read_form(form: str) -> Schema:
    """Return the schema in `form`. Raises `CallFailed` if there is none."""
    try:
        schema = json.loads(form)
    except (ValueError, RecursionError) as error:
        raise CallFailed(f"the form of the reply is not JSON: {one_line(str(error))}") from error
    if not isinstance(schema, dict):
        raise not_known(schema)
    return schema


def not_known(part: Any) -> CallFailed:
    """Return the error to raise at a part of a form that is none of the known."""
    return CallFailed(f"the form of the reply has a part that is not known here: {one_line(json.dumps(part))}")


def members(schema: Schema) -> list[Any] | None:
    """Return the values that `schema` allows if it lists them, one by one or by its type; otherwise None."""
    match schema:
        case {"const": value}:
            return [value]
        case {"enum": values}:
            return list(values)
        case {"type": "boolean"}:
            return [True, False]
        case {"type": "null"}:
            return [None]
        case {"anyOf": options}:
            listed = [members(option) for option in options]
            return None if None in listed else [value for values in listed for value in values or ()]
    return None


def instance(schema: Schema, rng: Random) -> Any:
    """Return a value that follows `schema`, drawn with `rng`. Raises `CallFailed` at a part that is not known."""
    if values := members(schema):
        return rng.choice(values)
    match schema:
        case {"anyOf": options}:
            return instance(rng.choice(options), rng)
        case {"type": "object"}:
            return _object(schema, rng)
        case {"type": "array", "items": items}:
            fewest = schema.get("minItems", 0)
            return [instance(items, rng) for _ in range(rng.randint(fewest, schema.get("maxItems", fewest + 2)))]
        case {"type": "string"}:
            return _WORDS[: schema.get("maxLength")]
        case {"type": "integer"}:
            return rng.randint(0, 9)
    raise not_known(schema)


def _object(schema: Schema, rng: Random) -> dict[str, Any]:
    needed = schema.get("required", ())
    parts = schema.get("properties", {}).items()
    return {name: instance(part, rng) for name, part in parts if name in needed or rng.random() < 0.5}


def without_controls(reply: str) -> str:
    """Return JSON that a model wrote with blanks for control characters, which JSON does not allow in a string.

    xgrammar 0.2.8 lets all of them but line ends into strings that have a `maxLength`.
    """
    return reply.translate(_CONTROLS)
