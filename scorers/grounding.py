"""Grounding: is what somebody says of a storybook picture true of it?

Judged are the words of the cast and of the narrator; lines that the scenario gives, and answers that were chosen among
some, are nobody's. What a line claims is found by rule (`scorers.claims`), and how well is measured
(`docs/scoring.md`); what is true is the drawing's.

Somebody sees the pictures that were there for it from the start, and those that came into its sight since; the narrator
sees those that all see whom it tells. Of several a claim has to be true of one. Somebody who sees a part, or sees it
blurred, is judged by the whole picture: to say what one cannot see is luck at best. Where a picture has no known truth
(a file), or there is none, there is no verdict.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar

from scenes.chat import Call
from scenes.clean import one_line
from scenes.event import NARRATOR, Event
from scenes.loading import Variant
from scenes.scenario import CastMember, Scenario
from scenes.sights import facts_of
from scenes.storybook.drawing import Drawing
from scorers.base import Case, Metric, Score, Scorer, Scores
from scorers.choices import is_chosen
from scorers.claims import ABOUT, Claim, claims_in, is_true

Seen = Mapping[str, Drawing | None]
"""What somebody sees: the truth of each picture, by its name; None where it is not known."""
Judged = Sequence[tuple[Claim, bool]]

_OWN = "found by the rules of scorers/claims.py (this project's own)"
TRUE = Metric(
    "true_share", f"share of a reply's claims about the picture that are true of it; claims are {_OWN}", "share"
)
CLAIMS = Metric("claims", f"how many claims about the picture a reply makes, {_OWN}", "claims", (0, None), better=None)
KINDS = tuple(
    Metric(
        f"true_{about}",
        f"share of a reply's claims of {about} that are true; only of replies with such a claim, {_OWN}",
        "share",
    )
    for about in ABOUT
)


class Grounding(Scorer):
    """Whether what is said of a storybook picture is true of it."""

    name: ClassVar[str] = "grounding"
    version: ClassVar[str] = "2"
    metrics: ClassVar[tuple[Metric, ...]] = (TRUE, CLAIMS, *KINDS)

    def score(self, case: Case, call: Call) -> Scores:
        """Return `claims` and `true_share` of every reply, and `true_…` for each kind of claim that it makes."""
        views = [_views(variant) for _, variant in case.legs]
        for at, event in enumerate(case.trajectory.events):
            view = views[_leg(case, event.turn)]
            if _is_judged(event, view) and not is_chosen(event, case):
                yield from _verdicts(event, _seen(case, at, view), heard(case.trajectory.events[:at], event))


def _leg(case: Case, turn: int) -> int:
    return max(at for at, (after, _) in enumerate(case.legs) if turn > after or not at)


def _is_judged(event: Event, cast: Iterable[str]) -> bool:
    if event.call is None or not event.text.strip():
        return False
    return event.kind == "narration" if event.actor == NARRATOR else event.kind == "speech" and event.actor in cast


# ---- who sees what


def _views(variant: Variant) -> dict[str, Seen]:
    """Return what each of the cast sees from the start."""
    scenario = variant.scenario
    drawings = {name: facts_of(name, spec).drawing for name, spec in scenario.images.items()}
    cast = zip(scenario.cast, variant.profiles, strict=True)
    return {profile.name: {name: drawings[name] for name in _names(scenario, member)} for member, profile in cast}


def _names(scenario: Scenario, member: CastMember) -> Iterable[str]:
    if member.sees is not None:
        return [sight.image for sight in member.sees if sight.from_turn <= 1]
    if member.place in scenario.places:
        return scenario.places[member.place].shows
    return [name for name, image in scenario.images.items() if not image.reserve]


def _seen(case: Case, at: int, views: Mapping[str, Seen]) -> Seen:
    """Return what the speaker of an event sees; of the narrator, what all see who hear it."""
    event = case.trajectory.events[at]
    shown = [one for one in case.trajectory.events[:at] if one.image is not None and one.image in case.pictures]
    if event.actor != NARRATOR:
        return _view(case, event.actor, views, shown)
    first, *others = [_view(case, name, views, shown) for name in event.visible_to if name in views] or [{}]
    return {name: drawing for name, drawing in first.items() if all(name in other for other in others)}


def _view(case: Case, name: str, views: Mapping[str, Seen], shown: Sequence[Event]) -> Seen:
    came = [case.pictures[event.image] for event in shown if event.image and name in event.visible_to]
    return {**views[name], **{facts.name: facts.drawing for facts in came}}


def heard(earlier: Sequence[Event], event: Event) -> str:
    """Return the last line of somebody else that the speaker heard; the narrator answers nobody."""
    if event.actor == NARRATOR:
        return ""
    lines = (one for one in reversed(earlier) if one.kind == "speech" and one.actor != event.actor)
    return next((one.text for one in lines if event.actor in one.visible_to), "")


# ---- verdicts


def _verdicts(event: Event, seen: Seen, heard: str) -> Iterator[Score]:
    drawings = [drawing for drawing in seen.values() if drawing is not None]
    if not drawings or len(drawings) < len(seen):
        reason = "sees a picture whose truth is not known" if seen else "sees no picture"
        yield from (_score(event, metric, None, reason) for metric in (CLAIMS, TRUE))
        return
    judged = [(one, true) for one in claims_in(event.text, heard) if (true := is_true(one, drawings)) is not None]
    yield _score(event, CLAIMS, len(judged))
    yield _share(event, TRUE, judged) if judged else _score(event, TRUE, None, "no claim")
    for about, metric in zip(ABOUT, KINDS, strict=True):
        if mine := [(claim, true) for claim, true in judged if claim.about == about]:
            yield _share(event, metric, mine)


def _share(event: Event, metric: Metric, judged: Judged) -> Score:
    wrong = [f'{claim.said} ("{one_line(claim.words, 60)}")' for claim, true in judged if not true]
    share = 1 - len(wrong) / len(judged)
    return _score(event, metric, share, f"not so: {'; '.join(wrong)}" if wrong else None)


def _score(event: Event, metric: Metric, value: float | None, reason: str | None = None) -> Score:
    return Score(metric=metric.name, value=value, reason=reason, character=event.actor, events=(event.index,))
