"""The commands that read runs."""

from pathlib import Path
from typing import Any

import click

from sandbox.command_line.group import ENGINE, JSON, POLICY, RUN, RUNS, cli


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
