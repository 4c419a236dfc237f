"""The commands that judge: runs, test records, and judges."""

from pathlib import Path
from typing import Any

import click

from sandbox.command_line.group import ENGINE, JSON, RUN, RUNS, cli, exit_code


@cli.command()
@RUN
@click.option(
    "--scorer", "scorers", multiple=True, metavar="NAME", help="Shipped, or FILE.py:NAME; by default the run's."
)
@click.option("--set", "settings", multiple=True, metavar="SCORER.FIELD=VALUE", help="An option of a scorer.")
@click.option("--judge", metavar="MODEL", help="Who judges, for every scorer that asks a judge.")
@click.option(
    "--prompt-from",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Training records of a reward model, whose prompt mmrole asks with.",
)
@click.option("--only-unscored", is_flag=True, help="Leave out what any version of the scorer has judged.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Judge N of the episodes that wait.")
@click.option("--engine", type=ENGINE, help="For scorers that ask models; by default that of RUN.")
@click.option("--images", type=click.Path(file_okay=False, path_type=Path), help="Of test records: their pictures.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Of test records: where to write; judged/MODEL."
)
@click.option("--answered-by", metavar="NAME", help="Of test records: whose answers they are.")
@RUNS
@JSON
def score(run: str, runs: Path, as_json: bool, **options: Any) -> int:
    """Judge the episodes of RUN that are over and not judged yet.

    \b
    Without a model: grounding, leakage, voice, faults.
    With one:        vision, contrast, mmrole, characterbox,
                     characterbox-narrator, characterbox-scene.

    RUN may also be a file or folder of MMRole's test records with answers:
    mmrole then judges each beside its reference (docs/mmrole.md).
    """
    from sandbox.commands.judge import judge, records_at
    from sandbox.commands.score import ScoreOptions
    from sandbox.commands.score import score as score_run
    from sandbox.run_folder import find_run

    chosen, records = ScoreOptions(**options), records_at(run, runs)
    if records:
        return judge(records, chosen, as_json)
    return exit_code(score_run(find_run(run, runs), chosen, as_json))


@cli.command()
@click.argument("runs_", nargs=-1, metavar="[RUN]...")
@click.option("--compare", is_flag=True, help="Compare two runs on the episodes that both played.")
@click.option("--together", is_flag=True, help="Take the runs for one, such as the parts made with --shard.")
@click.option("--confusion", is_flag=True, help="Who was taken for whom by the scorer voice.")
@click.option(
    "--by",
    multiple=True,
    type=click.Choice(["character", "model", "cause", "kind", "scenario"]),
    help="A line for each; more than once for each combination.",
)
@click.option(
    "--cluster", metavar="PATH[,PATH]", help="Cluster intervals by what these paths of `vary` set, not by scenario."
)
@click.option("--scorer", "scorers", multiple=True, metavar="NAME", help="Only these; by default all.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Every score to a .csv or .parquet.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Means with intervals to a .png or .svg.")
@RUNS
@JSON
def scores(runs_: tuple[str, ...], runs: Path, as_json: bool, **options: Any) -> int:
    """Tell what the scores of runs come to, with 95 % intervals.

    An interval is clustered by scenario. What is unscored is counted, and is
    neither 0 nor left out.
    """
    from sandbox.commands.scores import Options
    from sandbox.commands.scores import scores as tell
    from sandbox.run_folder import find_run

    return tell([find_run(run, runs) for run in runs_ or ("latest",)], Options(**options), as_json)


@cli.group()
def probe() -> None:
    """Ask a run's models again, with something changed."""


@probe.command("vision")
@RUN
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Probe N of the episodes that wait.")
@click.option("--engine", type=ENGINE, help="By default that of RUN.")
@RUNS
@JSON
def probe_vision(run: str, runs: Path, as_json: bool, engine: str | None, limit: int | None) -> int:
    """Tell what the pictures of RUN add to the truth of what is said.

    Replies are asked for again: with the same picture, another one, a gray
    one, and the truth in words. What was probed before is not probed again.
    """
    from sandbox.commands.probe import probe_vision
    from sandbox.run_folder import find_run

    return exit_code(probe_vision(find_run(run, runs), engine, limit, as_json))


@cli.command()
@click.argument("records", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--model", required=True, help="storybook, a folder, a Hugging Face id, or http://…#name.")
@click.option("--engine", type=ENGINE, help="By default vllm if installed.")
@click.option(
    "--images",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the pictures; by default the nearest called images.",
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder to write; by default answers/MODEL."
)
@click.option("--concurrency", type=click.IntRange(min=1), metavar="N", help="Records at once; by default what fits.")
@JSON
def answer(records: Path, as_json: bool, **options: Any) -> int:
    """Let a model answer MMRole's test records.

    Every *_test.json in DIR (or one file) is written to --out with the answer
    of the model in each record. What is answered is kept at once: after an
    interruption the same command asks only what is left.
    """
    from sandbox.commands.answer import AnswerOptions
    from sandbox.commands.answer import answer as fill

    return fill(records, AnswerOptions(**options), as_json)


@cli.group()
def verify() -> None:
    """Prove published figures from the reviews they rest on."""


@verify.command("mmrole")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@JSON
def verify_mmrole(folder: Path, as_json: bool) -> int:
    """Recompute MMRole's CSVs and Table 5 from the reviews in DIR.

    DIR holds in-test_reviews, in-test_results and the like of one model or
    several, as released. Every review is read again as well. The exit code is
    0 only if all is there and equal.
    """
    from sandbox.commands.verify import verify_mmrole

    return verify_mmrole(folder, as_json)


@cli.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="Only these; by default all that both have.")
@RUNS
@JSON
def agree(first: str, second: str, runs: Path, metrics: tuple[str, ...], as_json: bool) -> int:
    """Tell how well two judges agree, or a judge and people.

    A and B are each RUN or RUN:SCORER (which of its scorers), MMRole's review
    files (a file or a folder), or a CSV of scores with the columns metric,
    score, and record, or else episode with event, character and run as far as
    needed. Verdicts on the same things are compared; all others are counted.
    """
    from sandbox.commands.agree import compare_judges

    return compare_judges(first, second, runs, metrics, as_json)


@cli.command("judge-card")
@click.argument("names", nargs=-1, required=True, metavar="RUN_OR_RECORDS...")
@click.option("--scorer", "scorers", multiple=True, metavar="NAME", help="Only these judges of the run.")
@click.option(
    "--repeats", type=click.IntRange(0, 100), default=0, metavar="N", help="First ask again N times, with other seeds."
)
@click.option("--both-orders", is_flag=True, help="First ask with the two answers in both orders.")
@click.option("--engine", type=ENGINE, help="To ask again with; by default that of the run.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the page to this file.")
@RUNS
@JSON
def judge_card(names: tuple[str, ...], runs: Path, as_json: bool, **options: Any) -> int:
    """Tell how good the judges of a run, or of review files, are.

    A page of Markdown: what could not be read, what the order of two answers
    does, how repeats differ, who agrees. Others that judged the same are named
    beside it: runs, review files in MMRole's form, a CSV of people's scores.
    With --repeats or --both-orders the judges of the first are asked again.
    """
    from sandbox.commands.judge_card import CardOptions
    from sandbox.commands.judge_card import judge_card as tell

    return tell(names, runs, CardOptions(**options), as_json)
