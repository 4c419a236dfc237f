"""A stepping engine whose core computes in a process of its own, as vLLM's may: some words end it, or hang it."""

import os
import signal
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection

from sandbox.engines.engine import EngineFacts
from scenes.chat import CallFailed, Completion

STEPS = 3
"""That every request takes."""


class DyingCore:
    """Answers every word with itself in capitals, but dies of `exit` and `kill`, and hangs with `hang`."""

    facts = EngineFacts(kind="dying core", model="none")

    def __init__(self) -> None:
        spawning = get_context("spawn")
        self._pipe, theirs = spawning.Pipe()
        self.core = spawning.Process(target=_compute, args=(theirs,), daemon=True)
        self.core.start()
        theirs.close()
        self._pipe.recv()

    def add(self, request_id: str, prompt: str) -> None:
        self._pipe.send((request_id, prompt))

    def step(self) -> dict[str, Completion | CallFailed]:
        self._pipe.send(None)
        return {request_id: Completion(text=text) for request_id, text in self._pipe.recv().items()}

    def abort(self, request_ids: list[str]) -> None:
        for request_id in request_ids:
            self._pipe.send((request_id, None))

    def kill(self) -> None:
        self.core.kill()

    def close(self) -> None:
        self.core.kill()
        self.core.join()
        self._pipe.close()


def _compute(pipe: Connection) -> None:
    asked: dict[str, str] = {}
    steps: dict[str, int] = {}
    pipe.send("ready")
    while True:
        told = pipe.recv()
        if told is not None:
            request_id, word = told
            asked.pop(request_id, None)
            asked |= {request_id: word} if word else {}
            steps[request_id] = 0
            continue
        for request_id, word in asked.items():
            steps[request_id] += 1
            _suffer(word, steps[request_id])
        ended = [request_id for request_id in asked if steps[request_id] == STEPS]
        pipe.send({request_id: asked.pop(request_id).upper() for request_id in ended})


def _suffer(word: str, step: int) -> None:
    if word == "exit" and step == 2:
        os._exit(1)
    if word == "kill" and step == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "hang":
        time.sleep(3600)
