"""The command line: options and exit codes. A command imports what it needs when it is called, so help is instant."""

import sys
from errno import ENOSPC
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import click

RUNS = click.option("--runs", type=click.Path(path_type=Path), default=Path("runs"), help="Folder that holds the runs.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
ROOT = click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder that the scenario's files must lie in; by default the scenario's own.",
)
SCENARIO = click.argument("scenario", type=click.Path(path_type=Path))
RUN = click.argument("run", default="latest")
SEED = click.IntRange(0, 2**31 - 1)
LAYOUT = click.option(
    "--layout",
    type=click.Choice(["auto", "mmrole", "images-first", "cast-first", "script", "compact"]),
    help="Order of the prompt's segments.",
)
POLICY = click.option(
    "--policy", metavar="FILE.py:FUNCTION", help="A turn policy of your own; its code is run. Or module:function."
)
ENGINE = click.Choice(["vllm", "transformers", "openai", "simulated", "scripted"])
DISPLAY = click.option(
    "--display", type=click.Choice(["rich", "plain", "json", "none"]), help="What to show meanwhile."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rolestage")
def cli() -> None:
    """Simulate multimodal role-play: play a scenario, read it, resume it, prove it.

    \b
    Start here:   rolestage run scenarios/harbour
    Then:         rolestage show latest

    RUN is the folder of a run, its name or a part of it that no other has; by default the latest.

    \b
    Exit codes:   0 done, 1 some episodes failed, 2 input refused, 3 run locked,
                  4 store damaged, 5 engine gave up, 6 disk full, 130 interrupted
    """


@cli.command()
@SCENARIO
@click.option("-n", "episodes", type=click.IntRange(min=1), metavar="N", help="Play the first N episodes of all.")
@click.option("--shard", metavar="I/K", help="Play one of K parts of these, 0/K to (K-1)/K.")
@click.option("--model", help="storybook, a folder, or a Hugging Face id; over the scenario's.")
@click.option("--engine", type=ENGINE, help="By default vllm if installed.")
@click.option("--seed", type=SEED, metavar="N", help="Over the scenario's.")
@LAYOUT
@click.option(
    "--concurrency", type=click.IntRange(min=1), metavar="N", help="Episodes at once; by default what fits the engine."
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"), help="Where runs go.")
@ROOT
@POLICY
@click.option("--score", "scorers", multiple=True, metavar="NAME", help="Judge each episode when it is over.")
@click.option(
    "--set", "fields", multiple=True, metavar="NAME.FIELD=VALUE", help="An option of a scorer, or of the `engine`."
)
@click.option("--dry-run", is_flag=True, help="Play with scripted lines and no model.")
@DISPLAY
@click.option("--json", "as_json", is_flag=True, help="The same as --display json.")
def run(scenario: Path, dry_run: bool, engine: str | None, display: str | None, as_json: bool, **options: Any) -> int:
    """Play SCENARIO: a file, or a folder with scenario.yaml in it."""
    from sandbox.display import display_of
    from sandbox.launch import Options, play_new

    chosen = Options(engine="scripted" if dry_run else engine, **options)
    with display_of("json" if as_json else display) as shown:
        return _exit_code(play_new(scenario, chosen, shown))


@cli.command()
@SCENARIO
@click.option("--as", "name", required=True, metavar="NAME", help="Your part: one of the cast, Narrator, or who asks.")
@click.option("--model", help="Of the others: storybook, a folder, or a Hugging Face id; over the scenario's.")
@click.option("--engine", type=ENGINE, help="By default vllm if installed.")
@click.option("--seed", type=SEED, metavar="N", help="Over the scenario's.")
@LAYOUT
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"), help="Where runs go.")
@ROOT
@click.option("--dry-run", is_flag=True, help="The others' lines are scripted, and there is no model.")
def play(scenario: Path, name: str, dry_run: bool, engine: str | None, **options: Any) -> int:
    """Play a part in SCENARIO yourself.

    You are shown what your part perceives, and nothing else. (What you do) stands in round brackets, [what you only
    think] in square ones. Ctrl-D leaves; `rolestage resume` goes on from there.
    """
    from sandbox.commands.play import play_as
    from sandbox.display import display_of
    from sandbox.launch import Options

    with display_of(None) as shown:
        return _exit_code(play_as(scenario, name, Options(engine="scripted" if dry_run else engine, **options), shown))


@cli.command()
@RUN
@RUNS
@POLICY
@DISPLAY
@click.option("--json", "as_json", is_flag=True, help="The same as --display json.")
def resume(run: str, runs: Path, policy: str | None, display: str | None, as_json: bool) -> int:
    """Play what is unfinished or failed in RUN."""
    from sandbox.display import display_of
    from sandbox.launch import play_on
    from sandbox.run_folder import find_run

    with display_of("json" if as_json else display) as shown:
        return _exit_code(play_on(find_run(run, runs), shown, policy))


@cli.command()
@click.argument("run")
@click.argument("what", type=click.Choice(["pause", "resume", "cancel", "status"]))
@click.argument("episode", type=click.IntRange(min=0), required=False)
@RUNS
@JSON
def ctl(run: str, what: str, episode: int | None, runs: Path, as_json: bool) -> int:
    """Steer RUN while another process plays it.

    \b
    pause            ask nothing new; what was asked is still stored
    resume           go on
    cancel EPISODE   let one episode fail; `rolestage resume` tries it again
    status           which episodes are being played
    """
    from sandbox.commands.ctl import steer
    from sandbox.run_folder import find_run

    return steer(find_run(run, runs), what, episode, as_json)


@cli.command()
@RUN
@click.option("--at", required=True, metavar="EPISODE:TURN", help="The last turn to keep; 0 keeps the opening.")
@click.option("-n", "number", type=click.IntRange(min=1), required=True, metavar="K", help="How many branches.")
@click.option(
    "--vary",
    multiple=True,
    metavar="WHAT",
    help="seed (always), PATH=VALUE,VALUE with a path of `vary`, character=NAME:CHARACTER or image=NAME:SEED.",
)
@RUNS
@POLICY
@DISPLAY
@click.option("--json", "as_json", is_flag=True, help="The same as --display json.")
def fork(run: str, runs: Path, display: str | None, as_json: bool, **options: Any) -> int:
    """Play an episode of RUN on from a turn, in K other ways.

    What comes before is taken from the record, with no model. Each branch is a further episode of RUN with a seed of
    its own; with --vary the first takes the first values, and so on, from the first again after the last.
    """
    from sandbox.commands.fork import fork_run
    from sandbox.display import display_of
    from sandbox.run_folder import find_run

    with display_of("json" if as_json else display) as shown:
        return _exit_code(fork_run(find_run(run, runs), display=shown, **options))


def _exit_code(summary: Any) -> int:
    from sandbox.errors import INTERRUPTED, SOME_FAILED

    if summary.interrupted:
        return INTERRUPTED
    return SOME_FAILED if summary.failed or getattr(summary, "unjudged", 0) else 0


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
    return _exit_code(score_run(find_run(run, runs), chosen, as_json))


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

    return _exit_code(probe_vision(find_run(run, runs), engine, limit, as_json))


@cli.command()
@RUN
@click.option("--check", is_flag=True, required=True, help="Compare every event and request with the record.")
@RUNS
@POLICY
@JSON
def replay(run: str, check: bool, runs: Path, policy: str | None, as_json: bool) -> int:
    """Play RUN again from its record alone, without a model."""
    from sandbox.commands.replay import check_run
    from sandbox.run_folder import find_run

    return check_run(find_run(run, runs), policy, as_json)


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


@cli.command()
@click.argument("runs_", nargs=-1, metavar="[RUN]...")
@click.option(
    "--to", type=click.Choice(["trl-sft", "mmrole-rm", "characterrm"]), required=True, help="The shape of the data."
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder to write; by default RUN/exports/FORMAT."
)
@click.option("--scorer", "scorers", multiple=True, metavar="NAME", help="Whose verdicts, where several judged.")
@click.option(
    "--keep", multiple=True, metavar="SCORER.METRIC=N",
    help="trl-sft: learn the lines that were scored so, and read the others; also >= and <=.",
)  # fmt: skip
@click.option("--explain", type=click.IntRange(min=0), metavar="ROW", help="Tell where a row comes from, and its text.")
@RUNS
@JSON
def export(runs_: tuple[str, ...], runs: Path, as_json: bool, **options: Any) -> int:
    """Write runs as training data, with a report of what is in it.

    \b
    trl-sft       conversations for TRL's SFTTrainer, one for each view of a
                  character; its own lines are learned
    mmrole-rm     verdicts of the scorer mmrole, for its reward model
    characterrm   verdicts of the scorer characterbox, for CharacterRM

    Train and test never share a scenario. An export that was there before is
    replaced once all is written.
    """
    from sandbox.commands.export import ExportOptions, export_runs
    from sandbox.run_folder import find_run

    return export_runs([find_run(run, runs) for run in runs_ or ("latest",)], ExportOptions(**options), as_json)


@cli.command()
@click.argument("what", metavar="storybook|storybook-rm|EXPORT")
@click.option("--model", metavar="MODEL", help="EXPORT: what learns; storybook, a folder, or a Hugging Face id.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the training; trained/storybook for storybook.",
)  # fmt: skip
@click.option(
    "-n", "answers", type=click.IntRange(100, 10**6), metavar="N",
    help="storybook-rm: answers to learn from; by default 3000.",
)  # fmt: skip
@click.option("--seed", type=SEED, default=0, metavar="N", help="Of all chance in it.")
@click.option("--steps", type=click.IntRange(1, 10**9), metavar="N", help="EXPORT: how many, of eight rows each.")
@click.option(
    "--epochs", type=click.FloatRange(min=0, min_open=True, max=10_000), metavar="E",
    help="EXPORT: how often each row is read; by default once.",
)  # fmt: skip
@click.option(
    "--lr", "rate", type=click.FloatRange(min=0, min_open=True, max=1), metavar="RATE",
    help="EXPORT: how fast it learns; by default 2e-4.",
)  # fmt: skip
@click.option("--rank", type=click.IntRange(1, 512), metavar="R", help="EXPORT: of the adapter; by default 16.")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), help="storybook: by default cpu.")
@click.option(
    "--minutes", type=click.FloatRange(min=0, min_open=True, max=10_000), metavar="M",
    help="storybook: how long; by default 60, and half as many make a weaker model.",
)  # fmt: skip
@JSON
def train(what: str, out: Path | None, seed: int, as_json: bool, **options: Any) -> int:
    """Train a model, from nothing or on exported runs.

    \b
    storybook      the embedded model, on pictures and scenes made meanwhile
    storybook-rm   its reward model, on answers that are worse in known ways
    EXPORT         a folder of `rolestage export --to trl-sft`: an adapter
                   (LoRA) for --model, to be played as MODEL+FOLDER

    A training that was interrupted or killed goes on when the same command
    is given again.
    """
    from sandbox.commands.adapt import train_named

    return train_named(what, out, seed, options, as_json)


