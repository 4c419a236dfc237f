"""Judging a run: every episode once by every scorer, whatever a scorer does and whenever the process dies."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from shutil import copytree
from typing import Any, ClassVar

import pytest
from commanding import commanded
from killing import contents
from playing import STORY, carried_out, last_words, played
from pydantic import PrivateAttr
from scored import (
    ASKED_TWICE,
    Liking,
    Lines,
    answered_judgements,
    judged,
    judgements_of,
    passes_killed,
    played_rows,
    praise,
    verdicts_of,
)

from sandbox import scoring
from sandbox.engines.engine import EngineDied
from sandbox.errors import EXIT_CODES, StoreDamaged
from sandbox.fork import begin, branching_at
from sandbox.record import Record
from sandbox.replay import replay_all
from sandbox.run_folder import SCENARIO
from sandbox.score import ScoringSummary
from sandbox.store import DATABASE
from scenes.chat import Call, CallFailed, Prompt, Request, Segment
from scenes.clean import one_line
from scenes.loading import Source, Variant, load
from scenes.problem import refuse
from scorers.base import Case, Score, Scorer, scorer_of

SIXTY = {"vary": {"images.harbour.storybook.seed": {"range": [0, 4]}}, "episodes": 15}
SIX = {"vary": {"premise": ["A calm day.", "A wild day."]}, "layout": "images-first", "episodes": 3}


@pytest.fixture(scope="module")
def sixty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of sixty episodes of four lines each, not judged."""
    return played(tmp_path_factory.mktemp("sixty"), **SIXTY)


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of six episodes of four lines each, not judged."""
    return played(tmp_path_factory.mktemp("six"), **SIX)


@pytest.fixture
def run(six: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return copytree(six, tmp_path / "run")


def counts(summary: ScoringSummary, at: int = 0) -> tuple[int, int, int, int]:
    """Return what one scorer did: judged now, judged earlier, failed, left."""
    scorer = summary.scorers[at]
    return scorer.judged, scorer.earlier, scorer.failed, scorer.left


# What is judged, and when again


def test_every_scorer_judges_every_episode_once(run: Path) -> None:
    summary = judged(run, Lines(), Liking())
    assert [counts(summary, at) for at in (0, 1)] == [(6, 0, 0, 0), (6, 0, 0, 0)]
    assert [scorer.scores for scorer in summary.scorers] == [12, 24]
    found = verdicts_of(run)
    assert {*found} == {(scorer, episode) for scorer in ("lines@1", "liking@1") for episode in range(6)}
    error, kind, sums, scores = found["lines@1", 3]
    assert (error, kind) == (None, "inter-role")
    assert sums == (
        ("lines", "Captain Brack", "storybook", None, 1, 1, 2),
        ("lines", "Pip", "storybook", None, 1, 1, 2),
    )
    assert [score.events for score in scores] == [(0, 2), (1, 3)]


def test_what_was_judged_is_not_judged_again(run: Path) -> None:
    judged(run, Lines(), Liking())
    before = verdicts_of(run)
    summary = judged(run, Lines(), Liking(), answer=lambda request: 1 / 0)
    assert [counts(summary, at) for at in (0, 1)] == [(0, 6, 0, 0), (0, 6, 0, 0)]
    assert verdicts_of(run) == before


def test_other_options_judge_for_themselves(run: Path) -> None:
    judged(run, Lines())
    assert counts(judged(run, Lines(least=2))) == (6, 0, 0, 0)
    assert len({scorer for scorer, _ in verdicts_of(run)}) == 2


def test_a_scorer_that_is_named_twice_judges_once(run: Path) -> None:
    summary = judged(run, Lines(), Lines())
    assert [counts(summary)] == [(6, 0, 0, 0)]
    assert len(summary.scorers) == 1


def test_a_limit_judges_the_first_of_those_that_wait(run: Path) -> None:
    assert counts(judged(run, Lines(), limit=2)) == (2, 0, 0, 4)
    assert counts(judged(run, Lines(), limit=3)) == (3, 2, 0, 1)
    assert counts(judged(run, Lines(), limit=3)) == (1, 5, 0, 0)


def test_only_unscored_leaves_out_what_another_version_has_judged(run: Path) -> None:
    judged(run, Lines(), limit=2)
    assert counts(judged(run, Lines(least=2), only_unscored=True)) == (4, 2, 0, 0)
    assert sorted(episode for _, episode in verdicts_of(run)) == [*range(6)]


def test_only_unscored_and_a_limit_hold_together(run: Path) -> None:
    judged(run, Lines(), limit=2)
    assert counts(judged(run, Lines(least=2), only_unscored=True, limit=1)) == (1, 2, 0, 3)
    assert {*verdicts_of(run)} >= {("lines@1", 0), ("lines@1", 1)}
    assert [episode for scorer, episode in verdicts_of(run) if scorer != "lines@1"] == [2]


def test_a_score_without_a_value_is_a_verdict_and_counted_with_its_reason(run: Path) -> None:
    summary = judged(run, Lines(least=3))
    assert counts(summary) == (6, 0, 0, 0)
    assert (summary.scorers[0].without_value, summary.scorers[0].reasons) == (12, {"too few lines": 12})
    assert not summary.failed
    attempted, valid, total = next(iter(verdicts_of(run).values()))[2][0][-3:]  # type: ignore[index]
    assert (attempted, valid, total) == (1, 0, 0)


def test_failed_episodes_and_branches_are_judged_as_they_stand(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        if any("A wild day." in segment.text for segment in request.prompt.segments()) and request.seed % 2:
            raise CallFailed("no answer")
        return last_words(request)

    run = played(tmp_path, answer, **SIX, model="storybook")
    with closing(Record(run)) as record:
        failed = {state.id for state in record.states() if state.status == "failed"}
    assert failed
    branch_off(run, "0:2")
    assert counts(judged(run, Lines(), Liking())) == (7, 0, 0, 0)
    of = {episode: verdict[3] for (scorer, episode), verdict in verdicts_of(run).items() if scorer == "lines@1"}
    with closing(Record(run)) as record:
        for episode, scores in of.items():
            lines = sum(event.kind == "speech" for event in record.events(episode))
            assert sum(score.value for score in scores) == lines  # type: ignore[attr-defined]


def branch_off(run: Path, at: str, number: int = 1) -> None:
    """Add branches to a run, and play them."""
    with closing(Record(run)) as record:
        branching = branching_at(record, load(run / SCENARIO), at, number, ())
    begin(run, branching, {})
    carried_out(run)


# What is wrong with a scorer is wrong with its verdict alone


def raises(case: Case) -> list[Score]:
    return [Score(metric="x", value=1 / 0)]


def computes_for_ever(case: Case) -> list[Score]:
    while True:
        pass


def computes_for_ever_and_minds_nothing(case: Case) -> list[Score]:
    with suppress(Exception):
        computes_for_ever(case)
    return []


async def waits_for_ever(case: Case, call: Call) -> list[Score]:
    await asyncio.sleep(3600)
    return []


async def never_wakes(case: Case, call: Call) -> list[Score]:
    while True:
        await asyncio.sleep(0)


def not_a_number(case: Case) -> list[Score]:
    return [Score(metric="x", value=float("nan"))]


def unchecked(**fields: Any) -> Callable[[Case], list[Score]]:
    """Return a scorer whose score has fields that nobody checked."""

    def forged(case: Case) -> list[Score]:
        return [Score.model_construct(**fields)]

    return forged


def a_text(case: Case) -> Any:
    return "very good"


def nothing(case: Case) -> Any:
    return None


def a_mapping(case: Case) -> Any:
    return {"x": 1.0}


def numbers(case: Case) -> Any:
    return [0.5, 1.0]


async def one_by_one(case: Case, call: Call) -> AsyncIterator[Score]:
    yield Score(metric="x", value=1)


def another_event(case: Case) -> list[Score]:
    return [Score(metric="x", value=1, events=(len(case.trajectory.events),))]


def the_last_event_by_minus_one(case: Case) -> list[Score]:
    return [Score(metric="x", value=1, events=(-1,))]


def a_million(case: Case) -> Iterable[Score]:
    return (Score(metric="x", value=1) for _ in range(1_000_000))


def leaves(case: Case) -> list[Score]:
    raise SystemExit(3)


def goes_too_deep(case: Case) -> list[Score]:
    return goes_too_deep(case)


def takes_all_memory(case: Case) -> list[Score]:
    raise MemoryError


def of_another_kind(case: Case) -> list[Score]:
    class Stop(BaseException):
        pass

    raise Stop("no more")


def interrupts(case: Case) -> list[Score]:
    raise KeyboardInterrupt


def cancels_itself(case: Case) -> list[Score]:
    raise asyncio.CancelledError


def changes_the_case(case: Case) -> list[Score]:
    case.trajectory = None  # type: ignore[misc, assignment]
    return []


def changes_an_event(case: Case) -> list[Score]:
    case.trajectory.events[0].text = "Never said."  # type: ignore[misc]
    return []


def changes_the_pictures(case: Case) -> list[Score]:
    case.pictures.clear()  # type: ignore[attr-defined]
    return []


def wants_more(case: Case, call: Call, more: object) -> list[Score]:
    return []


async def asks_a_stranger(case: Case, call: Call) -> list[Score]:
    await call("x", Request("stranger", Prompt().then(Segment("global", "user", "?"))))
    return []


def has_a_time_limit_of_its_own(case: Case) -> list[Score]:
    raise TimeoutError("\x1b[31mmine\udc80")


def is_late_by_itself(case: Case) -> list[Score]:
    raise TimeoutError


FAULTY: list[tuple[Callable[..., Any], str]] = [
    (raises, "ZeroDivisionError: division by zero"),
    (computes_for_ever, "it computed for more than 0.2 s"),
    (computes_for_ever_and_minds_nothing, "it computed for more than 0.2 s"),
    (waits_for_ever, "it waited for more than 0.3 s"),
    (never_wakes, "it computed for more than 0.2 s|it waited for more than 0.3 s"),
    (not_a_number, "ValidationError: Input should be a finite number"),
    (unchecked(metric="x", value=float("nan"), events=()), "ValidationError: Input should be a finite number"),
    (unchecked(metric="x", value=float("inf"), events=()), "ValidationError: Input should be a finite number"),
    (unchecked(metric="x", value="1", events=()), "ValidationError: Input should be a valid number"),
    (unchecked(metric=3, value=1.0, events=()), "ValidationError: Input should be a valid string"),
    (unchecked(metric="x", value=1.0, events=("0",)), "TypeError: "),
    (unchecked(metric="x", value=1.0, events=None), "TypeError: "),
    (unchecked(metric="x", value=1.0, events=(), reason="\udc80"), "PydanticSerializationError: "),
    (a_text, "TypeError: it returned str; return the scores in a list"),
    (nothing, "TypeError: it returned NoneType; return the scores in a list"),
    (a_mapping, "TypeError: it returned dict; return the scores in a list"),
    (numbers, "TypeError: one of its scores is float; make it a Score"),
    (one_by_one, "TypeError: it returned async_generator; return the scores in a list"),
    (another_event, "ValueError: a score is about event 4, of 4"),
    (the_last_event_by_minus_one, "ValueError: a score is about event -1, of 4"),
    (leaves, "SystemExit: 3"),
    (goes_too_deep, "RecursionError: maximum recursion depth exceeded"),
    (takes_all_memory, "MemoryError"),
    (of_another_kind, "Stop: no more"),
    (cancels_itself, "RuntimeError: it cancelled itself"),
    (interrupts, "KeyboardInterrupt"),
    (changes_the_case, "FrozenInstanceError: "),
    (changes_an_event, "ValidationError: Instance is frozen"),
    (changes_the_pictures, "AttributeError: "),
    (wants_more, "TypeError: "),
    (asks_a_stranger, "no engine was started for stranger"),
    (has_a_time_limit_of_its_own, "TimeoutError: ␛mine\ufffd"),
    (is_late_by_itself, "TimeoutError"),
]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a scorer compute and wait for a moment only."""
    monkeypatch.setattr(Scorer, "seconds", 0.2)
    monkeypatch.setattr(scoring, "PATIENCE_S", 0.3)


