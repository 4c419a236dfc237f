"""The embedded model on vLLM: dialogues of dependent turns, against the same requests given to vLLM all at once.

Both draw with the requests' own seeds, so both give the same tokens; the batch runs in a process of its own, with
nothing in its caches.
"""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import Measure, in_process
from sandbox.display import Quiet
from sandbox.engines.config import VLLMConfig
from sandbox.engines.engine import Engine
from sandbox.engines.start import start
from sandbox.gallery import Gallery
from sandbox.models import reference
from sandbox.record import Record
from sandbox.run import Plan, carry_out
from sandbox.run_folder import IMAGES, SCENARIO, new_run_folder
from scenes.chat import Request
from scenes.loading import load

SCENE = Path("scenarios/harbour")
EPISODES = 256
TURNS = 6
REPETITIONS = 5
PLACES = {"here": "in this process", "apart": "core in a process of its own"}


def measures() -> list[Measure]:
    """Measure each side in a process of its own: a vLLM engine can be closed only at exit."""
    return [measure for place in PLACES for measure in _measures(place)]


def _measures(place: str) -> list[Measure]:
    dialogues, batch, cached = [], [], []
    for _ in range(REPETITIONS):
        with tempfile.TemporaryDirectory() as out:
            played = in_process("benchmarks.storybook_throughput", "dialogues", place, out)
            batch.append(in_process("benchmarks.storybook_throughput", "batch", place, played["run"])["tokens_per_s"])
            dialogues.append(played["tokens_per_s"])
            cached.append(played["cached"])
    ratio = [one / other for one, other in zip(dialogues, batch, strict=True)]
    scene = f"storybook on vLLM CPU, {PLACES[place]}, {EPISODES} episodes x {TURNS} turns at once, stored"
    return [
        Measure(scene, "tokens/s", dialogues, "-"),
        Measure("the same requests given to it in one batch, nothing cached", "tokens/s", batch, "-"),
        Measure("dialogues / batch", "ratio", ratio, ">= 0.95"),
        Measure("prompt tokens from the prefix cache, dialogues", "share", cached, "-"),
    ]


def play_dialogues(out: Path, place: str) -> dict[str, object]:
    """Play the dialogues after a first one that warms the engine up; return tokens per second and where they are."""
    gallery = Gallery()
    engine = _engine(gallery, place)
    source = load(SCENE, settings={"turns": TURNS, "episodes": EPISODES + 1, "vary": {}})
    folder = new_run_folder(out, source)

    def plan(episodes: int) -> Plan:
        return Plan(folder, load(folder / SCENARIO), episodes, {source.scenario.model: engine}, gallery, EPISODES, {})

    asyncio.run(carry_out(plan(1), Quiet()))
    begun = time.perf_counter()
    summary = asyncio.run(carry_out(plan(EPISODES + 1), Quiet()))
    rate = summary.output_tokens / (time.perf_counter() - begun)
    engine.close()
    return {"run": str(folder), "tokens_per_s": rate, "cached": summary.cached_tokens / summary.prompt_tokens}


def play_batch(folder: Path, place: str) -> dict[str, float]:
    """Ask all that the stored dialogues asked at once, with nothing to wait for."""
    gallery = Gallery()
    gallery.keep_in(folder / IMAGES)
    engine, record = _engine(gallery, place), Record(folder)
    warm_up, *requests = [[call.request for call in record.calls(state.id)] for state in record.states()]
    asyncio.run(_all(engine, warm_up))
    begun = time.perf_counter()
    tokens = asyncio.run(_all(engine, [request for episode in requests for request in episode]))
    rate = tokens / (time.perf_counter() - begun)
    engine.close()
    return {"tokens_per_s": rate}


def _engine(gallery: Gallery, place: str) -> Engine:
    return start(VLLMConfig(own_process=place == "apart"), reference("storybook"), gallery.open, 1)


async def _all(engine: Engine, requests: list[Request]) -> int:
    return sum(one.output_tokens for one in await asyncio.gather(*map(engine.complete, requests)))


if __name__ == "__main__":
    mode, place, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    print(json.dumps((play_dialogues if mode == "dialogues" else play_batch)(folder, place)))
