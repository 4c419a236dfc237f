"""What the commands share: the group they are in, and options that several have."""

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


def exit_code(summary: Any) -> int:
    """Return what a command that played or judged ends with."""
    from sandbox.errors import INTERRUPTED, SOME_FAILED

    if summary.interrupted:
        return INTERRUPTED
    return SOME_FAILED if summary.failed or getattr(summary, "unjudged", 0) else 0
