"""`rolestage score` on MMRole's test records: let a judge compare every answer with the reference of its record."""

import asyncio
from collections.abc import Iterator, Sequence
from os.path import isdir, isfile
from pathlib import Path

from sandbox.answer_files import check_apart, given_files, image_folder, read_all, read_pictures
from sandbox.commands.records import check_model, gallery_of, going_on, kind_of, notes, progress
from sandbox.commands.score import ScoreOptions, judged_by, refuse_set
from sandbox.errors import INTERRUPTED, SOME_FAILED
from sandbox.journal import Begun, Journal
from sandbox.judge_records import Failure, Summary, finished, found, judge_all, work_of
from sandbox.judge_sources import VERDICTS
from sandbox.launch import engine_config, started_for
from sandbox.record_figures import Figure, Line, ModelFigures
from sandbox.record_places import EVAL, Place, folder_name, places_of
from sandbox.score_text import Column, Row, number, print_table
from sandbox.scorer_names import OPTION, scorers_named
from sandbox.scoring import Chosen
from sandbox.screen import Screen, print_json, safe
from sandbox.store import DATABASE
from scenes.clean import one_line
from scenes.problem import InputRefused, Problem, refuse
from scorers.mmrole.metrics import METRICS
from scorers.mmrole.records import ENDING, SampleFile
from scorers.mmrole.scorer import TRUTH, MMRole
from scorers.mmrole.table import IN_SHARE, OVERALL

RUNS_ALONE = ("only_unscored", "limit")
"""Options that say something only where a run is scored."""
MOST_NAMED = 10
TITLES = {"in": "In-Test", "out": "Out-Test", "all": f"{IN_SHARE:g} · In-Test + {1 - IN_SHARE:g} · Out-Test"}
SHORT = {metric.name: metric.key for metric in METRICS}


def records_at(name: str, runs: Path) -> Path | None:
    """Return the file or folder of test records called `name`; None if it is no such thing, or a run."""
    place = Path(name)
    if any(isfile(folder / DATABASE) for folder in (place, runs / name)):
        return None
    if isfile(place):
        return place
    return place if isdir(place) and any(place.rglob(f"*{ENDING}")) else None


def judge(place: Path, options: ScoreOptions, as_json: bool) -> int:
    """Judge the answers at `place`, and print what came of it. Raises what `sandbox.errors` lists."""
    screen = Screen()
    chosen, model = _scorer(options)
    scorer = chosen.scorer
    assert isinstance(scorer, MMRole)
    config = engine_config(options.engine)
    begun = Begun(model=model, engine=kind_of(model, config), scorer=chosen.id)
    out = options.out or Path("judged") / folder_name(model)
    files = _answered(place, out, options.answered_by)
    images = image_folder(place, options.images)
    with progress(screen, as_json, "reading pictures") as told:
        pictures = read_pictures(files.values(), images, told)
    work = work_of(model, scorer, files, pictures)
    with Journal(out / VERDICTS, begun) as journal:
        before = now = asyncio.run(found(work, journal))
        if before.waiting:
            with (
                started_for([model], config, gallery_of(pictures), pictures=1) as engines,
                progress(screen, as_json, "judging") as told,
            ):
                asyncio.run(judge_all(work, before.waiting, journal, engines[model], told))
            now = asyncio.run(found(work, journal))
        summary = Summary(out=str(out), judge=model, scorer=chosen.id, form=scorer.form)
        finished(work, journal, before, now, summary)
    _tell(summary, screen, as_json)
    return INTERRUPTED if summary.interrupted else SOME_FAILED if summary.failed else 0


def _scorer(options: ScoreOptions) -> tuple[Chosen, str]:
    """Return the scorer with its options, and who judges. Raises `InputRefused`."""
    others = [name for name in options.scorers if name != MMRole.name]
    if others:
        raise refuse(f"test records are judged by {MMRole.name} alone; {one_line(others[0])} judges runs.", OPTION)
    refuse_set(options, RUNS_ALONE, "chooses among the episodes of a run, and these are test records")
    named = scorers_named([MMRole.name], [f"{MMRole.name}.reference={TRUTH}", *options.settled])
    (chosen,) = judged_by(options.judge, named)
    assert isinstance(chosen.scorer, MMRole)
    if chosen.scorer.reference != TRUTH:
        raise refuse("the reference of a test record is its own truth; leave mmrole.reference out.", "--set")
    if chosen.scorer.judge is None:
        raise refuse("records name no model that could judge; name one: --judge MODEL.", "--judge")
    check_model(chosen.scorer.judge, "--judge")
    return chosen, chosen.scorer.judge


