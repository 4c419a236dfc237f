"""What in a scenario refers to what: names, pictures, places; and what this version cannot play."""

from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from itertools import chain
from typing import Any

from scenes.clean import one_line
from scenes.event import INTERVIEWER, NARRATOR
from scenes.names import folded, named
from scenes.perception import groups_in_earshot
from scenes.profile import CharacterProfile
from scenes.scenario import InterviewQuestion, Kind, PlayerSpec, Scenario

Keys = tuple[str | int, ...]
Finding = tuple[Keys, str]
"""Where in the file, and the sentence that says what is wrong and how to mend it."""

ASKED: tuple[Kind, ...] = ("comment", "human-role")
"""The kinds of scenario in which somebody outside the cast asks."""
RESERVED_NAMES = (NARRATOR, INTERVIEWER, "Scene", "all", "cast", "everyone", "nobody")

MOST_COMPARED = 1_000
"""Names among which the one that was meant is looked for; a hostile file has a hundred thousand that look alike."""


def unknown(what: str, name: str, known: Sequence[str]) -> str:
    """Return the sentence for a name that nobody bears."""
    close = get_close_matches(name, known[:MOST_COMPARED], 1, 0.7)
    there = ", ".join(one_line(other, 40) for other in known[:12]) or "none"
    hint = f'; did you mean "{one_line(close[0])}"?' if close else f"; there are: {there}."
    return f'no {what} is named "{one_line(name)}"{hint}'


def findings(scenario: Scenario, profiles: Sequence[CharacterProfile]) -> Iterator[Finding]:
    """Yield every reference that leads nowhere and every rule of the kind that is broken. `profiles`: one per cast."""
    return chain(
        _names(scenario, profiles),
        _pictures(scenario),
        _places(scenario),
        _speakers(scenario, profiles),
        _truths(scenario),
        _kind(scenario),
    )


def _names(scenario: Scenario, profiles: Sequence[CharacterProfile]) -> Iterator[Finding]:
    taken = {folded(name): "the stage itself" for name in RESERVED_NAMES}
    player = scenario.player
    named_here: list[tuple[Keys, str]] = [(("player",), player.name)] if player and player.plays is None else []
    named_here += [(("cast", index, "character"), profile.name) for index, profile in enumerate(profiles)]
    for where, name in named_here:
        if folded(name) in taken:
            yield where, f'the name "{one_line(name)}" is taken by {taken[folded(name)]}; give this one another.'
        taken[folded(name)] = f'"{one_line(name)}"'


def _pictures(scenario: Scenario) -> Iterator[Finding]:
    used: list[tuple[Keys, str]] = []
    for name, place in scenario.places.items():
        used += [(("places", name, "shows", at), image) for at, image in enumerate(place.shows)]
    for index, member in enumerate(scenario.cast):
        used += [(("cast", index, "sees", at, "image"), sight.image) for at, sight in enumerate(member.sees or ())]
    for where, image in used:
        if image not in scenario.images:
            yield where, unknown("image", image, list(scenario.images))
        elif scenario.images[image].reserve:
            key = "shows" if where[0] == "places" else "sees"
            yield (
                where,
                f'"{one_line(image)}" is kept in reserve until the narrator shows it to all; leave it out of "{key}", '
                'or take its "reserve" away.',
            )


def _places(scenario: Scenario) -> Iterator[Finding]:
    known = list(scenario.places)
    for name, spec in scenario.places.items():
        for at, other in enumerate(spec.beside):
            if other not in scenario.places:
                yield ("places", name, "beside", at), unknown("place", other, known)
    for index, member in enumerate(scenario.cast):
        if member.place is None and known:
            yield (
                ("cast", index),
                f'this character needs a "place", since the scenario has places: {", ".join(known[:12])}.',
            )
        elif member.place is not None and member.place not in scenario.places:
            yield ("cast", index, "place"), unknown("place", member.place, known)


