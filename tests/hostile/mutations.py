"""Scenarios made wrong: values where they do not belong, keys that a schema knows and a file lacks, broken bytes."""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import yaml

from scenes.document import parse_document
from scenes.scenario import Scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"
SCHEMA = Scenario.model_json_schema()
"""Names every field that a scenario may have, those included that are added later."""
LONGEST = 100_000

NAMES = (
    "Ada", "Bo", "Captain Brack", "Brack", "Pip", "ada", "ＡDA", "view", "harbour", "quay", "cabin", "all", "cast",
    "Narrator", "narrator", "Human", "storybook", "storybook/brack", "storybook/pip", "ada.yaml", "view.png", "en", "",
)  # fmt: skip
"""What values of a scenario may refer to, some of it in vain."""
PATHS = (
    "../x.png", "../../../../etc/passwd", "/etc/passwd", "/dev/zero", "~/a.png", "${HOME}/a.png", "a/./../view.png",
    "out.png", "loop.png", "pipe.png", "folder.png", "bomb.png", "half.png", "drawn.svg", "view.png/", ".", "..",
    "C:\\a.png", "\\\\host\\a.png", "CON", "a" * 300, "broken.yaml", "laughs.yaml", "tea.yaml", "scenario.yaml",
)  # fmt: skip
URLS = (
    "http://169.254.169.254/", "https://ok.host@evil/", "file:///etc/passwd", "data:image/png;base64,AA", "http:a.png",
)  # fmt: skip
ATTRIBUTES = ("__class__", "__init__", "__dict__", "model_config", "model_fields", "copy", "self", "0", "-1", "[key]")
ODD = (
    "\u202eevil", "\x1b[2J", "a\x00b", "\ud800", "é" * 50, "<b>", "[red]", "{{char}}", "{0}", "%s", "🦊", "\u2028",
    "a.b", "a b", " a", "a\nb", ": ", "#", "- a", "*a", "&a", "<<", "!x", "null", "~", "no", "007", "12:30:00",
)  # fmt: skip
NUMBERS = (
    0, 1, -1, 2, 3, 31, 10_000, 10**6, 2**31 - 1, 2**31, 2**63, 10**19, 10**30, -(10**19), 0.5, 1.0, 1e308, -1e-320,
    float("nan"), float("inf"), float("-inf"), True, False, None,
)  # fmt: skip
SPLICED = (
    "&a ", "*a", "*b ", "!!python/object/apply:os.system ", "!env ", "!!binary ", "<<: *a\n", "---\n", "...\n",
    "%YAML 9\n", "9" * 30, ".nan", "-.inf", "0x" + "f" * 40, "1e999", "\t", "\x00", "\x85", "\u2028", "\ufeff",
    "\xa0", "\x7f", "[" * 40, "{" * 40, "{a: " * 33, "? ", ": ", "- ", "|\n", ">-\n", "'", '"', "#", '"\\ud800"',
    '"\\x1b"', '"\\UFFFFFFFF"',
    "&a [*a]", "&a [x,x,x,x,x,x,x,x,x,x]\n", "[*a,*a,*a,*a]", "{a: 1, a: 2}", "\r", "\n\n", "  ", "@", "`", "a: b: c",
)  # fmt: skip
"""Pieces of YAML that mean something to a parser."""


def sampled(schema: Mapping[str, Any], chance: Random, whole: Mapping[str, Any] | None = None, depth: int = 0) -> Any:
    """Return a value that `schema` describes, a part of the schema `whole`; now and then one that it does not."""
    whole = whole or schema
    if chance.random() < 0.03:
        return odd_value(chance)
    if "$ref" in schema:
        return sampled(whole["$defs"][schema["$ref"].rpartition("/")[2]], chance, whole, depth)
    for choices in ("anyOf", "oneOf"):
        if choices in schema:
            return sampled(chance.choice(schema[choices]), chance, whole, depth)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return chance.choice(schema["enum"])
    return _of_type(schema, chance, whole, depth)


def _of_type(schema: Mapping[str, Any], chance: Random, whole: Mapping[str, Any], depth: int) -> Any:
    match schema.get("type"):
        case "object":
            return _mapping(schema, chance, whole, depth + 1)
        case "array":
            return _list(schema, chance, whole, depth + 1)
        case "integer":
            return chance.choice((schema.get("minimum", 0), 1, 2, 3, chance.randrange(40)))
        case "number":
            return chance.choice((schema.get("minimum", 0), 0.5, 1.0, round(chance.random(), 3)))
        case "boolean":
            return chance.random() < 0.5
        case "string":
            return chance.choice(NAMES)
        case "null":
            return None
    return odd_value(chance)


