"""A server of the OpenAI API on loopback that misbehaves as it is told: request by request, one fault after another.

It runs in a thread of its own, so that the engine under test may have as many event loops as it likes.
"""

import asyncio
import gzip
import json
import socket
import struct
import threading
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from types import TracebackType
from typing import Any

DEAD = b'{"error":{"message":"EngineCore encountered an issue. See stack trace (above) for the root cause."}}'
SLOW_DOWN = b'{"error":{"message":"slow down"}}'
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def reply(text: str | None, finish: str | None = "stop", usage: bool = True, **more: Any) -> bytes:
    """Return the body of a chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    spent = {"usage": {"prompt_tokens": 50, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 32}}}
    return json.dumps({"id": "x", "model": "tiny", "choices": [choice]} | (spent if usage else {}) | more).encode()


def answer(status: int, body: bytes, *headers: str, length: int | None = None) -> bytes:
    """Return a whole HTTP response, whatever length it claims."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def event(delta: dict[str, str]) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}).encode() + b"\n\n"


def _in_an_hour() -> bytes:
    return answer(429, b"{}", f"Retry-After: {formatdate(time.time() + 3600, usegmt=True)}")


RESPONSES: dict[str, Callable[[], bytes]] = {
    "ok": lambda: answer(200, reply("hello")),
    "429": lambda: answer(429, SLOW_DOWN, "Retry-After: 0.3"),
    "429bare": lambda: answer(429, SLOW_DOWN),
    "429date": lambda: _in_an_hour(),
    "429quota": lambda: answer(429, b'{"error":{"message":"You exceeded your quota","code":"insufficient_quota"}}'),
    "500": lambda: answer(500, b'{"error":{"message":"oops"}}'),
    "500dead": lambda: answer(500, DEAD),
    "503": lambda: answer(503, SLOW_DOWN),
    "400": lambda: answer(400, b'{"error":{"message":"top_p must be in (0, 1]"}}'),
    "401": lambda: answer(401, b'{"error":{"message":"Incorrect API key provided: CANARY-4711"}}'),
    "403": lambda: answer(403, b"no"),
    "404": lambda: answer(404, b'{"error":{"message":"The model `tiny` does not exist."}}'),
    "413": lambda: answer(413, b"<html>too large</html>"),
    "422": lambda: answer(422, b'{"detail":"unprocessable"}'),
    "redirect": lambda: answer(307, b"", "Location: http://127.0.0.1:9/v1/chat/completions"),
    "garbage": lambda: answer(200, b'{"choices": [{"message": {"content": "unterm'),
    "deep": lambda: answer(200, b"[" * 100_000),
    "html": lambda: answer(200, b"<html><h1>502 Bad Gateway</h1>\x1b[2J</html>", "Content-Type: text/html"),
    "truncated": lambda: answer(200, reply("a" * 4000))[:1500],
    "wronglen": lambda: answer(200, reply("ok"), length=99999),
    "chunks": lambda: b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
    "nothttp": lambda: b"220 smtp.example.org ESMTP\r\n",
    "empty": lambda: answer(200, b""),
    "nochoices": lambda: answer(200, b'{"choices": []}'),
    "wrongtype": lambda: answer(200, b'{"choices": [{"message": {"content": 5}, "finish_reason": "stop"}]}'),
    "badutf8": lambda: answer(200, reply("x").replace(b'"x"', b'"\xff\xfe\x80"', 1)),
    "unfinished": lambda: answer(200, reply("cut in", None)),
    "sse_ok": lambda: STREAM + event({"content": "he"}) + event({"content": "llo"}) + b"data: [DONE]\n\n",
    "sse_garbage": lambda: STREAM + event({"content": "he"}) + b"data: not json\n\n: ping\n\ndata: [DONE]\n\n",
    "sse_noend": lambda: STREAM + event({"content": "he"}),
    "nocontent": lambda: answer(200, reply("")),
    "nullcontent": lambda: answer(200, reply(None)),
    "surrogate": lambda: answer(200, reply("\ud83d half of an emoji")),
    "nul": lambda: answer(200, reply("a\0b")),
    "huge": lambda: answer(200, reply("A" * 10_000_000)),
    "bomb": lambda: answer(200, gzip.compress(reply("A" * 50_000_000)), "Content-Encoding: gzip"),
    "gzip": lambda: answer(200, gzip.compress(reply("packed")), "Content-Encoding: gzip"),
    "length": lambda: answer(200, reply("cut in the mid", "length")),
    "filter": lambda: answer(200, reply("", "content_filter")),
    "toolcall": lambda: answer(200, reply(None, "tool_calls")),
    "unmetered": lambda: answer(200, reply("free", usage=False)),
    "othermodel": lambda: answer(200, reply("hello", model="other")),
}
Behaviour = str | Callable[[dict[str, Any]], bytes]
"""What to do with a request: the name of a fault, or a function of its body."""


