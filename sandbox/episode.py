"""One episode of a run: its scene, its tape, and what becomes of it whatever goes wrong."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from traceback import format_exc

from sandbox.engines.engine import EngineDied
from sandbox.errors import StoreDamaged, StoreFailed
from sandbox.gallery import Gallery
from sandbox.models import layout_of
from sandbox.play import play
from sandbox.rows import Batch, EpisodeRow
from sandbox.store import now
from sandbox.tape import Answer, Diverged, Tape
from scenes.chat import Call, CallFailed
from scenes.clean import clean, without_surrogates
from scenes.event import Event
from scenes.image import Picture
from scenes.loading import Source, Variant
from scenes.matrix import variant_id
from scenes.problem import InputRefused
from scenes.scene import Scene
from scenes.sights import PictureFacts

log = logging.getLogger("rolestage")

FORESEEN = (CallFailed, Diverged, InputRefused)
"""What may end an episode without a defect in the program: a call, a changed scenario, a picture that is gone."""


@dataclass(frozen=True)
class Stage:
    """What all episodes of a run share."""

    source: Source
    gallery: Gallery
    ask: Call
    put: Callable[[Batch], None]


def variant_of(source: Source, episode: int) -> tuple[Variant, int]:
    """Return the variant of an episode and which of the variant's episodes it is; a variant's stand together."""
    index, repetition = divmod(episode, source.scenario.episodes)
    variant = source.variant(index)
    return variant, variant.seed(repetition)


async def play_episode(episode: int, stage: Stage, record: Mapping[str, Answer]) -> None:
    """Play one episode over what is on record of it, and store it.

    A failure ends this episode alone; only a dead engine, a full disk or a damaged store goes on to the run.
    """
    started = now()
    try:
        variant, seed = variant_of(stage.source, episode)
    except InputRefused as error:
        stage.put(Batch(episode, state=_refused(episode, stage.source, error, started), time=started))
        return
    state = EpisodeRow(
        episode, variant.index, variant.id, json.dumps(variant.values), seed, "playing", None, started, None
    )
    stage.put(Batch(episode, state=state, time=started))
    tape = Tape(record, stage.ask)
    kept: list[Event] = []
    try:
        await _play(episode, variant, seed, stage, tape, kept)
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


def _refused(episode: int, source: Source, error: InputRefused, time: float) -> EpisodeRow:
    """Return the state of an episode whose variant cannot be: one of a matrix too large to be tried before the run."""
    index = episode // source.scenario.episodes
    values = source.matrix.values(index)
    return EpisodeRow(episode, index, variant_id(values), json.dumps(values), 0, "failed", reason(error), time, time)


def reason(error: Exception) -> str:
    """Return why an episode failed: in the words of an error made for it, and of a defect also its kind."""
    words = str(error) if isinstance(error, FORESEEN) else f"{type(error).__name__}: {error}"
    return without_surrogates(words)


async def _play(episode: int, variant: Variant, seed: int, stage: Stage, tape: Tape, kept: list[Event]) -> None:
    """Play into the store; `kept` gets every event that goes there."""
    pictures: list[tuple[Picture, PictureFacts]] = []

    def keep_picture(picture: Picture, facts: PictureFacts) -> None:
        stage.gallery.add(picture)
        pictures.append((picture, facts))

    def keep(events: Sequence[Event]) -> None:
        stage.put(Batch(episode, calls=tape.taken(), events=events, pictures=tuple(pictures), time=now()))
        pictures.clear()
        kept.extend(events)

    scene = Scene(stage.source.setting(variant, keep_picture), seed)
    await play(scene, layout_of(variant.scenario), tape.call, keep)