@cli.command("eval")
@click.argument("model")
@click.option(
    "-n", "number", type=click.IntRange(min=2, max=1_000_000), default=1_000, show_default=True, metavar="N",
    help="Requests of each condition.",
)  # fmt: skip
@click.option("--seed", type=SEED, default=0, show_default=True, metavar="S", help="Another number, other scenes.")
@click.option("--engine", type=ENGINE, help="By default vllm if installed.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.md", help="Write the tables.")
@JSON
def evaluate_model(as_json: bool, **options: Any) -> int:
    """Measure what MODEL makes of storybook pictures.

    MODEL is storybook, a folder with a checkpoint, either with +ADAPTER, or
    storybook-teacher, whose figures are the most that a model can reach.

    It is asked for lines of scenes that no training had: as they are, with
    a blank picture, with a wrong one, without the speaker's profile, and of
    combinations of things, colours and places that no training had.
    """
    from sandbox.commands.eval import EvalOptions, evaluate_model

    return evaluate_model(EvalOptions(**options), as_json)


@cli.command()
@click.argument("what", metavar="storybook", type=click.Choice(["storybook"]))
@click.option("--model", default="storybook", show_default=True, metavar="MODEL", help="What plays and learns.")
@click.option("--seeds", type=click.IntRange(1, 1_000), default=3, show_default=True, metavar="K", help="How often.")
@click.option(
    "--episodes", type=click.IntRange(8, 100_000), default=128, show_default=True, metavar="N",
    help="Scenes to learn from for each seed, and others to test on.",
)  # fmt: skip
@click.option("--steps", type=click.IntRange(1, 10**6), default=200, show_default=True, metavar="S", help="To learn.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("trained/loop"), show_default=True,
    help="Folder for runs, exports, adapters and the report.",
)  # fmt: skip
@JSON
def loop(what: str, model: str, out: Path, seeds: int, episodes: int, steps: int, as_json: bool) -> int:
    """Play, keep what is good, learn from it, and test.

    MODEL plays scenes; lines that are true of their picture, in their own
    voice and without a fault are learned by an adapter (LoRA). A control
    learns as much in as many steps, unfiltered. All play the same other
    scenes and are compared on them. What was interrupted goes on when the
    same command is given again.
    """
    from sandbox.commands.loop import loop_storybook

    return loop_storybook(model, out, seeds, episodes, steps, as_json)


