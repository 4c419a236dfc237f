"""One episode of a run: its scene, its tape, and what becomes of it whatever goes wrong."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from traceback import format_exc

from agents.prompts.layout import Layout
from narrator.turn_policy import Policy, PolicyFailed
from sandbox.engines.engine import EngineDied
from sandbox.errors import StoreDamaged, StoreFailed
from sandbox.gallery import Gallery
from sandbox.models import layout_of
from sandbox.play import Fork, play
from sandbox.rows import Batch, EpisodeRow
from sandbox.store import now
from sandbox.tape import Diverged, OffRecord, Tape
from scenes.chat import CallFailed
from scenes.clean import clean, without_surrogates
from scenes.event import Event
from scenes.image import Picture
from scenes.loading import Source, Variant
from scenes.matrix import variant_id
from scenes.problem import InputRefused
from scenes.scene import Scene
from scenes.sights import KeepPicture, PictureFacts

log = logging.getLogger("rolestage")

FORESEEN = (CallFailed, Diverged, OffRecord, InputRefused, PolicyFailed)
"""What may end an episode without a defect in the program: a call, a changed scenario, a picture that is gone, a turn
policy of the user's own."""


@dataclass(frozen=True)
class Stage:
    """What all episodes of a run share."""

    source: Source
    gallery: Gallery
    put: Callable[[Batch], None]
    branches: Mapping[int, EpisodeRow]
    policy: Policy | None = None
    """Stands in for that of the scenario."""


@dataclass(frozen=True)
class Leg:
    """A stretch of an episode that is played in one way; a branch has one for itself and those of its parent."""

    variant: Variant
    seed: int
    after: int = 0
    """The turn after which it begins; the first leg begins with the opening."""


def variant_of(source: Source, episode: int) -> tuple[Variant, int]:
    """Return the variant of an episode and which of the variant's episodes it is; a variant's stand together."""
    index, repetition = divmod(episode, source.scenario.episodes)
    variant = source.variant(index)
    return variant, variant.seed(repetition)


def legs_of(source: Source, episode: int, branches: Mapping[int, EpisodeRow]) -> list[Leg]:
    """Return the legs of an episode in order. Raises `InputRefused` if a variant cannot be."""
    branch = branches.get(episode)
    if branch is None or branch.parent is None:
        return [Leg(*variant_of(source, episode))]
    variant = source.variant_with(json.loads(branch.values), branch.variant)
    return [*legs_of(source, branch.parent, branches), Leg(variant, branch.seed, branch.after or 0)]


def staged(source: Source, legs: Sequence[Leg], keep: KeepPicture) -> tuple[Scene, Layout, list[Fork]]:
    """Return the scene of an episode before anything has happened, its layout, and where it goes other ways."""
    first, *others = legs
    forks = [
        Fork(leg.after, source.setting(leg.variant, keep), leg.seed, layout_of(leg.variant.scenario)) for leg in others
    ]
    return Scene(source.setting(first.variant, keep), first.seed), layout_of(first.variant.scenario), forks


async def play_episode(episode: int, stage: Stage, tape: Tape) -> None:
    """Play one episode over what is on record of it, and store it.

    A failure ends this episode alone; only a dead engine, a full disk or a damaged store goes on to the run.
    """
    started = now()
    branch = stage.branches.get(episode)
    try:
        legs = legs_of(stage.source, episode, stage.branches)
    except InputRefused as error:
        state = branch or _refused(episode, stage.source)
        state = replace(state, status="failed", error=reason(error), started=started, ended=started)
        stage.put(Batch(episode, state=state, time=started))
        return
    state = replace(branch or _first_state(episode, legs[0]), status="playing", error=None, started=started, ended=None)
    state = replace(state, events=0)
    stage.put(Batch(episode, state=state, time=started))
    kept: list[Event] = []
    try:
        await _play(episode, legs, stage, tape, kept)
    except (EngineDied, StoreFailed, StoreDamaged):
        raise
    except Exception as error:  # whatever else goes wrong in one episode is that episode's, and no other's
        if not isinstance(error, FORESEEN):
            log.error("episode %s failed\n%s", episode, clean(format_exc()))
        state = replace(state, status="failed", error=reason(error))
    else:
        state = replace(state, status="done")
    finally:
        over = replace(state, ended=now(), events=len(kept)) if state.status != "playing" else None
        stage.put(Batch(episode, calls=tape.taken(), state=over, time=now()))


def _first_state(episode: int, leg: Leg) -> EpisodeRow:
    variant = leg.variant
    return EpisodeRow(
        episode, variant.index, variant.id, json.dumps(variant.values), leg.seed, "playing", None, 0, None
    )


def _refused(episode: int, source: Source) -> EpisodeRow:
    """Return the state of an episode whose variant cannot be: one of a matrix too large to be tried before the run."""
    index = episode // source.scenario.episodes
    values = source.matrix.values(index)
    return EpisodeRow(episode, index, variant_id(values), json.dumps(values), 0, "failed", None, 0, None)


def reason(error: Exception) -> str:
    """Return why an episode failed: in the words of an error made for it, and of a defect also its kind."""
    words = str(error) if isinstance(error, FORESEEN) else f"{type(error).__name__}: {error}"
    return without_surrogates(words)


async def _play(episode: int, legs: Sequence[Leg], stage: Stage, tape: Tape, kept: list[Event]) -> None:
    """Play into the store; `kept` gets every event that goes there."""
    pictures: list[tuple[Picture, PictureFacts]] = []

    def keep_picture(picture: Picture, facts: PictureFacts) -> None:
        stage.gallery.add(picture, facts)
        pictures.append((picture, facts))

    def keep(events: Sequence[Event]) -> None:
        stage.put(Batch(episode, calls=tape.taken(), events=events, pictures=tuple(pictures), time=now()))
        pictures.clear()
        kept.extend(events)

    scene, layout, forks = staged(stage.source, legs, keep_picture)
    await play(scene, layout, tape.call, keep, stage.policy, forks)