def on_wild_days(fault: Callable[..., Any]) -> Scorer:
    """Return a scorer that does what `fault` does on the wild days, three episodes of six, and else counts lines."""
    faulty = scorer_of(fault, "1")()

    class Moody(Lines):
        name: ClassVar[str] = "moody"

        def score(self, case: Case, call: Call) -> Any:
            wild = case.variant.scenario.premise == "A wild day."
            return faulty.score(case, call) if wild else super().score(case, call)

    return Moody()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("fault", "told"), FAULTY)
def test_a_faulty_scorer_leaves_all_else_judged_and_is_told(fault: Callable[..., Any], told: str, run: Path) -> None:
    summary = judged(run, on_wild_days(fault), Lines())
    assert counts(summary, 0) == (3, 0, 3, 0)
    assert counts(summary, 1) == (6, 0, 0, 0)
    assert summary.failed
    ((reason, count),) = summary.scorers[0].errors.items()
    assert any(reason.startswith(one) for one in told.split("|"))
    assert count == 3
    assert reason == one_line(reason, 400)
    found = verdicts_of(run)
    assert [found["moody@1", episode][0] for episode in range(6)] == [None] * 3 + [reason] * 3
    assert [found["moody@1", episode][3] for episode in range(3)] == [found["lines@1", at][3] for at in range(3)]
    assert found["moody@1", 4][1:] == ("", (), ())


