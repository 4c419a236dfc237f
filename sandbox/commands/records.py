"""What the commands on test records share: the names of their folders, their pictures, and how far they are."""

import shlex
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agents.player import PERSON
from sandbox.engines.config import EngineConfig
from sandbox.engines.openai_address import is_address
from sandbox.gallery import Gallery
from sandbox.models import reference
from sandbox.screen import Screen
from sandbox.side_by_side import Told
from scenes.clean import without_surrogates
from scenes.image import Picture
from scenes.problem import refuse

PLAIN_EVERY_S = 5.0


def check_model(name: str, option: str) -> None:
    """Refuse what is no model, or could not be written into a journal."""
    if name == PERSON:
        raise refuse("records are answered and judged by models; `rolestage play` is for people.", option)
    if without_surrogates(name) != name:
        raise refuse("the name of the model is not UTF-8; rename its folder.", option)


def kind_of(name: str, config: EngineConfig) -> str:
    """Return the kind of engine that the model called `name` will have. Raises `InputRefused`."""
    served = is_address(reference(name)) and config.kind in ("vllm", "transformers")
    return "openai" if served else config.kind


def gallery_of(pictures: Mapping[str, Picture]) -> Gallery:
    """Return the pictures, by whatever name, as an engine is given them."""
    gallery = Gallery()
    for picture in pictures.values():
        gallery.add(picture)
    return gallery


@contextmanager
def progress(screen: Screen, as_json: bool, what: str) -> Iterator[Told]:
    """Show how far it is: a bar on a terminal, else a line on the error stream now and then."""
    if as_json or not screen.is_terminal:
        yield _lines(what)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(what: str) -> Told:
    last = time.monotonic()

    def told(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > PLAIN_EVERY_S:
            last = time.monotonic()
            print(f"{what}: {done} of {total}", file=sys.stderr, flush=True)

    return told


def notes(counts: Mapping[str, int]) -> Iterable[str]:
    """Return a line for each thing that was counted at all."""
    return (f"{what}: {count}" for what, count in counts.items() if count)


def going_on(left: int) -> str:
    """Return what is said after an interruption: how many records are left, and what to type."""
    return f"Interrupted with {left} left. Go on with: {shlex.join(['rolestage', *sys.argv[1:]])}"
