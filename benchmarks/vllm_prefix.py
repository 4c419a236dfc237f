"""What vLLM by its own count finds again of prompts, with the embedded model: beside the most, and with little room.

Each scenario that the embedded model can play is played as it is shipped. What vLLM says that it computed of every
prompt stands beside the least possible: the ids of these very requests go through a cache without an end, in blocks as
vLLM has them, and token by token, which shows how much of it is rounding to blocks. Then dialogues before a picture
each are played where there is room for an eighth of them: as many at once as `sandbox/window.py` says, and all at once.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from hashlib import blake2b
from math import ceil
from pathlib import Path
from typing import Any

from benchmarks.measure import Measure, in_process
from sandbox.display import Quiet
from sandbox.engines.config import VLLMConfig
from sandbox.engines.cutting import cut
from sandbox.engines.encoding import EncodedPrompt, Encoder
from sandbox.engines.engine import Engine
from sandbox.engines.prefix_cache import PrefixCache
from sandbox.engines.start import start
from sandbox.gallery import Gallery
from sandbox.launch import Options, _first_prompts, alternatives, check_room, checked_source
from sandbox.models import CHECKPOINT, STORYBOOK, most_pictures
from sandbox.record import Record
from sandbox.run import Plan, carry_out
from sandbox.run_folder import SCENARIO, new_run_folder
from sandbox.window import window
from scenes.chat import Completion, Request
from scenes.loading import Source, load
from scenes.problem import InputRefused

SCENARIOS = sorted(Path("scenarios").iterdir())
MOST_EPISODES = 64
"""Of one scenario; one of them has 500."""
HARBOUR = Path("scenarios/harbour")
EPISODES = 64
SHARE = 8
"""Room for one in so many of them."""
REPETITIONS = 3
"""With other seeds: the same seed gives the same count again."""
BLOCK = 32
"""Tokens in a block of the adapter's vLLM on a CPU."""
ENDLESS_BYTES = 1 << 30
"""Room for all that is played here: a token of the embedded model takes 6 KiB."""


