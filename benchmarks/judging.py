"""What a judge reads and how fast it is: the embedded model on vLLM's CPU build, judging dialogues by MMRole's metrics.

What vLLM computed of each prompt by its own count stands beside the least possible: the ids of these very prompts go
through a cache without an end, in blocks as vLLM has them (`benchmarks.vllm_prefix`). Then the three forms side by
side, and a run that judges what it plays beside one that does not.

The judge is the embedded checkpoint told that it may read 8192 tokens, and never done of itself. Its verdicts are
nonsense: a review has as many tokens as the published ones, and one that can be read stands in its place, so that
nothing is asked again. Each reply is compared with what an equal run said to the same prompt, which changes no count.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from shutil import copytree
from typing import Any, cast

from benchmarks.measure import Measure, in_process
from benchmarks.vllm_prefix import BLOCK, Least
from sandbox.display import Quiet
from sandbox.engines.config import SimulatedConfig, VLLMConfig
from sandbox.engines.counters import EngineCounters, counters_of
from sandbox.engines.cutting import cut
from sandbox.engines.encoding import Encoder
from sandbox.engines.engine import AT_LEISURE, Engine, Urgency
from sandbox.engines.scripted import Scripted
from sandbox.engines.start import start
from sandbox.gallery import Gallery
from sandbox.models import CHECKPOINT
from sandbox.rows import Batch
from sandbox.run import Plan, carry_out
from sandbox.run_folder import SCENARIO, new_run_folder
from sandbox.score import ScoringPlan, ScoringTally, score_run
from sandbox.scoring import Chosen
from scenes.chat import Completion, Request
from scenes.loading import Source, load
from scorers.mmrole.metrics import METRICS
from scorers.mmrole.prompt import Form
from scorers.mmrole.scorer import MMRole

SCENE = Path("scenarios/harbour")
CONTEXT = 8_192
JUDGE = "judge"
READABLE = "Both do. [Scores]: (8, 10)"
WORDS = "the a boat lighthouse red white quay left right look there dusk I you see it goes fog barrels nothing"
SAID, WRITTEN = 40, 60
"""Words of a reply that is judged, and tokens of a review: of the published reviews half have 39 words or fewer."""
TURNS, MANY = 10, 16
"""Of a dialogue that is judged turn by turn, and how many of them are judged at once where there are many."""
REPETITIONS, FEW = 5, 3
"""With other seeds; few where it takes long."""
FORMS: tuple[Form, ...] = ("review", "together", "expected")
SHORT = 4
"""Turns of the dialogues of a run that is judged while it is played."""
DELAY_S = 1.0
"""Of each answer of a judge that is elsewhere."""
WAYS: Mapping[str, tuple[VLLMConfig | SimulatedConfig, int, int, bool]] = {
    "vLLM CPU": (VLLMConfig(), 12, 3, False),
    "simulated": (SimulatedConfig(), 96, 32, False),
    "simulated, judge elsewhere": (SimulatedConfig(), 96, 32, True),
}
"""What plays that run, how many dialogues there are, how many are under way, and whether not it but another judges."""


class Readable:
    """The judge, whose reviews are of one length and can all be read, with what it was asked and what that cost."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.facts, self.room, self.close = engine.facts, engine.room, engine.close
        self.answers: list[tuple[Request, Completion]] = []

    async def complete(self, request: Request, urgency: Urgency = AT_LEISURE) -> Completion:
        """Answer as the judge does, but for the words of a review."""
        if not urgency.scoring:
            return await self._engine.complete(request, urgency)
        if request.form is None and request.answer is None:
            request = replace(request, sampling=request.sampling.model_copy(update={"max_tokens": WRITTEN}))
            completion = await self._engine.complete(request, urgency)
            completion = completion.model_copy(update={"text": READABLE})
        else:
            completion = await self._engine.complete(request, urgency)
        self.answers.append((request, completion))
        return completion


def measures() -> Iterator[Measure]:
    """Measure all of it, every vLLM in a process of its own."""
    yield from _of_one_answer()
    yield from _of_dialogues(1, REPETITIONS)
    yield from _of_dialogues(MANY, FEW)
    for form in FORMS:
        yield from _of_form(form, 1)
    for form in FORMS[:2]:  # the third would take minutes
        yield from _of_form(form, TURNS)
    for way in WAYS:
        yield from _beside(way)


def _of_one_answer() -> list[Measure]:
    judged = [_judged("review", 1, 1, seed) for seed in range(REPETITIONS)]
    return [
        Measure(
            f"eight metrics on one answer: computed / least in blocks of {BLOCK}", "ratio", _over(judged), "<= 1.05"
        ),
        Measure("the same: without a cache / computed", "times", _saved(judged), "-"),
        Measure("the same: its picture is preprocessed", "times", [one["preprocessed"] for one in judged], "1"),
        Measure("the same: its picture is encoded", "times", [one["encoded"] for one in judged], "1"),
    ]


