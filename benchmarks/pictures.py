"""What a picture costs: how often one is read from its file, preprocessed and encoded, by what vLLM itself counts.

Four characters who look at it, the embedded model on vLLM's CPU build. Each of the shared pictures is another in every
episode; nothing of them is known before. With few of them vLLM's caches hold all, and every figure is to be 1. With
room for fewer in the encoder's cache than are in flight, pictures are encoded again, and that is counted.
"""

import asyncio
import json
import random
import sys
import tempfile
from pathlib import Path

from PIL import Image

from benchmarks.measure import Measure, in_process
from sandbox.engines.config import VLLMConfig
from sandbox.engines.engine import Engine
from sandbox.engines.start import start
from sandbox.gallery import Gallery
from sandbox.models import reference
from scenes.chat import Prompt, Request, Sampling, Segment
from scenes.image_file import read_picture

CAST = ("Brack", "Pip", "Ada", "Tom")
TURNS = 12
REPETITIONS = 5
FEW, MANY = 32, 300
"""Episodes, each with a picture of its own. The encoder's cache has room for 128 pictures of 16 tokens, the gallery
for 256."""
FIGURES = ("reads", "preprocessed", "encoded")


def measures() -> list[Measure]:
    """Measure in processes of their own: a vLLM engine can be closed only at exit."""
    rows = []
    for episodes, at_once, goal in ((FEW, FEW, "exactly 1"), (MANY, FEW, "exactly 1"), (MANY, MANY, "counted")):
        played = [in_process("benchmarks.pictures", episodes, at_once, seed) for seed in range(REPETITIONS)]
        what = f"{episodes} pictures, {at_once} in flight, {len(CAST)} characters: "
        rows += [Measure(what + name, "per pict.", [one[name] for one in played], goal) for name in FIGURES]
    return rows


class _Counted(Gallery):
    """A gallery that counts how often it reads a file."""

    reads = 0

    def _read(self, image: str) -> Image.Image:
        self.reads += 1
        return super()._read(image)


def play(episodes: int, at_once: int, seed: int) -> dict[str, float]:
    """Play the dialogues, so many at once; return each figure per distinct picture."""
    with tempfile.TemporaryDirectory() as out:
        gallery = _Counted()
        pictures = [_drawn(gallery, Path(out), seed * episodes + at) for at in range(episodes)]
        gallery.keep_in(Path(out) / "images")
        engine = start(VLLMConfig(max_num_seqs=64), reference("storybook"), gallery.open, 1)
        asyncio.run(_dialogues(engine, pictures, at_once))
        counted = engine.counters()  # type: ignore[attr-defined]
        engine.close()
    assert counted.pictures == episodes, f"{counted.pictures} pictures were asked about, and not {episodes}"
    counts = {"reads": gallery.reads, "preprocessed": counted.preprocessed, "encoded": counted.encoded}
    return {name: count / episodes for name, count in counts.items()}


def _drawn(gallery: Gallery, folder: Path, seed: int) -> str:
    """Draw a picture that no other seed gives, as large as the model sees it, and return its id."""
    file = folder / f"{seed}.png"
    Image.frombytes("RGB", (8, 8), random.Random(seed).randbytes(192)).resize((128, 128)).save(file)
    picture = read_picture(file.name, folder, folder)
    gallery.add(picture)
    return picture.id


async def _dialogues(engine: Engine, pictures: list[str], at_once: int) -> None:
    places = asyncio.Semaphore(at_once)

    async def dialogue(seed: int, picture: str) -> None:
        async with places:
            await _dialogue(engine, seed, picture)

    await asyncio.gather(*(dialogue(seed, picture) for seed, picture in enumerate(pictures)))


async def _dialogue(engine: Engine, seed: int, picture: str) -> None:
    """Let the cast talk about `picture`, in turn, each seeing it and hearing what the others said."""
    said: list[Segment] = []
    for turn in range(TURNS):
        me = CAST[turn % len(CAST)]
        persona = Segment("persona", "system", f"You are {me}. You like: boat.")
        begin = Prompt().then(persona, Segment("images", "user", image=picture), *said[-4:])
        question = Segment("instruction", "user", f"{me}, what do you see?")
        reply = await engine.complete(Request("storybook", begin.then(question), Sampling(max_tokens=16), seed + turn))
        said.append(Segment("history", "user", f"{me}: {reply.text}", starts_message=True))


if __name__ == "__main__":
    print(json.dumps(play(*map(int, sys.argv[1:]))))