@cli.command("list")
@RUNS
@JSON
def list_runs(runs: Path, as_json: bool) -> int:
    """List the runs, newest first."""
    from sandbox.commands.show import list_all

    return list_all(runs, as_json)


@cli.command()
@RUN
@click.argument("episode", type=int, required=False)
@click.option("--calls", is_flag=True, help="Show the exact prompts and replies.")
@click.option("--as", "viewer", help="Show what this character perceived, and nothing else.")
@RUNS
@JSON
def show(run: str, episode: int | None, calls: bool, viewer: str | None, runs: Path, as_json: bool) -> int:
    """Read RUN: all its episodes, or one as a transcript."""
    from sandbox.commands.show import show_run
    from sandbox.run_folder import find_run

    return show_run(find_run(run, runs), episode, calls, viewer, as_json)


@cli.command("who-knows")
@click.argument("run")
@click.argument("text")
@click.option("--episode", type=click.IntRange(min=0), help="Only this one; by default all.")
@RUNS
@JSON
def who_knows(run: str, text: str, episode: int | None, runs: Path, as_json: bool) -> int:
    """Say who in RUN could know TEXT, since when and how."""
    from sandbox.commands.who_knows import tell
    from sandbox.run_folder import find_run

    return tell(find_run(run, runs), text, episode, as_json)