def _answered(place: Path, out: Path, model: str | None) -> dict[Place, SampleFile]:
    """Return the files of answers at `place` by where they belong. Raises `InputRefused`."""
    paths = places_of(given_files(place, VERDICTS), place, model)
    check_apart({where.reviews(out): path for where, path in paths.items()})
    files = dict(zip(paths, read_all(paths.values()), strict=True))
    untouched = [file for file in files.values() if all(one.conversations[1].answer is None for one in file.samples)]
    if untouched:
        mend = "have a model answer them first: rolestage answer DIR --model M."
        raise InputRefused([Problem(str(file.path), 1, 1, f"no record has an answer; {mend}") for file in untouched])
    return files


def _tell(summary: Summary, screen: Screen, as_json: bool) -> None:
    if as_json:
        print_json(summary.model_dump())
        return
    for line in _counts(summary):
        screen.print(safe(line), soft_wrap=True)
    for model in summary.models:
        if any(figure.value is not None for line in model.lines for figure in line.means.values()):
            _show(model, screen)
            screen.print(safe(_READ + _CLUSTERED[model.lines[-1].means[OVERALL].by], "dim"))
    for line in _ending(summary):
        screen.print(safe(line), soft_wrap=True)


def _counts(summary: Summary) -> Iterator[str]:
    judged = summary.now + summary.earlier
    yield (
        f"{one_line(summary.judge)} as {summary.scorer}: {judged} of {summary.records} records judged "
        f"({summary.now} now, {summary.earlier} before), {summary.empty} without an answer, {summary.failed} failed."
    )
    scored = summary.verdicts - sum(summary.reasons.values())
    yield f"verdicts: {scored} of {summary.verdicts} have a value."
    yield from (f"no value, {count}: {one_line(reason, 300)}" for reason, count in summary.reasons.items())
    yield from notes(
        {
            "verdicts of which nothing could be read (what the judge wrote is kept in the reviews)": summary.unreadable,
            "verdicts with something odd about them, kept (such as a score off the scale of 1 to 10)": summary.flagged,
            "records came with reviews, whose place these take": summary.replaced,
        }
    )
    yield from _failures(summary.failures)
    if summary.calls:
        read = f"{summary.prompt_tokens:,} prompt tokens ({summary.cached_tokens:,} from the cache)"
        yield f"the judge's answers on record: {summary.calls:,}; {read}, {summary.output_tokens:,} written"


def _failures(failures: Sequence[Failure]) -> Iterator[str]:
    for one in failures[:MOST_NAMED]:
        yield f"failed: {one_line(one.record)}, {one.call}: {one.reason}"
    if len(failures) > MOST_NAMED:
        yield f"    … and {len(failures) - MOST_NAMED} more calls, all of them with --json"


_READ = (
    "Scores are the judge's of the answer over its score of the reference: 1 is as good. Beside a mean stands of how "
    "many of how many records it is, below it its 95 % interval, "
)
_CLUSTERED = {
    "characters": "clustered by character.",
    "records": "clustered by record, since all are one character's, of whom alone it speaks.",
}


def _show(model: ModelFigures, screen: Screen) -> None:
    """Print the figures of a model: for each test set a table, a column for each scenario."""
    screen.print(safe(f"\n{one_line(model.model)}", "bold"))
    for part, title in TITLES.items():
        lines = [line for line in model.lines if line.part == part]
        if not any(figure.value is not None for line in lines for figure in line.means.values()):
            continue  # whatever there is to say is said by the counts
        heads = ("all" if line.scenario == "all" else line.scenario for line in lines)
        screen.print(safe(title, "bold"))
        print_table(screen, [Column("", whole=True), *(Column(head, number=True) for head in heads)], [*_rows(lines)])


def _rows(lines: Sequence[Line]) -> Iterator[Row]:
    for name in lines[0].means:
        figures = [line.means[name] for line in lines]
        yield (SHORT.get(name, OVERALL), *map(_covered, figures))
        yield ("", *map(_interval, figures))


def _covered(figure: Figure) -> str:
    return f"{number(figure.value)}  {figure.n}/{figure.of}"


def _interval(figure: Figure) -> str:
    return "—" if figure.low is None else f"[{number(figure.low)}, {number(figure.high)}]"


def _ending(summary: Summary) -> Iterator[str]:
    same = summary.swap_consistency
    if same:
        yield f"swap_consistency: {_covered(same)}  {_interval(same)}"
    if summary.files:
        yield f"written: {len(summary.files)} files with reviews and with means, below {Path(summary.out) / EVAL}"
    if summary.interrupted:
        yield going_on(summary.left)
    else:
        yield f"Next: rolestage verify mmrole {one_line(summary.out, 1_000)}"
