"""What somebody sees of a drawing, as the teacher knows it: all of it, or what a crop leaves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from sandbox.storybook.voices.words import listed, of_drawing, thing
from scenes.storybook.drawing import (
    BACKDROPS,
    HELD_OUT_PLACES,
    KINDS,
    POSITIONS,
    Colour,
    Drawing,
    Group,
    Kind,
    Position,
    most,
    usual_colours,
)
from scorers.claims import Claim, is_true

Crop = tuple[float, float]
"""The left and the right edge of what is seen, as shares of the picture's width."""
Truth = Callable[[str], "Sight | None"]
"""Returns what is to be seen in the picture of an id; None where that is not known."""

_CENTRES: dict[Position, float] = {"left": 1 / 6, "middle": 1 / 2, "right": 5 / 6}
WHOLE: Crop = (0, 1)


@dataclass(frozen=True, slots=True)
class Sight:
    """One picture as somebody sees it."""

    drawing: Drawing
    crop: Crop = WHOLE

    @property
    def groups(self) -> tuple[Group, ...]:
        """Return the groups in sight."""
        left, right = self.crop
        return tuple(group for group in self.drawing.groups if left <= _CENTRES[group.position] < right)

    @property
    def is_whole(self) -> bool:
        """Return whether nothing is cut off."""
        return self.crop == WHOLE

    def slots(self) -> dict[str, str]:
        """Return the words for the picture as a whole."""
        shown = listed([thing(group) for group in self.groups]) if self.groups else "nothing that has a name"
        return of_drawing(self.drawing) | {"scene": shown}


def holds(claim: Claim, sights: Sequence[Sight]) -> bool | None:
    """Return whether a claim is true of what is seen; None where that cannot be told from there."""
    if claim.kind and not any(sight.is_whole or _shows(sight, claim.kind) for sight in sights):
        return None
    return is_true(claim, [sight.drawing for sight in sights])


def _shows(sight: Sight, kind: Kind) -> bool:
    return any(group.kind == kind for group in sight.groups)


def mistaken(sight: Sight, rng: Random) -> Sight:
    """Return the sight of somebody who errs about one group in one respect."""
    groups = list(sight.drawing.groups)
    at = rng.randrange(len(groups))
    groups[at] = rng.choice((recoloured, recounted, renamed, moved))(groups[at], sight.drawing, rng)
    return replace(sight, drawing=sight.drawing.model_copy(update={"groups": tuple(groups)}))


def recoloured(group: Group, drawing: Drawing, rng: Random) -> Group:
    """Return `group` in another colour."""
    return group.model_copy(update={"colour": other_colour(group, rng)})


def other_colour(group: Group, rng: Random) -> Colour:
    """Return a colour that a group has not; none that a lesson has not either, for nobody is to hear of it there."""
    return rng.choice([one for one in usual_colours(group.kind) if one != group.colour])


def recounted(group: Group, drawing: Drawing, rng: Random) -> Group:
    """Return another number of `group`, or another colour where no other number fits."""
    numbers = [one for one in range(1, most(group.kind, len(drawing.groups)) + 1) if one != group.number]
    return group.model_copy(update={"number": rng.choice(numbers)}) if numbers else recoloured(group, drawing, rng)


def renamed(group: Group, drawing: Drawing, rng: Random) -> Group:
    """Return `group` as a kind that is not there, and that lessons may tell of."""
    kind = rng.choice([kind for kind in absent(drawing) if group.colour in usual_colours(kind)])
    return group.model_copy(update={"kind": kind, "number": min(group.number, most(kind, len(drawing.groups)))})


def absent(drawing: Drawing) -> list[Kind]:
    """Return the kinds that are not there, and that lessons may tell of."""
    place, there = drawing.place, {one.kind for one in drawing.groups} | {BACKDROPS.get(drawing.place)}
    return [kind for kind in KINDS if kind not in there and (kind, place) not in HELD_OUT_PLACES]


def moved(group: Group, drawing: Drawing, rng: Random) -> Group:
    """Return `group` in a place that is free, or in another colour where none is."""
    taken = {one.position for one in drawing.groups}
    free = [position for position in POSITIONS if position not in taken]
    return group.model_copy(update={"position": rng.choice(free)}) if free else recoloured(group, drawing, rng)
