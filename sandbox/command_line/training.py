"""The commands that make data of runs, train on it, and measure what was learned."""

from pathlib import Path
from typing import Any

import click

from sandbox.command_line.group import ENGINE, JSON, RUNS, SEED, cli


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
    help="storybook: how long; by default 75; fewer make a weaker model.",
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