@cli.command()
@click.argument("run")
@click.argument("episode", type=click.IntRange(min=0))
@click.argument("question")
@click.option("--as", "name", required=True, metavar="NAME", help="Who is asked.")
@click.option("--at", "turn", type=click.IntRange(min=0), metavar="TURN", help="After this turn; by default the last.")
@click.option("--choice", "choices", multiple=True, metavar="X", help="An answer to choose from; give two or more.")
@click.option("--model", help="Ask another model: storybook, a folder, or a Hugging Face id.")
@click.option("--engine", type=ENGINE, help="By default that of RUN.")
@RUNS
@POLICY
@JSON
def interview(run: str, runs: Path, policy: str | None, as_json: bool, question: str, **options: Any) -> int:
    """Ask a character of RUN in private what it thought.

    It answers from what it knew after that turn. Nothing is written to RUN.
    """
    from sandbox.commands.interview import Question, interview
    from sandbox.run_folder import find_run

    return interview(find_run(run, runs), Question(text=question, **options), policy, as_json)


@cli.command()
@SCENARIO
@ROOT
@LAYOUT
@JSON
def lint(scenario: Path, root: Path | None, layout: str | None, as_json: bool) -> int:
    """Check SCENARIO without playing it."""
    from sandbox.commands.scenario import lint_scenario

    return lint_scenario(scenario, root, layout, as_json)