def test_the_next_pass_tries_again_where_a_scorer_failed_and_nowhere_else(run: Path) -> None:
    judged(run, on_wild_days(raises))
    tried = []

    class Mended(Lines):
        name: ClassVar[str] = "moody"

        def score(self, case: Case, call: Call) -> list[Score]:
            tried.append(case.trajectory.episode)
            return super().score(case, call)

    summary = judged(run, Mended())
    assert counts(summary) == (3, 3, 0, 0)
    assert not summary.failed
    assert sorted(tried) == [3, 4, 5]
    assert {verdict[0] for verdict in verdicts_of(run).values()} == {None}


def test_a_mended_scorer_of_another_version_can_judge_only_what_the_first_could_not(run: Path) -> None:
    judged(run, on_wild_days(raises))

    class Mended(Lines):
        name: ClassVar[str] = "moody"
        version: ClassVar[str] = "2"

    assert counts(judged(run, Mended(), only_unscored=True)) == (3, 3, 0, 0)


def test_a_judge_that_fails_is_asked_again_by_the_next_pass_and_no_other(run: Path) -> None:
    def answer(request: Request) -> str:
        if request.seed % 2:
            raise CallFailed("\x1b[31mno answer")
        return praise(request)

    first = judged(run, Liking(), answer=answer)
    failed = first.scorers[0].failed
    assert 0 < failed < 6
    assert [*first.scorers[0].errors] == ["␛no answer"]
    known, asked = answered_judgements(run), set[str]()

    def noted(request: Request) -> str:
        asked.add(request.digest())
        return praise(request)

    assert counts(judged(run, Liking(), answer=noted)) == (failed, 6 - failed, 0, 0)
    assert len(asked) == 4 * failed
    assert asked & known == set()