class Least:
    """Counts what is left to compute of prompts where every block once read or written is kept."""

    def __init__(self, block: int) -> None:
        self.cache = PrefixCache()
        self.computed = 0
        self._block = block

    def read(self, ids: Sequence[int | str], reply: Sequence[int]) -> None:
        """Let a prompt be computed, and a reply behind it, of whose last token no state ever is."""
        whole = self._hashes([*ids, *reply[:-1]])
        prompt = whole[: len(ids) // self._block]
        hits = self.cache.hits(prompt[: (len(ids) - 1) // self._block])  # the last token is computed in any case
        held = self.cache.take(prompt, hits, ceil((len(ids) + len(reply)) / self._block))
        assert held is not None, "there is always room"
        self.cache.give_back(held, whole)
        self.computed += len(ids) - hits * self._block

    def _hashes(self, tokens: Sequence[int | str]) -> list[bytes]:
        found, last = [], b""
        for end in range(self._block, len(tokens) + 1, self._block):
            last = blake2b(last + repr(tokens[end - self._block : end]).encode(), digest_size=16).digest()
            found.append(last)
        return found


def measures() -> Iterator[Measure]:
    """Measure both, every vLLM in a process of its own."""
    yield from _against_least()
    yield from _with_little_room()


def _against_least() -> list[Measure]:
    played = in_process("benchmarks.vllm_prefix", "scenarios")
    rows = [row for row in played if "computed" in row]
    print(f"not played by the embedded model: {', '.join(row['name'] for row in played if row not in rows) or 'none'}")
    ratios = [row["computed"] / row["in_blocks"] for row in rows]
    rounding = [row["in_blocks"] / row["by_token"] for row in rows]
    each = [(row["in_blocks"] - row["by_token"]) / row["requests"] for row in rows]
    return [
        Measure(f"vLLM CPU: prompt tokens computed / least in blocks of {BLOCK}", "ratio", ratios, "<= 1.03"),
        Measure("the same least / least by token", "ratio", rounding, "-"),
        Measure("of that rounding to blocks, per request", "tokens", each, f"<= {BLOCK - 1}"),
    ]


def _with_little_room() -> list[Measure]:
    managed, crowded, at_once = [], [], []
    for seed in range(REPETITIONS):
        endless = in_process("benchmarks.vllm_prefix", "dialogues", seed, EPISODES, ENDLESS_BYTES)
        room = endless["bytes"] // SHARE
        little = in_process("benchmarks.vllm_prefix", "dialogues", seed, 0, room)
        everybody = in_process("benchmarks.vllm_prefix", "dialogues", seed, EPISODES, room)
        managed.append(little["hit_rate"] / endless["hit_rate"])
        crowded.append(everybody["hit_rate"] / endless["hit_rate"])
        at_once.append(little["at_once"])
    what = f"vLLM CPU, room for {EPISODES // SHARE} of {EPISODES} dialogues"
    return [
        Measure(f"{what}: hits in the window / endless", "ratio", managed, ">= 0.97"),
        Measure("the same, all at once", "ratio", crowded, "- (the cliff)"),
        Measure("the window that the run chooses", "dialogues", at_once, "-"),
    ]


class Stage:
    """One vLLM, what is played on it, and the least that an endless cache would leave of the same requests."""

    def __init__(self, out: Path, pictures: int, room: int = ENDLESS_BYTES) -> None:
        self.gallery = Gallery()
        self.engine = start(VLLMConfig(kv_cache_memory_bytes=room), str(CHECKPOINT), self.gallery.open, pictures)
        self.in_blocks, self.by_token = Least(BLOCK), Least(1)
        self._out = out
        self._encoder = Encoder(str(CHECKPOINT), self.gallery.open)

    @property
    def engines(self) -> dict[str, Engine]:
        return {STORYBOOK: self.engine}

    def window(self, source: Source) -> int:
        """Return how many episodes of `source` a run would have under way."""
        return window(source.scenario, self.engines, *_first_prompts(source, self.engines, self.gallery))

    def play(self, source: Source, at_once: int) -> list[Completion]:
        """Play the first episodes of `source`, let the least be counted, and return what vLLM said of each call."""
        folder = new_run_folder(self._out, source)
        episodes = min(source.episodes, MOST_EPISODES)
        plan = Plan(folder, load(folder / SCENARIO), episodes, self.engines, self.gallery, at_once, {})
        asyncio.run(carry_out(plan, Quiet()))
        with closing(Record(folder)) as record:
            calls = [call for state in record.states() for call in record.calls(state.id)]
        return [self._counted(call.request, call.completion) for call in calls if call.completion]

    def _counted(self, request: Request, completion: Completion) -> Completion:
        encoded, _ = cut(request, self.engine.facts.context_length, self._encoder)
        ids = self._ids(encoded)
        if len(ids) != completion.prompt_tokens:
            raise RuntimeError(f"vLLM read {completion.prompt_tokens} tokens, and the encoder has {len(ids)}")
        for least in (self.in_blocks, self.by_token):
            least.read(ids, completion.token_ids)
        return completion

    def _ids(self, encoded: EncodedPrompt) -> list[int | str]:
        """Return the ids as the model reads them, a picture's tokens told from those of any other."""
        ids = self._encoder.tensors(encoded)["input_ids"][0].tolist()
        place = self._encoder.tokenizer.convert_tokens_to_ids(self._encoder._placeholder)
        each = ids.count(place) // max(1, len(encoded.images))  # all pictures are brought to one size
        whose = iter([image for image in encoded.images for _ in range(each)])
        return [next(whose) if token == place else token for token in ids]


def play_scenarios(out: Path) -> list[dict[str, Any]]:
    """Play what is shipped on one engine; return of each scenario what was computed, and the least of it."""
    sources = [checked_source(path, Options(model=STORYBOOK)) for path in SCENARIOS]
    stage = Stage(out, max(most_pictures(source.scenario) for source in sources))
    found = [{"name": source.folder.name} | _costs(stage, source) for source in sources]
    stage.engine.close()
    return found


def _costs(stage: Stage, source: Source) -> dict[str, int]:
    """Return what came of a scenario; nothing if it is too long for the model."""
    try:
        check_room(source, alternatives(source), stage.engines, stage.gallery)
    except InputRefused:
        return {}
    in_blocks, by_token = stage.in_blocks.computed, stage.by_token.computed
    answers = stage.play(source, stage.window(source))
    return {
        "requests": len(answers),
        "computed": sum(one.prompt_tokens - one.cached_tokens for one in answers),
        "in_blocks": stage.in_blocks.computed - in_blocks,
        "by_token": stage.by_token.computed - by_token,
    }


def play_dialogues(out: Path, seed: int, at_once: int, room: int) -> dict[str, float]:
    """Play dialogues before a picture each, in as many bytes, the window's number at once if `at_once` is 0.

    Returns the share of prompt tokens that were found again, how many were under way, and the bytes that all states
    of them take.
    """
    settings = {"seed": seed, "vary": {"images.harbour.storybook.seed": {"range": [0, EPISODES]}}, "episodes": 1}
    source, stage = load(HARBOUR, settings=settings), Stage(out, pictures=1, room=room)
    at_once = at_once or stage.window(source)
    answers = stage.play(source, at_once)
    stage.engine.close()
    hit_rate = sum(one.cached_tokens for one in answers) / sum(one.prompt_tokens for one in answers)
    token_bytes = room / (stage.engine.facts.kv_tokens or 1)
    filled = stage.in_blocks.cache.filled * BLOCK
    return {"hit_rate": hit_rate, "at_once": at_once, "bytes": int(filled * token_bytes)}


if __name__ == "__main__":
    what, *numbers = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        played = play_dialogues(Path(folder), *map(int, numbers)) if numbers else play_scenarios(Path(folder))
    print(json.dumps(played))
