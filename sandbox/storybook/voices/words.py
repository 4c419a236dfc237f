"""The words that fill slots, of a group and of a whole drawing: articles, plurals, and verbs that agree.

Apart from the frames, since the questions that a person asks are filled with the same words.
"""

from collections.abc import Sequence

from scenes.storybook.drawing import Drawing, Group, Kind, Place, Position, Time, Weather, plural

NUMBERS = ("no", "one", "two", "three", "four")
POSITIONS: dict[Position, str] = {"left": "on the left", "middle": "in the middle", "right": "on the right"}
TIMES: dict[Time, tuple[str, str]] = {
    "day": ("daytime", "by day"),
    "dusk": ("dusk", "at dusk"),
    "night": ("night", "at night"),
}
WEATHERS: dict[Weather, str] = {
    "clear": "a clear sky",
    "cloudy": "a cloudy sky",
    "rain": "rain",
    "snow": "snow",
    "fog": "fog",
}
PLACES: dict[Place, tuple[str, str, str]] = {
    "sea": ("the open sea", "the open sea", "on the open sea"),
    "meadow": ("a meadow", "the meadow", "in a meadow"),
    "street": ("a street", "the street", "in a street"),
    "room": ("a room", "the room", "in a room"),
    "beach": ("a beach", "the beach", "on a beach"),
    "forest": ("a forest", "the forest", "in a forest"),
    "mountains": ("a mountain pass", "the mountain pass", "in the mountains"),
    "desert": ("a desert", "the desert", "in a desert"),
}
"""Each place by itself, known already, and as where something is."""

_ONE = {
    "is": "is", "was": "was", "has": "has", "does": "does", "it": "it", "them": "it", "its": "its",
    "that": "that", "this": "this", "s": "s", "es": "es", "it_s": "it's", "that_s": "that's",
}  # fmt: skip
_SEVERAL = {
    "is": "are", "was": "were", "has": "have", "does": "do", "it": "they", "them": "them", "its": "their",
    "that": "those", "this": "these", "s": "", "es": "", "it_s": "they're", "that_s": "those are",
}  # fmt: skip


def with_article(words: str) -> str:
    """Return `words` with `a` or `an` before them."""
    return f"{'an' if words[0].lower() in 'aeiou' else 'a'} {words}"


def noun(group: Group) -> str:
    """Return what a group is, as many as it is."""
    return group.kind if group.number == 1 else plural(group.kind)


def thing(group: Group) -> str:
    """Return a group as it is first named: `a red boat`, `two red boats`."""
    words = f"{group.colour} {noun(group)}"
    return with_article(words) if group.number == 1 else f"{NUMBERS[group.number]} {words}"


def listed(words: Sequence[str]) -> str:
    """Return words as a list in a sentence."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def of_group(group: Group) -> dict[str, str]:
    """Return the slots of `intents.THING`."""
    one = group.number == 1
    return {
        **(_ONE if one else _SEVERAL),
        "thing": thing(group),
        "the_thing": f"the {group.colour} {noun(group)}",
        "kind": noun(group),
        "kinds": plural(group.kind),
        "a_kind": with_article(group.kind) if one else plural(group.kind),
        "number": NUMBERS[group.number],
        "counted": f"{NUMBERS[group.number]} {noun(group)}",
        "colour": group.colour,
        "where": POSITIONS[group.position],
    }


def of_drawing(drawing: Drawing) -> dict[str, str]:
    """Return the slots of `intents.WHOLE`, and `scene`: all that is shown."""
    time, at_time = TIMES[drawing.time]
    place, the_place, in_place = PLACES[drawing.place]
    return {
        "weather": WEATHERS[drawing.weather],
        "time": time,
        "at_time": at_time,
        "place": place,
        "the_place": the_place,
        "in_place": in_place,
        "scene": listed([thing(group) for group in drawing.groups]),
    }


def of_absent(kind: Kind) -> dict[str, str]:
    """Return the slots of `intents.ABSENT`."""
    return {"absent": kind, "absents": plural(kind), "an_absent": with_article(kind)}