def test_a_dead_engine_ends_the_pass_with_all_that_was_judged_safe(run: Path) -> None:
    asked = []

    def answer(request: Request) -> str:
        asked.append(request)
        if len(asked) > 9:
            raise EngineDied("out of memory")
        return praise(request)

    with pytest.raises(EngineDied, match="out of memory"):
        judged(run, Liking(), answer=answer, concurrency=1)
    assert len(verdicts_of(run)) == 2
    assert len(answered_judgements(run)) == 9
    assert counts(judged(run, Liking())) == (4, 2, 0, 0)


def test_a_scorer_gives_no_more_scores_than_can_be_meant(run: Path) -> None:
    summary = judged(run, scorer_of(a_million, "1")(), limit=1)
    assert summary.scorers[0].errors == {"ValueError: it gave more than 100,000 scores": 1}


def test_a_call_under_a_key_that_cannot_be_written_is_kept_all_the_same(run: Path) -> None:
    class Odd(Liking):
        name: ClassVar[str] = "odd"

        async def score(self, case: Case, call: Call) -> list[Score]:
            await call("\udc80", Request("storybook", Prompt().then(Segment("global", "user", "?"))))
            return []

    assert counts(judged(run, Odd())) == (6, 0, 0, 0)
    assert {key for _, key in judgements_of(run)} == {"score/odd@1/\ufffd"}


# Scorers that see all episodes first


class Ranked(Scorer):
    """Ranks an episode by its seed among all that it was prepared on."""

    name: ClassVar[str] = "ranked"
    seeds: tuple[int, ...] = ()

    def prepared(self, cases: Iterable[Case]) -> "Ranked":
        return Ranked(seeds=tuple(sorted(case.trajectory.seed for case in cases)))

    def score(self, case: Case, call: Call) -> list[Score]:
        return [Score(metric="rank", value=self.seeds.index(case.trajectory.seed))]