@cli.command()
@SCENARIO
@ROOT
@LAYOUT
@click.option("--variant", type=click.IntRange(min=0), metavar="N", default=0, help="Which combination of the matrix.")
@click.option("--images", type=click.Path(file_okay=False, path_type=Path), help="Write the pictures shown there.")
@JSON
def preview(
    scenario: Path, root: Path | None, layout: str | None, variant: int, images: Path | None, as_json: bool
) -> int:
    """Show what each character is told and shown first.

    The exact prompts are printed, with a mark where a picture stands; no model is needed.
    """
    from sandbox.commands.scenario import preview_scenario

    return preview_scenario(scenario, root, layout, variant, images, as_json)


@cli.command()
@click.argument("what", type=click.Choice(["scenario", "character"]), default="scenario")
def schema(what: str) -> int:
    """Print the JSON schema of a file, for an editor."""
    from sandbox.commands.scenario import print_schema

    return print_schema(what)


@cli.command()
@click.option("--seed", type=SEED, metavar="N", default=0, show_default=True, help="Another number, another picture.")
@click.option(
    "-n", "number", type=click.IntRange(1, 1_000), metavar="K", default=1, help="Draw K seeds, from --seed on."
)
@click.option("--held-out", is_flag=True, help="Draw what the storybook model never saw together.")
@click.option("--size", type=click.Choice(["128", "256", "512"]), help="Pixels; by default 512, on a sheet 256.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="PNG to write; by default only shown.")
@click.option("--sheet", "columns", type=click.IntRange(1, 100), metavar="COLUMNS", help="Of the sheet of several.")
@JSON
def draw(out: Path | None, as_json: bool, size: str | None, **options: Any) -> int:
    """Draw storybook pictures by lot, and tell what is in them.

    Several are written onto one sheet, with what each of them shows.
    """
    from sandbox.commands.draw import DrawOptions, draw_pictures

    return draw_pictures(DrawOptions(size=int(size) if size else None, **options), out, as_json)


@cli.command()
@RUNS
@JSON
def doctor(runs: Path, as_json: bool) -> int:
    """Say what this machine has, and what is missing to play."""
    from sandbox.commands.doctor import examine

    return examine(runs, as_json)


def main() -> None:
    """Run the command line and exit with its code; a user's mistake is a message and never a traceback."""
    _prepare_output()
    try:
        code = cli.main(prog_name="rolestage", standalone_mode=False)
    except click.ClickException as error:
        code = _refused(error)
    except click.exceptions.Exit as error:
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except SystemExit:  # click ends so when nobody reads on, as in `rolestage show latest | head -1`
        code = 141  # what a shell makes of SIGPIPE
    except Exception as error:
        code = _told(error)
    sys.exit(code)


def _prepare_output() -> None:
    """Let no character fail that the terminal's encoding lacks, and no output at all where there is nowhere to go."""
    if sys.stdout is None:  # closed, as by `>&-`
        sys.stdout = TextIOWrapper(BytesIO(), encoding="utf-8")
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _refused(error: click.ClickException) -> int:
    """Print what is wrong with the command line, cleaned: what it quotes may be the name of somebody's file."""
    from scenes.clean import clean

    message = StringIO()
    error.show(message)
    click.echo(clean(message.getvalue()), err=True, nl=False)
    return error.exit_code


def _told(error: Exception) -> int:
    """Print an error that has an exit code of its own and return that; any other is a defect and is raised."""
    from sandbox.errors import EXIT_CODES, StoreFailed
    from scenes.clean import clean

    full = isinstance(error, OSError) and error.errno == ENOSPC
    code = EXIT_CODES[StoreFailed] if full else EXIT_CODES.get(type(error))
    if code is None:
        raise error
    click.echo(clean(str(error)), err=True)
    return code
