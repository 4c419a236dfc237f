"""What one call to a server costs us: CPU per call of the `openai` engine, beside that of aiohttp and orjson alone.

The server answers at once and in a process of its own, so what is measured is the client; the prompt is one of about
2 kB in eleven messages, as in the figures for other clients (performance.md, "Client overhead").
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import orjson

from benchmarks.measure import Measure, in_process
from sandbox.engines.config import OpenAIConfig
from sandbox.engines.engine import Urgency
from sandbox.engines.openai import OpenAIEngine
from scenes.chat import Prompt, Request, Segment

CONCURRENCY = 32
CALLS = 6_000
REPETITIONS = 5
PERSONA = "You are Ada, a patient gardener. " * 20
LINE = "word " * 40
REPLY = orjson.dumps(
    {
        "id": "x",
        "object": "chat.completion",
        "model": "plain",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": LINE}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 500, "completion_tokens": 40, "total_tokens": 540},
    }
)


def measures() -> list[Measure]:
    """Measure both sides in turn, each in a process of its own."""
    ours, bare = [], []
    for _ in range(REPETITIONS):
        ours.append(in_process("benchmarks.client", "engine")["us"])
        bare.append(in_process("benchmarks.client", "bare")["us"])
    ratio = [one / other for one, other in zip(ours, bare, strict=True)]
    what = f"instant server, {CONCURRENCY} at once: CPU per call"
    return [
        Measure(f"{what}, openai engine", "us", ours, "<= 120"),
        Measure(f"{what}, aiohttp + orjson alone", "us", bare, "-"),
        Measure("openai engine / aiohttp + orjson alone", "ratio", ratio, "-"),
    ]


async def engine_cost(address: str) -> float:
    engine = OpenAIEngine(OpenAIConfig(), f"{address}#plain", _no_pictures)
    prompt = Prompt().then(Segment("persona", "system", PERSONA))
    for at in range(10):
        prompt = prompt.then(Segment("history", "assistant" if at % 2 else "user", LINE))
    request, urgency = Request("plain", prompt), Urgency(3, 7)

    async def call() -> None:
        await engine.complete(request, urgency)

    return await _cost(call)


async def bare_cost(address: str) -> float:
    chat = [{"role": "system", "content": PERSONA}]
    chat += [{"role": "assistant" if at % 2 else "user", "content": LINE} for at in range(10)]
    headers = {"Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def call() -> None:
            body = orjson.dumps({"model": "plain", "messages": chat, "max_tokens": 80})
            async with session.post(f"{address}/chat/completions", data=body, headers=headers) as response:
                orjson.loads(await response.read())["choices"][0]["message"]["content"]

        return await _cost(call)


async def _cost(call: Callable[[], Awaitable[None]]) -> float:
    """Return microseconds of CPU per call, after as many calls as warm up."""

    async def worker(calls: int) -> None:
        for _ in range(calls):
            await call()

    await asyncio.gather(*(worker(20) for _ in range(CONCURRENCY)))
    begun = time.process_time()
    await asyncio.gather(*(worker(CALLS // CONCURRENCY) for _ in range(CONCURRENCY)))
    return (time.process_time() - begun) / (CALLS // CONCURRENCY * CONCURRENCY) * 1e6


def _no_pictures(image: str) -> Any:
    raise LookupError(image)


class Instant(asyncio.Protocol):
    """A server that reads a request and answers, and nothing more."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._read = b""

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, end, rest = self._read.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if end and len(rest) >= int(length or 0):
            self._read = b""
            body = b'{"data":[{"id":"plain"}]}' if head.startswith(b"GET") else REPLY
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Instant, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def _served() -> Iterator[str]:
    """Give the address of a server in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.client", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
        finally:
            process.terminate()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(_serve())
    else:
        with _served() as address:
            cost = engine_cost if sys.argv[1] == "engine" else bare_cost
            print(json.dumps({"us": asyncio.run(cost(address))}))
