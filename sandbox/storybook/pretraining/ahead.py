"""Work done ahead in processes of their own, such as drawing the pictures that are learned from next."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count, cycle
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TypeVar

Made = TypeVar("Made")


@contextmanager
def made_ahead(make: Callable[[int], Made], first: int, workers: int = 1) -> Iterator[Iterator[Made]]:
    """Give `make(first)`, `make(first + 1)` and so on without end; each worker makes one while others are used.

    `make` has to be what pickle can take. The processes end with the context, or when this one is killed: then nobody
    is left to take what they made. Iterating raises `EOFError` if `make` failed; its traceback is on standard error.
    """
    context = get_context("spawn")  # a fork of a process with threads may hang
    pipes = [context.Pipe(duplex=False) for _ in range(workers)]
    started = []
    for at, (_, gives) in enumerate(pipes):
        worker = context.Process(target=_work, args=(gives, make, first + at, workers), daemon=True)
        worker.start()
        gives.close()
        started.append(worker)
    try:
        yield (takes.recv() for takes, _ in cycle(pipes))
    finally:
        for worker in started:
            worker.terminate()
            worker.join()
        for takes, _ in pipes:
            takes.close()


def _work(gives: Connection, make: Callable[[int], object], first: int, step: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for who trains, and that ends this process in time
    for number in count(first, step):
        try:
            gives.send(make(number))
        except BrokenPipeError:
            return
