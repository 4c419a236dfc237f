"""What there is to judge in an episode: the replies of the cast, and what a judge is told of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from agents.prompts.blocks import sections
from scenes.event import Event
from scenes.profile import CharacterProfile
from scenes.scene import told
from scorers.base import Case
from scorers.mmrole.prompt import Matter

HUMAN = "a curious human"
"""Whom MMRole's records say that a role talks with, where that is no character."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What one call to a member of the cast brought."""

    call: str
    events: tuple[Event, ...]
    profile: CharacterProfile
    """Of who spoke."""


def replies_of(case: Case) -> Iterator[Reply]:
    """Yield the replies of the cast in order, but for answers in a form."""
    spoken = [event for event in case.trajectory.events if event.call and event.kind in ("speech", "action", "thought")]
    for call, group in groupby(spoken, lambda event: event.call or ""):
        events = tuple(group)
        own = [profile for profile in case.variant_at(events[0].turn).profiles if profile.name == events[0].actor]
        if own and case.asked(call).form is None:
            yield Reply(call, events, own[0])


def matter_of(case: Case, reply: Reply, reference: str) -> Matter:
    """Return what a judge is told: what the speaker saw, who all are, what it perceived before, what it alone knows."""
    variant = case.variant_at(reply.events[0].turn)
    shown = (segment.image for segment in case.asked(reply.call).prompt.segments() if segment.image)
    return Matter(
        role=reply.profile.name,
        partner=_partner(case, reply),
        answer=case.answered(reply.call).text.strip(),
        reference=reference.strip(),
        pictures=tuple(dict.fromkeys(shown)),
        context=(
            *_scene(case, reply),
            *(f"{profile.name}:\n{sections(profile.public())}" for profile in variant.profiles),
        ),
        history=tuple(_history(case, reply)),
        own=tuple(_own(case, reply)),
        world=reply.profile.world or "",
    )


def _partner(case: Case, reply: Reply) -> str:
    variant = case.variant_at(reply.events[0].turn)
    player = variant.scenario.player
    if player and not player.plays:
        return HUMAN
    return " and ".join(profile.name for profile in variant.profiles if profile != reply.profile) or "nobody"


def _scene(case: Case, reply: Reply) -> Iterator[str]:
    scenario = case.variant_at(reply.events[0].turn).scenario
    if scenario.premise:
        yield scenario.premise
    if scenario.time:
        yield f"Time: {scenario.time}"


def _history(case: Case, reply: Reply) -> Iterator[str]:
    """Yield every turn before that the speaker perceived, as a line."""
    before = case.trajectory.events[: reply.events[0].index]
    perceived = [event for event in before if reply.profile.name in event.visible_to]
    for (_, actor), events in groupby(perceived, lambda event: (event.turn, event.actor)):
        words = told(events)
        if words:
            yield f"{actor}: {words}"


def _own(case: Case, reply: Reply) -> Iterator[str]:
    variant = case.variant_at(reply.events[0].turn)
    for member, profile in zip(variant.scenario.cast, variant.profiles, strict=True):
        if profile == reply.profile:
            private = (text for text in (profile.private, member.secret) if text)
            yield from (f"Only {profile.name} knows: {text}" for text in private)
