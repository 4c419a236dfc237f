"""How near the layouts come to the least that has to be computed, on the exact token ids of the shipped scenarios.

Each scenario is played with lines of the storybook's kind, and the ids that the embedded model would read go through an
endless cache. What a token costs at least is being computed once: the number of different beginnings of all prompts,
what was generated left out. In blocks more is computed, up to a block less one token for each request. The last row is
what `auto` takes against the best that it may take, by the words of `sandbox/layout_cost.py`.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from agents.prompts.layout import Layout
from agents.prompts.layouts import LAYOUTS, privacy_breaks
from benchmarks.measure import Measure
from sandbox.engines.encoding import Encoder
from sandbox.engines.scripted import dry_answer
from sandbox.layout_cost import cheapest, cost, settings_of, unsuited
from sandbox.models import CHECKPOINT, STORYBOOK
from sandbox.play import play
from scenes.chat import Completion, Request
from scenes.loading import load
from scenes.scenario import LayoutName
from scenes.scene import Scene, Setting

BLOCK = 16
PICTURE = 64
"""Tokens of a drawing to the embedded model, near enough."""
LINES = ("Aye, a red boat on the left.", "I see two green birds over the harbour.", "Surely that is a black boat, lad.")
SCENARIOS = sorted(Path("scenarios").iterdir())
OTHER = "some/model"


@dataclass
class Beginnings:
    """All that was read and written, as a tree of blocks."""

    block: int
    computed: int = 0
    requests: int = 0
    _known: dict[tuple[int, tuple[int, ...]], int] = field(default_factory=dict)

    def read(self, ids: Sequence[int], reply: Sequence[int]) -> None:
        """Let a prompt be computed, and its reply be generated behind it."""
        known = self._keep(ids)
        self.computed += len(ids) - min(known, (len(ids) - 1) // self.block) * self.block
        self.requests += 1
        self._keep([*ids, *reply])

    def _keep(self, ids: Sequence[int]) -> int:
        """Keep all whole blocks of `ids`; return how many of the first were known."""
        at, known = 0, 0
        for place in range(len(ids) // self.block):
            key = at, tuple(ids[place * self.block : (place + 1) * self.block])
            known += key in self._known
            at = self._known.setdefault(key, len(self._known) + 1)
        return known


def measures() -> list[Measure]:
    """Measure each layout in every scenario that it gives nothing away of."""
    encoder = Encoder(str(CHECKPOINT), lambda image: Image.new("RGB", (128, 128)))
    settings = [settings_of(load(folder, settings={"model": OTHER, "layout": "auto"}))[0] for folder in SCENARIOS]
    return [row for layout in LAYOUTS.values() for row in _rows(encoder, layout, settings)] + [_auto()]


def _rows(encoder: Encoder, layout: Layout, settings: Sequence[Setting]) -> list[Measure]:
    kept = [setting for setting in settings if not privacy_breaks(layout, setting)]
    if not kept:
        return []
    pairs = [_replayed(encoder, layout, setting) for setting in kept]
    ratios = [blocks.computed / least.computed for blocks, least in pairs]
    rounding = [(blocks.computed - least.computed) / blocks.requests for blocks, least in pairs]
    name = layout.name
    return [
        Measure(f"{name}: prompt tokens computed in blocks of {BLOCK} / least possible", "ratio", ratios, "-"),
        Measure(f"{name}: of that rounding to blocks, per request", "tokens", rounding, f"<= {BLOCK - 1}"),
    ]


def _replayed(encoder: Encoder, layout: Layout, setting: Setting) -> tuple[Beginnings, Beginnings]:
    """Return what an episode computes in blocks, and token by token."""
    in_blocks, by_token = Beginnings(BLOCK), Beginnings(1)

    async def call(key: str, request: Request) -> Completion:
        reply = dry_answer(request) if request.form else LINES[in_blocks.requests % len(LINES)]
        prompt = encoder.encode(request.prompt.segments())
        ids = list(_with_pictures(encoder, prompt.ids, prompt.images))
        for beginnings in (in_blocks, by_token):
            beginnings.read(ids, encoder.tokenizer(reply, add_special_tokens=False)["input_ids"])
        return Completion(text=reply)

    asyncio.run(play(Scene(setting, 0), layout, call, lambda events: None))
    return in_blocks, by_token


def _with_pictures(encoder: Encoder, ids: Sequence[int], images: Sequence[str]) -> Iterator[int]:
    """Yield the ids with as many of each picture's own as it takes."""
    placeholder = encoder.tokenizer.convert_tokens_to_ids(encoder._placeholder)
    waiting = iter(images)
    for token in ids:
        yield from [hash(next(waiting))] * PICTURE if token == placeholder else [token]


def _auto() -> Measure:
    ratios = []
    for folder in SCENARIOS:
        for model in (STORYBOOK, OTHER):
            settings = settings_of(load(folder, settings={"model": model, "layout": "auto"}))
            names: list[LayoutName] = [name for name in LAYOUTS if unsuited(name, settings) is None]
            costs = {name: cost(settings[0], LAYOUTS[name]).computed for name in names}
            ratios.append(costs[cheapest(settings)] / min(costs.values()))
    return Measure("the layout that auto takes / the best that it may take", "ratio", ratios, "<= 1.02")