def test_a_scorer_that_must_see_all_first_sees_all_and_is_another_when_the_run_has_grown(run: Path) -> None:
    assert counts(judged(run, Ranked(), limit=4)) == (4, 0, 0, 2)
    assert counts(judged(run, Ranked())) == (2, 4, 0, 0)
    assert sorted(verdict[3][0].value for verdict in verdicts_of(run).values()) == [*range(6)]  # type: ignore[index]
    (first,) = {scorer for scorer, _ in verdicts_of(run)}
    branch_off(run, "0:2")
    assert counts(judged(run, Ranked())) == (7, 0, 0, 0)
    assert len({scorer for scorer, _ in verdicts_of(run)}) == 2
    assert len([episode for scorer, episode in verdicts_of(run) if scorer != first]) == 7


def test_what_a_scorer_was_prepared_on_is_part_of_its_name_if_it_says_so(run: Path) -> None:
    class Counting(Lines):
        name: ClassVar[str] = "counting"
        _seen: int = PrivateAttr(0)

        def prepared(self, cases: Iterable[Case]) -> "Counting":
            seen = Counting()
            seen._seen = sum(1 for _ in cases)
            return seen

        @property
        def basis(self) -> str:
            return str(self._seen)

    judged(run, Counting())
    branch_off(run, "0:2")
    assert counts(judged(run, Counting())) == (7, 0, 0, 0)
    with closing(Record(run)) as record:
        assert {json.loads(row.facts)["basis"] for row in record.scorers()} == {"6", "7"}


def returns_nothing(cases: Iterable[Case]) -> Any:
    return None


def fails(cases: Iterable[Case]) -> Any:
    return [1 / 0 for _ in cases]


def takes_for_ever(cases: Iterable[Case]) -> Any:
    while True:
        pass


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("prepare", "told"),
    [
        (returns_nothing, "TypeError: "),
        (fails, "ZeroDivisionError: division by zero"),
        (takes_for_ever, "it computed for more than 0.3 s"),
    ],
)
def test_a_scorer_that_cannot_be_prepared_is_left_out_and_told(
    prepare: Callable[[Iterable[Case]], Any], told: str, run: Path
) -> None:
    class Unready(Lines):
        name: ClassVar[str] = "unready"

        def prepared(self, cases: Iterable[Case]) -> Any:
            return prepare(cases)

    summary = judged(run, Unready(), Lines())
    of = {scorer.scorer: scorer for scorer in summary.scorers}
    ((reason, count),) = of["unready@1"].errors.items()
    assert reason.startswith(told)
    assert count == 0
    assert of["lines@1"].judged == 6
    assert summary.failed
    assert {scorer for scorer, _ in verdicts_of(run)} == {"lines@1"}


def test_an_episode_whose_variant_cannot_be_has_no_verdict_and_the_others_have(run: Path) -> None:
    """Which a matrix too large to be tried may have, and here a scenario that was changed."""
    file = run / SCENARIO
    source = load(file)

    def variant(index: int) -> Variant:
        if index == 1:
            raise refuse("premise: A wild day.\nnobody is there.", "vary")
        return Source.variant(source, index)

    object.__setattr__(source, "variant", variant)
    summary = judged(run, Lines(), Ranked(), source=source)
    assert [counts(summary, at) for at in (0, 1)] == [(3, 0, 3, 0), (3, 0, 3, 0)]
    assert [*summary.scorers[0].errors] == ["vary: premise: A wild day. nobody is there."]


# What a run holds beside its verdicts


def test_what_was_played_is_the_same_to_the_byte_after_it_was_judged(run: Path) -> None:
    rows, held = played_rows(run), contents(run)
    judged(run, Lines(), Liking(), on_wild_days(raises), Ranked())
    assert len(judgements_of(run)) == 24
    assert all(key.startswith("score/liking@1/e0") for _, key in judgements_of(run))
    assert played_rows(run) == rows
    assert contents(run) == held


