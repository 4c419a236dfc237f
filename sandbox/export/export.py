"""From runs to a folder of training data: every episode that is done, row by row, checked before it is written."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from sandbox.cases import Cases
from sandbox.export.files import REPORT, Writer, check_target, whole_folder
from sandbox.export.keep import OPTION, Keeps, Rule, keeps, rule
from sandbox.export.parts import for_testing, root_of, scenario_digest
from sandbox.export.report import Report, Tally
from sandbox.export.row import Format, Played, Row, Split
from sandbox.export.text import control_token
from sandbox.gallery import Gallery
from sandbox.record import Record
from sandbox.rows import EpisodeRow
from sandbox.run_folder import IMAGES, SCENARIO
from scenes.clean import one_line, without_surrogates
from scenes.loading import load
from scenes.problem import refuse

Told = Callable[[int, int], None]
"""Is told how many episodes are done, and of how many."""


@dataclass(frozen=True)
class Part:
    """What is exported of one run."""

    name: str
    record: Record
    cases: Cases
    states: Sequence[EpisodeRow]
    """Of the episodes that are done."""
    scenarios: Mapping[int, str]
    """Of each of them the digest of its scenario."""
    verdicts: tuple[str, ...]
    keeps: Keeps


def export(
    folders: Sequence[Path], made: Format, target: Path, scorers: Sequence[str], told: Told, keep: Sequence[str] = ()
) -> Report:
    """Write the rows of runs to the folder `target`, in place of an export that lies there, and return the report.

    Of the lines those are learned that all rules of `keep` allow, written as `sandbox.export.keep` says.
    Raises `InputRefused`, and `StoreDamaged` where a run or a picture is not what it was.
    """
    check_target(target)
    _check_names(folders)
    rules = _rules(keep, made)
    tally = Tally()
    with ExitStack() as stack, whole_folder(target) as draft:
        parts = [stack.enter_context(_part(folder, made, scorers, rules, tally)) for folder in folders]
        images = {part.name: _gallery(folder) for part, folder in zip(parts, folders, strict=True)}
        with ExitStack() as files:
            writer = Writer(draft, made.kind, images, files)
            held = for_testing({one for part in parts for one in part.scenarios.values()})
            for row in _counted(parts, made, tally, told):
                split: Split = "test" if row.origin.scenario in held else "train"
                check(made, row)
                writer.add(split, row)
                tally.add(split, row)
            written = writer.finish()
        report = tally.report(
            format=made.name, runs=[part.name for part in parts], out=without_surrogates(str(target)),
            pictures=len(writer.pictures), kept_by=list(keep),
            verdicts_of=sorted({one for part in parts for one in part.verdicts}), files=written,
        )  # fmt: skip
        if not report.rows:
            raise refuse(_nothing(report), ", ".join(map(str, folders)))
        (draft / REPORT).write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return report


def _check_names(folders: Sequence[Path]) -> None:
    """Raise `InputRefused` if two runs are called the same, or one is named twice: a row names its run."""
    names = [folder.resolve().name for folder in folders]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise refuse(
            "two of the runs have this name, and a row could be of either; name one, or rename a folder.", twice
        )


def _rules(keep: Sequence[str], made: Format) -> list[Rule]:
    if keep and made.scorer is not None:
        raise refuse(f"it is about what was played, and {made.name} holds verdicts; leave it out.", OPTION)
    return [rule(one) for one in keep]


def _nothing(report: Report) -> str:
    why = "; ".join(f"{what}: {count}" for what, count in report.left_out.items()) or "nothing was said in it"
    return f"there is nothing to export as {report.format} ({why})."


def _gallery(folder: Path) -> Gallery:
    gallery = Gallery()
    gallery.keep_in(folder / IMAGES)
    return gallery


@contextmanager
def _part(folder: Path, made: Format, scorers: Sequence[str], rules: Sequence[Rule], tally: Tally) -> Iterator[Part]:
    """Give what is to be exported of a run; episodes that are not done are counted."""
    with closing(Record(folder)) as record:
        verdicts = _verdicts(record, made, scorers, folder)
        source = load(folder / SCENARIO)
        states = {state.id: state for state in record.states()}
        done = [state for state in states.values() if state.status == "done"]
        for what in ("failed", "playing"):
            count = sum(state.status == what for state in states.values())
            if count:
                tally.leave_out(f"episodes that {'failed' if what == 'failed' else 'are not over'}", count)
        digests: dict[int, str] = {}
        for state in done:
            variant = root_of(state, states).variant
            if variant not in digests:
                digests[variant] = scenario_digest(source.variant(variant))
        scenarios = {state.id: digests[root_of(state, states).variant] for state in done}
        name = without_surrogates(folder.resolve().name)
        cases, kept = Cases(record, source, _gallery(folder)), keeps(record, rules, folder)
        yield Part(name, record, cases, done, scenarios, verdicts, kept)


def _verdicts(record: Record, made: Format, scorers: Sequence[str], folder: Path) -> tuple[str, ...]:
    """Return the scorer whose verdicts are exported. Raises `InputRefused` if there is none, or no single one."""
    if made.scorer is None:
        if scorers:
            raise refuse(f"{made.name} holds what was played and no verdicts; leave it out.", "--scorer")
        return ()
    given = [row for row in record.scorers() if row.name == made.scorer]
    wanted = [row.id for row in given if not scorers or {row.id, row.name} & {*scorers}]
    if len(wanted) == 1:
        return (wanted[0],)
    if not given:
        mend = f"judge it: rolestage score {folder} --scorer {made.scorer}"
        raise refuse(f"the run has no verdicts of {made.scorer}; {mend}", str(folder))
    choices = ", ".join(row.id for row in given)
    rule = f"several scorers judged it: {choices}" if wanted else f'no scorer "{one_line(scorers[0])}": {choices}'
    raise refuse(f"{rule}; name one with --scorer.", str(folder))


def _counted(parts: Sequence[Part], made: Format, tally: Tally, told: Told) -> Iterator[Row]:
    """Yield the rows of all episodes."""
    done, total = 0, sum(len(part.states) for part in parts)
    for part in parts:
        for state in part.states:
            yield from made.rows(_played(part, state, tally))
            done += 1
            told(done, total)


def _played(part: Part, state: EpisodeRow, tally: Tally) -> Played:
    shared = -1 if state.after is None else state.after
    case, scenario = part.cases.case(state.id), part.scenarios[state.id]
    keep = partial(part.keeps, state.id)
    return Played(part.name, part.record, case, scenario, shared, part.verdicts, keep, tally.leave_out, tally.note)


def check(made: Format, row: Row) -> None:
    """Raise `InputRefused` if a row is not what the format promises: no such row is ever written."""
    where = f"episode {row.origin.episode} of {row.origin.run}, {one_line(row.origin.character)}"
    try:
        made.schema.model_validate(row.body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise refuse(
            f"a row has not the shape of {made.name} ({place}: {one_line(first['msg'], 200)}).", where
        ) from None
    if made.places(row.body) != len(row.pictures):
        raise refuse(f"a row of {made.name} has not as many places for pictures as pictures.", where)
    for text in made.texts(row.body):
        token = control_token(text)
        if token:
            raise refuse(f'a text of {made.name} holds the control token "{one_line(token)}".', where)
