"""One episode of a run: its scene, its tape, and what becomes of it whatever goes wrong."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from agents.prompts.layouts import LAYOUTS
from sandbox.engines.engine import EngineDied
from sandbox.errors import StoreFailed
from sandbox.gallery import Gallery
from sandbox.models import layout_of
from sandbox.play import play
from sandbox.rows import Batch, EpisodeRow
from sandbox.store import now
from sandbox.tape import Answer, Tape
from scenes.chat import Call, CallFailed
from scenes.event import Event
from scenes.image import Picture
from scenes.loading import Source, Variant
from scenes.scene import Scene
from scenes.sights import PictureFacts

log = logging.getLogger("rolestage")


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

    A failure ends this episode alone; only a dead engine or a full disk goes on to the run.
    """
    started = now()
    variant, seed = variant_of(stage.source, episode)
    state = EpisodeRow(
        episode, variant.index, variant.id, json.dumps(variant.values), seed, "playing", None, started, None
    )
    stage.put(Batch(episode, state=state, time=started))
    tape = Tape(record, stage.ask)
    try:
        await _play(episode, variant, seed, stage, tape)
    except CallFailed as error:
        state = replace(state, status="failed", error=str(error))
    except (EngineDied, StoreFailed):
        raise
    except Exception as error:  # whatever else goes wrong in one episode is that episode's, and no other's
        log.exception("episode %s failed", episode)
        state = replace(state, status="failed", error=f"{type(error).__name__}: {error}")
    else:
        state = replace(state, status="done")
    finally:
        ended = None if state.status == "playing" else now()
        stage.put(Batch(episode, calls=tape.taken(), state=replace(state, ended=ended), time=now()))


async def _play(episode: int, variant: Variant, seed: int, stage: Stage, tape: Tape) -> None:
    pictures: list[tuple[Picture, PictureFacts]] = []

    def keep_picture(picture: Picture, facts: PictureFacts) -> None:
        stage.gallery.add(picture)
        pictures.append((picture, facts))

    def keep(events: Sequence[Event]) -> None:
        stage.put(Batch(episode, calls=tape.taken(), events=events, pictures=tuple(pictures), time=now()))
        pictures.clear()

    scene = Scene(stage.source.setting(variant, keep_picture), seed)
    await play(scene, LAYOUTS[layout_of(variant.scenario)], tape.call, keep)
