"""The command line as a program: what it prints of errors, and its exit codes."""

import sys
from errno import ENOSPC
from io import BytesIO, StringIO, TextIOWrapper

import click

from sandbox.command_line import judging, playing, preparing, reading, training  # noqa: F401  # each adds its commands
from sandbox.command_line.group import cli


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