def _of_dialogues(dialogues: int, repetitions: int) -> list[Measure]:
    judged = [_judged("review", dialogues, TURNS, seed) for seed in range(repetitions)]
    what = f"{dialogues} dialogues of {TURNS} turns judged"
    return [
        Measure(f"{what}: without a cache / computed", "times", _saved(judged), ">= 10"),
        Measure("the same: computed / least in blocks", "ratio", _over(judged), "<= 1.05"),
        Measure("the same: replies judged", "per s", [one["per_s"] for one in judged], "-"),
    ]


def _over(judged: Sequence[dict[str, float]]) -> list[float]:
    return [one["computed"] / one["least"] for one in judged]


def _saved(judged: Sequence[dict[str, float]]) -> list[float]:
    return [one["prompt"] / one["computed"] for one in judged]


def _of_form(form: Form, turns: int) -> list[Measure]:
    """Measure what a form costs, on replies that are the same for all forms."""
    judged = [_judged(form, 1, turns, seed) for seed in range(FEW if form == "expected" else REPETITIONS)]
    figures = {"per_s": "replies/s", "calls": "a reply", "prompt": "tokens", "computed": "tokens", "written": "tokens"}
    what = f"one dialogue, turns: {turns}, form {form}: "
    return [Measure(what + name, unit, [one[name] for one in judged], "-") for name, unit in figures.items()]


@cache
def _judged(form: Form, dialogues: int, turns: int, seed: int) -> dict[str, float]:
    judged: dict[str, float] = in_process("benchmarks.judging", "judge", form, dialogues, turns, seed)
    return judged


def _beside(way: str) -> list[Measure]:
    alone, both = [], []
    for _ in range(FEW if way == "vLLM CPU" else REPETITIONS):
        with tempfile.TemporaryDirectory() as out:
            alone.append(in_process("benchmarks.judging", "play", way, out))
            both.append(in_process("benchmarks.judging", "play", way, out, alone[-1]["run"]))

    def ratios(figure: str) -> list[float]:
        return [two[figure] / one[figure] for one, two in zip(alone, both, strict=True)]

    _, episodes, at_once, _ = WAYS[way]
    return [
        Measure(f"{way}, {episodes} dialogues, {at_once} at once: played", "s", [a["played_s"] for a in alone], "-"),
        Measure("the same, judged beside / not", "ratio", ratios("played_s"), "<= 1.03"),
        Measure("played and judged, together / one after the other", "ratio", ratios("all_s"), "<= 1.03"),
        Measure("the same, CPU", "ratio", ratios("cpu_s"), "-"),
    ]


class Judge:
    """One vLLM that judges, just started."""

    def __init__(self, out: Path) -> None:
        self.gallery, model = Gallery(), str(_long_and_tireless(out / "judge"))
        self._vllm = start(VLLMConfig(), model, self.gallery.open, 1)
        self.engine = Readable(self._vllm)
        self._encoder = Encoder(model, self.gallery.open)

    def counters(self) -> EngineCounters:
        """Return what vLLM counted."""
        return counters_of({JUDGE: self._vllm})[JUDGE]

    def least(self, answers: Sequence[tuple[Request, Completion]], least: Least) -> int:
        """Let `least` read these prompts too; return how many tokens of them it had to compute."""
        before = least.computed
        for request, completion in answers:
            ids = self._ids(request)
            assert len(ids) == completion.prompt_tokens, f"{completion.prompt_tokens} were read, and not {len(ids)}"
            least.read(ids, completion.token_ids)
        return least.computed - before

    def _ids(self, request: Request) -> list[int | str]:
        """Return the ids as the model reads them, a picture's tokens told from those of any other."""
        encoded, _ = cut(request, self.engine.facts.context_length, self._encoder)
        ids = self._encoder.tensors(encoded)["input_ids"][0].tolist()
        place = self._encoder.tokenizer.convert_tokens_to_ids(self._encoder._placeholder)
        ids = [encoded.images[0] if token == place else token for token in ids]
        return [*ids, *self._encoder.given(request)]


def _long_and_tireless(folder: Path) -> Path:
    """Copy the embedded checkpoint, with a longer context, and what ends a reply replaced by what it never writes."""
    copytree(CHECKPOINT, folder)
    for name in ("config.json", "generation_config.json", "tokenizer_config.json"):
        settings = json.loads((folder / name).read_text(encoding="utf-8"))
        for part in (settings, settings.get("text_config", {})):
            part |= {key: settings["pad" + key.removeprefix("eos")] for key in part if key.startswith("eos_")}
        settings.get("text_config", {}).update(max_position_embeddings=CONTEXT)
        (folder / name).write_text(json.dumps(settings), encoding="utf-8")
    return folder


