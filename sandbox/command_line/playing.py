"""The commands that play: a scenario, what is unfinished, another way on."""

from pathlib import Path
from typing import Any

import click

from sandbox.command_line.group import (
    DISPLAY,
    ENGINE,
    JSON,
    LAYOUT,
    POLICY,
    ROOT,
    RUN,
    RUNS,
    SCENARIO,
    SEED,
    cli,
    exit_code,
)


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
        return exit_code(play_new(scenario, chosen, shown))


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
        return exit_code(play_as(scenario, name, Options(engine="scripted" if dry_run else engine, **options), shown))


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
        return exit_code(play_on(find_run(run, runs), shown, policy))


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
        return exit_code(fork_run(find_run(run, runs), display=shown, **options))
