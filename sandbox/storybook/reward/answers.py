"""Answers to judge: papers, each with the teacher's answer and with others that are worse in known ways.

How likely a model finds them is read once and kept in a file, so that what was interrupted goes on.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from random import Random

import numpy as np

from sandbox.engines.engine import Engine
from sandbox.gallery import Gallery
from sandbox.meter import Meter
from sandbox.scheduler import AHEAD, Scheduler
from sandbox.side_by_side import Told, each
from sandbox.storybook.exam.exam import AS_IS, requests
from sandbox.storybook.exam.paper import Paper
from sandbox.storybook.reward.degrading import CLEAN, Way, degraded
from sandbox.storybook.reward.features import CONDITIONS, Floats, blanks, features, read
from sandbox.whole_file import write_whole
from sandbox.window import USUAL
from scenes.chat import CallFailed, Request

PER_PAPER = 3
"""Answers to each paper: the teacher's, and two that are worse or at least other ones."""


@dataclass
class Answer:
    """An answer to a paper, and how likely a model finds it."""

    paper: int
    """The number of the paper."""
    scene: str
    way: Way
    text: str
    request: Request
    is_reference: bool = False
    """Whether it is the teacher's answer, with which others to the paper are compared."""
    logprobs: Floats | None = None
    """Shape (len(CONDITIONS), tokens); None where the model was not asked, or failed."""
    failed: bool = False


def answers_to(papers: Sequence[Paper], ways: Sequence[Way], model: str, gallery: Gallery, seed: int) -> list[Answer]:
    """Return answers to papers, each way about as often as it can be; their pictures go into `gallery`."""
    rng, counts = Random(seed), Counter[Way]()
    shown = requests(papers, AS_IS, model, gallery)
    return [
        answer
        for at, (paper, request) in enumerate(shown)
        for answer in _of_paper(at, paper, request, ways, counts, rng)
    ]


def _of_paper(
    at: int, paper: Paper, request: Request, ways: Sequence[Way], counts: Counter[Way], rng: Random
) -> Iterator[Answer]:
    reference = Answer(at, paper.scene, CLEAN, paper.gold, request, is_reference=True)
    yield reference
    left = PER_PAPER - 1
    for way in sorted(rng.sample(ways, len(ways)), key=lambda way: counts[way]):
        made = degraded(paper, way, rng) if left else None
        if made:
            counts[way], left = counts[way] + 1, left - 1
            yield replace(reference, way=way, text=made.text, is_reference=False)


async def read_all(answers: Sequence[Answer], engine: Engine, gallery: Gallery, told: Told) -> None:
    """Ask a model how likely it finds the answers that were not read yet; at Ctrl-C some are left."""
    slots = engine.facts.slots or USUAL
    model = answers[0].request.model
    scheduler, blank = Scheduler({model: engine}, Meter(slots)), blanks(gallery)

    async def ask(nth: int, one: Answer) -> None:
        call = scheduler.call(nth)
        try:
            one.logprobs = await read(lambda request: call("reward", request), one.request, one.text, blank)
        except CallFailed:
            one.failed = True

    left = [one for one in answers if one.logprobs is None]
    await each(left, ask, 1 + AHEAD * slots // len(CONDITIONS), told)


def read_on(answers: Sequence[Answer], engine: Engine, gallery: Gallery, file: Path | None, told: Told) -> bool:
    """Read what of `answers` is not in `file`, and keep it there, if there is one; return whether nothing is left.

    Raises `EngineDied`, with what was read kept.
    """
    if file and file.exists():
        _take(answers, file)
    try:
        asyncio.run(read_all(answers, engine, gallery, told))
    finally:
        if file:
            _keep(answers, file)
    return all(one.logprobs is not None or one.failed for one in answers)


def references(answers: Sequence[Answer]) -> dict[int, Floats]:
    """Return the features of the teacher's answers that were read, by the number of the paper."""
    return {one.paper: features(one.logprobs) for one in answers if one.is_reference and one.logprobs is not None}


def _keep(answers: Sequence[Answer], file: Path) -> None:
    known = [(at, one.logprobs) for at, one in enumerate(answers) if one.logprobs is not None]
    if not known:
        return
    content = BytesIO()
    ends = np.cumsum([logprobs.shape[1] for _, logprobs in known])
    joined = np.concatenate([logprobs for _, logprobs in known], axis=1)
    at = np.array([at for at, _ in known])
    np.savez(content, at=at, ends=ends, logprobs=joined.astype(np.float32), of=np.array(_digest(answers)))
    write_whole(file, content.getvalue())


def _take(answers: Sequence[Answer], file: Path) -> None:
    with np.load(BytesIO(file.read_bytes()), allow_pickle=False) as kept:
        if str(kept["of"]) != _digest(answers):  # of another version, which made other answers
            return
        parts = np.split(kept["logprobs"].astype(np.float64), kept["ends"][:-1], axis=1)
        for at, logprobs in zip(kept["at"], parts, strict=True):
            answers[at].logprobs = logprobs


def _digest(answers: Sequence[Answer]) -> str:
    digest = blake2b(digest_size=8)
    for one in answers:
        digest.update(f"{one.request.digest()} {one.text}\n".encode())
    return digest.hexdigest()


Making = Callable[[str], Told]
"""Returns who is told how far the work with that name is."""