def judge(out: Path, form: Form, dialogues: int, turns: int, seed: int) -> dict[str, float]:
    """Judge dialogues that the engine does not know yet, all at once; return what that cost for each reply."""
    other, run = _without_a_model(out, 1, 1, -1), _without_a_model(out, dialogues, turns, seed)
    judge, least = Judge(out), Least(BLOCK)
    _score(other, form, judge.engine, judge.gallery)
    judge.least(judge.engine.answers, least)
    before = judge.counters()
    judge.engine.answers.clear()
    seconds = _score(run, form, judge.engine, judge.gallery)
    answers, after = judge.engine.answers, judge.counters()
    judge.engine.close()
    cost = {
        "calls": len(answers),
        "prompt": sum(one.prompt_tokens for _, one in answers),
        "computed": after.computed - before.computed,
        "preprocessed": after.preprocessed - before.preprocessed,
        "encoded": after.encoded - before.encoded,
        "least": judge.least(answers, least),
        "written": sum(one.output_tokens for _, one in answers),
    }
    return {name: count / (dialogues * turns) for name, count in cost.items()} | {"per_s": dialogues * turns / seconds}


def play(way: str, out: Path, other: Path | None = None) -> dict[str, object]:
    """Play and then judge, or both together beside what the `other` run said; return how long each took."""
    config, episodes, at_once, elsewhere = WAYS[way]
    gallery, clock, source = Gallery(), _Clock(), _source(episodes, SHORT, 0)
    with tempfile.TemporaryDirectory() as folder:
        model = _long_and_tireless(Path(folder) / "judge")
        engine = Readable(start(config, str(model), gallery.open, 1))
        _score(_without_a_model(Path(folder), 1, 1, -1), "review", engine, gallery)
    engine.answers.clear()
    run, scorers = new_run_folder(out, source), [_scorer(other, "review")] if other else []
    judge = Readable(Scripted(lambda request: READABLE, delay_s=DELAY_S)) if elsewhere else engine
    engines = {source.scenario.model: engine, JUDGE: judge}
    plan = Plan(run, load(run / SCENARIO), episodes, engines, gallery, at_once, {}, scorers=scorers)
    begun, cpu = time.perf_counter(), time.process_time()
    asyncio.run(carry_out(plan, clock))
    if other is None:
        _score(run, "review", judge, gallery)
    cost = {"all_s": time.perf_counter() - begun, "cpu_s": time.process_time() - cpu}
    engine.close()
    assert len(judge.answers) == episodes * SHORT * len(METRICS), f"{len(judge.answers)} calls judged"
    return {"run": str(run), "played_s": clock.last - begun} | cost


def _score(run: Path, form: Form, engine: Engine, gallery: Gallery) -> float:
    """Judge a run, each reply beside itself; return the seconds it took."""
    plan = ScoringPlan(run, load(run / SCENARIO), [_scorer(run, form)], {JUDGE: engine}, gallery)
    begun = time.perf_counter()
    summary = asyncio.run(score_run(plan, _Nobody()))
    (told,) = summary.scorers
    assert (told.left, told.failed, told.without_value) == (0, 0, 0), told
    return time.perf_counter() - begun


class _Clock(Quiet):
    """Keeps when the last turn of play was stored."""

    last = 0.0

    def committed(self, batches: Sequence[Batch]) -> None:
        if not all(batch.judging for batch in batches):
            self.last = time.perf_counter()


def _scorer(run: Path, form: Form) -> Chosen:
    return Chosen(MMRole(reference=f"run:{run}", form=form, judge=JUDGE))


def _source(dialogues: int, turns: int, seed: int) -> Source:
    """Return dialogues before a picture each, which no other seed has."""
    pictures = {"range": [(1 + seed) * MANY, (1 + seed) * MANY + dialogues]}
    vary = {"images.harbour.storybook.seed": pictures}
    return load(SCENE, settings={"turns": turns, "episodes": 1, "vary": vary, "seed": 7 + seed})


def _without_a_model(out: Path, dialogues: int, turns: int, seed: int) -> Path:
    """Play dialogues with replies of one length; return the run's folder."""
    source = _source(dialogues, turns, seed)
    folder = new_run_folder(out, source)
    engines = {source.scenario.model: Scripted(_said)}
    asyncio.run(carry_out(Plan(folder, load(folder / SCENARIO), dialogues, engines, Gallery(), MANY, {}), Quiet()))
    return folder


def _said(request: Request) -> str:
    return " ".join(Random(request.seed).choices(WORDS.split(), k=SAID))


class _Nobody:
    def shown(self, tally: ScoringTally) -> None: ...


def _main(verb: str, *rest: str) -> dict[str, Any]:
    if verb == "play":
        way, *folders = rest
        return play(way, *map(Path, folders))
    form, *numbers = rest
    with tempfile.TemporaryDirectory() as out:
        return judge(Path(out), cast(Form, form), *map(int, numbers))


if __name__ == "__main__":
    print(json.dumps(_main(*sys.argv[1:])))