def _mapping(schema: Mapping[str, Any], chance: Random, whole: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties, share = schema.get("properties", {}), 0.8 if depth < 4 else 0.4
    taken = [key for key in properties if key in schema.get("required", ()) or chance.random() < share]
    made = {key: sampled(properties[key], chance, whole, depth) for key in taken}
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        made |= {name: sampled(others, chance, whole, depth) for name in chance.sample(NAMES, chance.randrange(3))}
    return made


def _list(schema: Mapping[str, Any], chance: Random, whole: Mapping[str, Any], depth: int) -> list[Any]:
    if "prefixItems" in schema:
        return [sampled(item, chance, whole, depth) for item in schema["prefixItems"]]
    number = max(schema.get("minItems", 0), chance.randrange(4))
    return [sampled(schema.get("items", {}), chance, whole, depth) for _ in range(number)]


def odd_value(chance: Random) -> Any:
    """Return what hardly any key of a scenario takes."""
    return chance.choice(_ODD_VALUES)() if chance.random() < 0.3 else _odd_scalar(chance)


def _odd_scalar(chance: Random) -> Any:
    return chance.choice(chance.choice((NAMES, PATHS, URLS, ATTRIBUTES, ODD, NUMBERS)))


def _nested(depth: int) -> Any:
    value: Any = "deep"
    for at in range(depth):
        value = [value] if at % 2 else {"a": value}
    return value


_ODD_VALUES: tuple[Callable[[], Any], ...] = (
    list, dict, lambda: [[]], lambda: [{}], lambda: {"": ""}, lambda: {"__class__": {"__init__": []}},
    lambda: "x" * 81, lambda: "x" * 401, lambda: "x" * LONGEST, lambda: ["a"] * 1_001, lambda: [{}] * 70,
    lambda: {f"k{at}": {} for at in range(300)}, lambda: _nested(10), lambda: _nested(34), lambda: [None, 1, "a", {}],
    lambda: {"range": [0, 10**9]}, lambda: {"range": [3, 3]}, lambda: {"range": [-5, 5]}, lambda: [list(range(50))],
    lambda: {"file": "bomb.png"}, lambda: {"storybook": {"seed": 1}}, lambda: {"name": "Ada"}, lambda: [0, 0, 64, 64],
)  # fmt: skip


def mutated_scenario(chance: Random) -> bytes:
    """Return a file made of a real scenario, or of the schema, with one to four things wrong in it."""
    data = _DATA[chance.randrange(len(_DATA))] if chance.random() < 0.8 else sampled(SCHEMA, chance)
    number = chance.choice((1, 1, 2, 4))
    if chance.random() < 0.6:
        data = deepcopy(data)
        for _ in range(number):
            data = _changed(data, chance)
        return _written(data, chance)
    content = _written(data, chance) if chance.random() < 0.5 else chance.choice(_TEXTS)
    for _ in range(number):
        content = damaged(content, chance, [word.encode("utf-8", "surrogatepass") for word in SPLICED])
    return content


_TEXTS = [file.read_bytes() for file in sorted(SCENARIOS.glob("*/scenario.yaml"))]
_DATA: list[Any] = [parse_document(text, "scenario.yaml").data for text in _TEXTS]


def _changed(data: Any, chance: Random) -> Any:
    """Return `data`, a scenario, with one value of it changed; what it holds is changed in place."""
    holders = list(_holders(data, SCHEMA))
    if not holders:
        return odd_value(chance)
    holder, schema = chance.choice(holders)
    known = schema.get("properties", {})
    keys: list[Any] = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    if isinstance(holder, dict) and known and chance.random() < 0.4:
        key = chance.choice(list(known))
        holder[key] = sampled(known[key], chance, SCHEMA)
    elif isinstance(holder, dict) and chance.random() < 0.15:
        holder[str(_odd_scalar(chance))] = odd_value(chance)
    elif keys and chance.random() < 0.1:
        del holder[chance.choice(keys)]
    elif keys and chance.random() < 0.1:  # the same thing in two places is written as an alias, and may hold itself
        holder[chance.choice(keys)] = chance.choice(holders)[0]
    elif keys:
        holder[chance.choice(keys)] = odd_value(chance)
    return data


def _holders(value: Any, schema: Mapping[str, Any], seen: frozenset[int] = frozenset()) -> Iterator[Any]:
    """Yield every mapping and list in `value` with its schema, `{}` where that is not plain."""
    if not isinstance(value, dict | list) or id(value) in seen:
        return
    schema = _plain(schema)
    yield value, schema
    known, others = schema.get("properties", {}), schema.get("additionalProperties", schema.get("items", {}))
    for key, part in value.items() if isinstance(value, dict) else enumerate(value):
        inner = known.get(key, others)
        yield from _holders(part, inner if isinstance(inner, dict) else {}, seen | {id(value)})


def _plain(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of a mapping or list behind a reference or a choice, if there is one."""
    if "$ref" in schema:
        described: Mapping[str, Any] = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
        return described
    found = [_plain(choice) for choice in schema.get("anyOf", ())]
    return next((choice for choice in found if choice.get("type") in ("object", "array")), schema)


def _written(data: Any, chance: Random) -> bytes:
    """Return `data` as YAML of one of three kinds."""
    if chance.random() < 0.5:
        text = yaml.safe_dump(data, sort_keys=False, allow_unicode=chance.random() < 0.5)
    else:
        text = _as_json(data, chance)
    return text.encode("utf-8", "surrogatepass")


def _as_json(data: Any, chance: Random) -> str:
    try:
        return json.dumps(data, ensure_ascii=chance.random() < 0.5, indent=chance.choice((None, 1)))
    except ValueError:  # something holds itself
        return yaml.safe_dump(data, default_flow_style=True)


def damaged(content: bytes, chance: Random, spliced: list[bytes]) -> bytes:
    """Return `content` with some bytes flipped, lost, repeated, moved or put in between."""
    at, end = sorted((chance.randrange(len(content) + 1), chance.randrange(len(content) + 1)))
    end = min(end, at + chance.choice((1, 4, 30, 400)))
    match chance.randrange(6):
        case 0:
            flipped = bytearray(content)
            for place in range(at, end):
                flipped[place] ^= 1 << chance.randrange(8)
            return bytes(flipped)
        case 1:
            return content[:at] + content[end:]
        case 2:
            return content[:end] + content[at:end] * chance.choice((1, 2, 50)) + content[end:]
        case 3:
            to = chance.randrange(len(content) + 1)
            return content[:to] + content[at:end] + content[to:]
        case 4:
            return content[:at] + chance.randbytes(end - at) + content[end:]
    return content[:at] + chance.choice(spliced) + content[at:]
