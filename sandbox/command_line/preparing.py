"""The commands for what comes before a run: scenario files, pictures, the machine."""

from pathlib import Path
from typing import Any

import click

from sandbox.command_line.group import JSON, LAYOUT, ROOT, RUNS, SCENARIO, SEED, cli


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