class FaultServer:
    """Does with the n-th question what the n-th of its `behaviours` says, and with all further ones what the last does.

    A list of models is always given as it should be: `listed`.
    """

    def __init__(self, *behaviours: Behaviour, **card: Any) -> None:
        self.behaviours = behaviours or ("ok",)
        self.listed: list[dict[str, Any]] = [{"id": "tiny", "object": "model"} | card]
        self.list_status = 200
        self.asked: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.headers: list[str] = []
        self.times: list[float] = []
        self.under_way = 0
        self.most_under_way = 0
        self.left = 0
        """Who hung up before there was an answer."""
        self.delay_s = 0.0
        self._port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def model(self) -> str:
        return f"{self.address}#tiny"

    def __enter__(self) -> "FaultServer":
        self._thread.start()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def start(self) -> None:
        """Listen, at the same port as before."""
        self._do(self._listen())

    def stop(self) -> None:
        """Listen no more; what is under way goes on."""
        if self._server is not None:
            self._loop.call_soon_threadsafe(self._server.close)
            self._server = None
            self._do(asyncio.sleep(0.01))

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, limit=1 << 24)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; return whether the connection is good for another."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1")
        length = next((int(line.split(":")[1]) for line in head.lower().split("\r\n") if "content-length:" in line), 0)
        body = await reader.readexactly(length)
        self.headers.append(head)
        path = head.split(" ")[1]
        if path == "/v1/models":
            writer.write(answer(self.list_status, json.dumps({"object": "list", "data": self.listed}).encode()))
        elif path == "/version":
            writer.write(answer(200, b'{"version": "9.9"}'))
        else:
            return await self._question(path, json.loads(body), reader, writer)
        await writer.drain()
        return True

    async def _question(
        self, path: str, body: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        behaviour = self.behaviours[min(len(self.asked), len(self.behaviours) - 1)]
        self.asked.append(body)
        self.paths.append(path)
        self.times.append(time.monotonic())
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            return await self._behave(behaviour, body, reader, writer)
        finally:
            self.under_way -= 1

    async def _behave(
        self, behaviour: Behaviour, body: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if isinstance(behaviour, str) and behaviour in ACTS:
            await ACTS[behaviour](self, reader, writer)
            return False
        said = RESPONSES[behaviour]() if isinstance(behaviour, str) else behaviour(body)
        writer.write(said)
        await writer.drain()
        return behaviour in ("ok", "400", "429", "500") or callable(behaviour)


async def _hang(server: FaultServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    server.left += await reader.read(1) == b""


async def _slowloris(server: FaultServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for byte in RESPONSES["ok"]():
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.05)


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _reset_before(server: FaultServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    _reset(writer)


async def _reset_mid(server: FaultServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(answer(200, reply("a" * 5000))[:2000])
    await writer.drain()
    await asyncio.sleep(0.02)
    _reset(writer)


async def _sse_cut(server: FaultServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(STREAM + event({"content": "he"}) + b'data: {"choices": [{"del')
    await writer.drain()
    await asyncio.sleep(0.02)
    _reset(writer)


async def _endless(server: FaultServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"4000\r\n" + b"A" * 0x4000 + b"\r\n")
        await writer.drain()


ACTS: dict[str, Callable[[FaultServer, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]] = {
    "hang": _hang,
    "slowloris": _slowloris,
    "reset": _reset_before,
    "reset_mid": _reset_mid,
    "sse_cut": _sse_cut,
    "endless": _endless,
}