def _speakers(scenario: Scenario, profiles: Sequence[CharacterProfile]) -> Iterator[Finding]:
    for where, name, also in _mentions(scenario):
        wrong = _stranger(name, profiles, also)
        if wrong:
            yield where, wrong
    if scenario.turn_policy == ():
        yield ("turn_policy",), "a list of speakers needs at least one name."
    for at, line in enumerate(scenario.opening):
        if len(line) != 1:
            yield ("opening", at), 'one line of "opening" has one speaker, such as `- {Brack: "Evening."}`.'


def _mentions(scenario: Scenario) -> Iterator[tuple[Keys, str, tuple[str, ...]]]:
    """Yield every name of one of the cast: where it stands, the name, and what may stand there instead."""
    for at, name in enumerate(scenario.turn_policy if isinstance(scenario.turn_policy, tuple) else ()):
        yield ("turn_policy", at), name, ()
    for at, line in enumerate(scenario.opening):
        yield from ((("opening", at, name), name, (NARRATOR,)) for name in line)
    for at, question in enumerate(scenario.interview):
        asked = [question.to] if isinstance(question.to, str) else question.to
        yield from ((("interview", at, "to"), name, ("all",)) for name in asked)
        if question.truth is not None and question.choices == "cast":
            yield ("interview", at, "truth"), question.truth, ()
    if scenario.player and scenario.player.plays:
        yield ("player", "plays"), scenario.player.plays, (NARRATOR,) if scenario.narrator else ()


def _stranger(name: str, profiles: Sequence[CharacterProfile], also: Sequence[str]) -> str | None:
    """Return what is wrong with `name` as that of one of the cast, if anything is."""
    if name in also or named(name, profiles) is not None:
        return None
    owners = [one_line(profile.name) for profile in profiles if folded(name) in map(folded, profile.aliases)]
    if owners:
        return f'"{one_line(name)}" may be {" or ".join(owners)}; write the whole name.'
    return unknown("character", name, [*also, *(profile.name for profile in profiles)])


def _truths(scenario: Scenario) -> Iterator[Finding]:
    for at, question in enumerate(scenario.interview):
        if question.truth is not None and question.choices is None:
            yield ("interview", at, "truth"), 'a "truth" needs "choices" to be chosen from; add them.'
        elif isinstance(question.choices, tuple) and question.truth not in (None, *question.choices):
            truth = one_line(question.truth or "")
            yield ("interview", at, "truth"), f'"{truth}" is not one of the choices; use one of them.'


def _kind(scenario: Scenario) -> Iterator[Finding]:
    asked, player = scenario.kind in ASKED, scenario.player
    if scenario.kind == "human-role" and player is None:
        yield ("kind",), 'a human-role scenario needs a "player" who asks; add one, with "questions" for instance.'
    if asked and player and player.plays:
        yield ("player", "plays"), f'in a scenario of kind "{scenario.kind}" the player asks; leave out "plays".'
    if scenario.kind == "story" and scenario.narrator is None:
        yield ("kind",), 'a story needs a "narrator"; add `narrator: {}`.'
    if asked and not scenario.images:
        yield ("kind",), f'a scenario of kind "{scenario.kind}" is about a picture; add one to "images".'
    yield from _stage(scenario, 1 if asked else 2)


def _stage(scenario: Scenario, least: int) -> Iterator[Finding]:
    """Yield what is wrong with who is on the stage at first, and who leads."""
    present = sum(not member.reserve for member in scenario.cast)
    if len(scenario.cast) < least:
        yield ("cast",), f'a scenario of kind "{scenario.kind}" needs at least two characters; add one.'
    elif present < least:
        yield ("cast",), f"at least {least} of the cast must be on the stage as it begins; take one out of the reserve."
    if scenario.turn_policy == "narrator" and scenario.narrator is None:
        yield ("turn_policy",), 'the policy "narrator" needs a narrator; add `narrator: {}`.'