@pytest.mark.parametrize("changes", [STORY, SIX])
def test_a_judged_run_is_replayed_shown_resumed_and_forked_as_before(changes: dict[str, Any], tmp_path: Path) -> None:
    plain = played(tmp_path, **changes | {"turns": 4})
    scored = copytree(plain, tmp_path / "scored" / plain.name)
    judged(scored, Lines(), Liking())
    assert judgements_of(scored)

    def told(folder: Path, *words: object) -> str:
        outcome = commanded(*words[:1], folder, *words[1:])
        assert outcome.code == 0
        return outcome.out.replace(str(folder), "RUN")

    for words in (["show"], ["show", "--json"], ["show", 0, "--calls"], ["replay", "--check"], ["resume"]):
        assert told(scored, *words) == told(plain, *words)
    assert [one.difference for one in asyncio.run(replay_all(scored))] == [None] * len(contents(plain))
    for folder in (plain, scored):
        branch_off(folder, "0:2", number=2)
    assert contents(scored) == contents(plain)
    assert counts(judged(scored, Lines())) == (2, len(contents(plain)) - 2, 0, 0)


def test_an_unfinished_run_that_was_judged_is_played_on_as_if_it_were_not(run: Path, tmp_path: Path) -> None:
    whole = contents(run)
    with closing(sqlite3.connect(run / DATABASE, isolation_level=None)) as database:
        database.execute("DELETE FROM episodes WHERE id=5")
        database.execute('DELETE FROM events WHERE episode=5 AND "index" > 1')
        database.execute("DELETE FROM calls WHERE episode=5 AND key > 't03'")
    assert counts(judged(run, Liking())) == (5, 0, 0, 0)
    carried_out(run)
    assert contents(run) == whole
    assert counts(judged(run, Liking())) == (1, 5, 0, 0)


@pytest.mark.parametrize(("table", "column"), [("scorers", "facts"), ("verdicts", "groups"), ("scores", "body")])
def test_a_changed_row_of_a_verdict_is_noticed(table: str, column: str, run: Path) -> None:
    judged(run, Lines(least=2))
    with closing(sqlite3.connect(run / DATABASE, isolation_level=None)) as database:
        database.execute(f"UPDATE {table} SET {column} = {column} || ' '")
    with pytest.raises(StoreDamaged, match="does not match its hash"):
        verdicts_of(run)


def test_a_changed_verdict_ends_a_pass_with_the_exit_code_of_damage(run: Path) -> None:
    judged(run, Lines())
    with closing(sqlite3.connect(run / DATABASE, isolation_level=None)) as database:
        database.execute("UPDATE verdicts SET error='it was bad' WHERE episode=2")
    with pytest.raises(StoreDamaged):
        judged(run, Lines())
    assert EXIT_CODES[StoreDamaged] == 4


# Killed


KILLS = [1, 2, 3, 4, 40, 60, 90, 118, 121, 122]
"""Commits of a pass over sixty episodes by two scorers: one for each scorer, and one for each verdict."""


@pytest.fixture(scope="module")
def unbroken(sixty: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run, judged in one go."""
    folder = copytree(sixty, tmp_path_factory.mktemp("unbroken") / "run")
    judged(folder, Lines(), Liking())
    assert len(verdicts_of(folder)) == 120
    assert len(judgements_of(folder)) == 240
    return folder


@pytest.mark.parametrize("lives", [[[kill] for kill in KILLS], [[12] * 10], [[1, 2, 3, 1, 2, 3, 1, 2, 3, 4]]])
def test_a_pass_killed_at_any_commit_is_ended_by_the_next_and_nothing_is_judged_or_asked_twice(
    lives: list[list[int]], sixty: Path, unbroken: Path, tmp_path: Path
) -> None:
    folders = [copytree(sixty, tmp_path / str(at)) for at in range(len(lives))]
    for folder in passes_killed(folders, lives):
        left = 120 - len(verdicts_of(folder))
        known, asked = answered_judgements(folder), list[str]()

        def answer(request: Request, asked: list[str] = asked) -> str:
            asked.append(request.digest())
            return praise(request)

        summary = judged(folder, Lines(), Liking(), answer=answer)
        assert sum(scorer.judged for scorer in summary.scorers) == left
        assert len(asked) == len({*asked}) == 240 - len(known)
        assert {*asked} & known == set()
        assert not (folder / ASKED_TWICE).exists()
        assert verdicts_of(folder) == verdicts_of(unbroken)
        assert judgements_of(folder) == judgements_of(unbroken)
        assert played_rows(folder) == played_rows(sixty)
