"""What a judge is shown: the scene, a character, and round by round what it perceived and what it then did.

A line of a deed or of words is one line with a name before it, whatever was in it: nothing that was said can look like
a heading or a score on a line of its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from agents.prompts.blocks import introduced, met, sections, time_line
from scenes.event import Event
from scenes.scene import told
from scorers.base import Case

_DONE = ("speech", "action", "state")
_SHOWN = ("A picture comes into sight.", "眼前出现了一幅画。")
_WORDS = {
    "places": ("Places: {text}.", "地点：{text}。"),
    "people": ("In the scene: {text}.", "出场的人：{text}。"),
    "world": ("From: {text}.", "出自：{text}。"),
    "place": ("At first at: {text}", "起初在：{text}"),
    "position": ("Position at first: {text}", "起初的位置：{text}"),
    "state": ("State at first: {text}", "起初的状态：{text}"),
    "secret": ("Known to it alone: {text}", "只有它知道：{text}"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """What a character did, and what it had perceived since it last did something."""

    round: int
    observed: tuple[str, ...]
    """A line for each turn of somebody, `Name: words`."""
    done: str
    call: str
    """Behind what it did."""


def steps_of(case: Case, name: str) -> list[Step]:
    """Return what the character called `name` perceived and did, in order, up to what it was asked in private.

    Lines that the scenario gives it are none of its own doing, so it perceived them. Thoughts and beliefs are left out,
    as CharacterBox leaves them out of what is judged.
    """
    steps, observed, rounds = list[Step](), list[str](), rounds_of(case)
    for (turn, actor, call), group in groupby(_perceived(case, name), _whose):
        words = " ".join(told_of(list(group), case.variant.scenario.language).split())
        if words and actor == name and call:
            steps.append(Step(rounds[turn], tuple(observed), f"{name}: {words}", call))
            observed.clear()
        elif words:
            observed.append(f"{actor}: {words}")
    return steps


def rounds_of(case: Case) -> dict[int, int]:
    """Return in which round each turn is: a round is over once as many have had their turn as are on the stage."""
    cast = zip(case.variant.profiles, case.variant.scenario.cast, strict=True)
    present = {profile.name: not member.reserve for profile, member in cast}
    rounds, number, acts = dict[int, int](), 1, 0
    for turn, group in groupby(case.trajectory.events, lambda event: event.turn):
        events, rounds[turn] = list(group), number
        deeds = [event for event in events if (event.call or "").endswith("/speak")]
        _come_and_go(present, deeds)
        acts += len({event.call for event in deeds})
        if acts >= sum(present.values()) and turn:
            number, acts = number + 1, 0
        _come_and_go(present, events)
    return rounds


def _come_and_go(present: dict[str, bool], events: Iterable[Event]) -> None:
    for event in events:
        if event.change and event.change.who and event.change.present is not None:
            present[event.change.who] = event.change.present


def _perceived(case: Case, name: str) -> Iterator[Event]:
    """Yield what `name` did or perceived of the scene itself."""
    for event in case.trajectory.events:
        if (event.call or "").startswith("interview"):
            return
        is_private = event.change is not None and event.change.is_private()
        if name in event.visible_to and event.kind not in ("thought", "system") and not is_private:
            yield event


def _whose(event: Event) -> tuple[int, str, str]:
    return event.turn, event.actor, event.call if event.call and event.kind in _DONE else ""


def told_of(events: Sequence[Event], language: str) -> str:
    """Return `events` as a line; a picture is told of by what is known of it."""
    shown = [f"({_SHOWN[is_chinese(language)]} {event.text})" for event in events if event.image]
    return " ".join([told(events), *shown]).strip()


def told_steps(steps: Sequence[Step], with_rounds: bool) -> str:
    """Return the steps as CharacterBox has them: Round, Observation, Action."""
    written = list[str]()
    for number, group in groupby(steps, lambda step: step.round):
        written += [f"Round: {number}"] if with_rounds else []
        for step in group:
            written += ["Observation:", *(step.observed or ("-",)), "Action:", step.done]
    return "\n".join(written)


def scene_text(case: Case) -> str:
    """Return what everybody knows of the scene as it begins."""
    scenario = case.variant.scenario
    language = scenario.language
    people = "; ".join(met(profile, language) for profile in case.variant.profiles)
    lines = (
        scenario.premise,
        time_line(scenario.time, language),
        _line("places", ", ".join(scenario.places), language),
        _line("people", people, language),
    )
    return "\n".join(line for line in lines if line)


def character_text(case: Case, index: int) -> str:
    """Return who one of the cast is, private parts included, and how it begins."""
    scenario, profile = case.variant.scenario, case.variant.profiles[index]
    lines = [introduced(profile, scenario.language), sections(profile), *_private(case, index)]
    return "\n".join(dict.fromkeys(line for line in lines if line))


def _private(case: Case, index: int) -> Iterator[str]:
    scenario = case.variant.scenario
    member, profile = scenario.cast[index], case.variant.profiles[index]
    for what in ("place", "position", "state"):
        yield _line(what, getattr(member, what), scenario.language)
    for text in (profile.private, member.secret):
        yield _line("secret", text, scenario.language)


def written_scene(case: Case) -> str:
    """Return the scene as somebody wrote it: what all know, who is in it and how each begins, and the first lines."""
    scenario = case.variant.scenario
    cast = [f"- {' '.join(character_text(case, index).split())}" for index in range(len(scenario.cast))]
    first = [f"{name}: {' '.join(text.split())}" for line in scenario.opening for name, text in line.items()]
    worlds = ", ".join(dict.fromkeys(profile.world for profile in case.variant.profiles if profile.world))
    lines = [_line("world", worlds, scenario.language), scene_text(case), *cast, *first]
    return "\n".join(line for line in lines if line)


def _line(what: str, text: str | None, language: str) -> str:
    return _WORDS[what][is_chinese(language)].format(text=text) if text else ""


def is_chinese(language: str) -> bool:
    """Return whether a language tag is of Chinese, for which prompts have words of their own."""
    return language.split("-")[0] == "zh"