def renamed(
    scenario: Scenario, profiles: Sequence[CharacterProfile], written: Sequence[CharacterProfile]
) -> dict[str, Any]:
    """Return the parts of a scenario that name speakers, with the names that these have in the variant.

    The file was `written` with one cast; where `vary` puts another character in, a name means whoever has that part.
    """

    def name(given: str) -> str:
        index = named(given, profiles)
        index = named(given, written) if index is None else index
        return given if index is None or index >= len(profiles) else profiles[index].name

    policy = scenario.turn_policy
    return {
        "opening": tuple({name(speaker): text for speaker, text in line.items()} for line in scenario.opening),
        "turn_policy": tuple(map(name, policy)) if isinstance(policy, tuple) else policy,
        "interview": tuple(_renamed_question(question, name) for question in scenario.interview),
        "player": _renamed_player(scenario.player, name),
    }


def _renamed_player(player: PlayerSpec | None, name: Callable[[str], str]) -> PlayerSpec | None:
    if player is None or player.plays is None:
        return player
    return player.model_copy(update={"plays": name(player.plays)})


def _renamed_question(question: InterviewQuestion, name: Callable[[str], str]) -> InterviewQuestion:
    to = name(question.to) if isinstance(question.to, str) else tuple(map(name, question.to))
    truth = name(question.truth) if question.truth and question.choices == "cast" else question.truth
    return question.model_copy(update={"to": to, "truth": truth})


def unplayed(scenario: Scenario) -> Iterator[Finding]:
    """Yield what has no effect when the scenario is played, or not at first; the rest is played as it is meant."""
    if scenario.player and scenario.player.plays is None and scenario.kind not in ASKED:
        yield (
            ("player",),
            f'nobody asks in a scenario of kind "{scenario.kind}", so the player has no part in it; give it one with '
            '"plays".',
        )
    if scenario.turn_policy != "narrator":
        yield from _never_brought_in(scenario)
    yield from _never_seen(scenario)
    if scenario.places:
        yield from _beside_itself(scenario)
        yield from _out_of_earshot(scenario)


def _never_brought_in(scenario: Scenario) -> Iterator[Finding]:
    for index, member in enumerate(scenario.cast):
        if member.reserve:
            yield ("cast", index, "reserve"), "nobody brings this character in; the policy `narrator` could."
    for name, image in scenario.images.items():
        if image.reserve:
            yield ("images", name, "reserve"), "nobody shows this picture; the policy `narrator` could."


def _never_seen(scenario: Scenario) -> Iterator[Finding]:
    questions = scenario.player.questions if scenario.player and scenario.kind in ASKED else None
    last = min(scenario.turns, len(questions)) if questions else scenario.turns
    for index, member in enumerate(scenario.cast):
        for at, sight in enumerate(member.sees or ()):
            if sight.from_turn > last:
                rule = f"turn {last} is the last, so this picture never comes into sight; take an earlier turn."
                yield ("cast", index, "sees", at, "from_turn"), rule


def _beside_itself(scenario: Scenario) -> Iterator[Finding]:
    for name, place in scenario.places.items():
        if name in place.beside:
            at = place.beside.index(name)
            yield (
                ("places", name, "beside", at),
                "what is said in a place is heard there anyway; leave it out of its own list.",
            )


def _out_of_earshot(scenario: Scenario) -> Iterator[Finding]:
    """Yield who begins out of earshot of the first: as may be meant, since in every kind one may go to other places."""
    first = scenario.cast[0].place
    home = next(group for group in groups_in_earshot(scenario) if first in group)
    for index, member in enumerate(scenario.cast):
        if member.place not in home:
            yield (
                ("cast", index, "place"),
                f'who is in "{member.place}" and who is in "{first}" cannot hear each other until somebody goes to the '
                'other place; put places "beside" each other if words are to carry.',
            )
