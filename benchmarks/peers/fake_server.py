"""A server of the OpenAI API that answers every question after 50 ms with one line, however many are asked at once.

Prints the port that it listens at. Who asks the model `sotopia` gets the line as the JSON that it wants; who fetches
`/asked` gets how many questions there were since the last time.
"""

import asyncio
import json
from functools import partial

DELAY_S = 0.05
LINE = (
    "I have heard you, and I will think about it until the lamps are lit; but the wall stays where it is, and so do "
    "the pear trees, whatever else we may agree upon tonight, you and I."
)
ACTION = json.dumps({"action_type": "speak", "argument": LINE, "to": []})
MODELS = [{"id": name, "object": "model"} for name in ("plain", "sotopia")]


class Talk(asyncio.Protocol):
    """One connection, kept open; its requests come one after another."""

    asked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._read = b""

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, end, rest = self._read.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if end and len(rest) >= length:
            self._read = b""
            self._take(head.split(b" ", 2)[1], rest)

    def _take(self, path: bytes, body: bytes) -> None:
        if path.endswith(b"/models"):
            self._send({"object": "list", "data": MODELS})
        elif path.endswith(b"/asked"):
            self._send({"asked": Talk.asked})
            Talk.asked = 0
        else:
            Talk.asked += 1
            answer = _answer(json.loads(body)["model"])
            asyncio.get_running_loop().call_later(DELAY_S, partial(self._send, answer))

    def _send(self, answer: object) -> None:
        body = json.dumps(answer).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        self._transport.write(head + body)


def _answer(model: str) -> dict[str, object]:
    message = {"role": "assistant", "content": ACTION if model == "sotopia" else LINE}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 500, "completion_tokens": 40, "total_tokens": 540},
    }


async def serve() -> None:
    """Listen on loopback until the process ends."""
    server = await asyncio.get_running_loop().create_server(Talk, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
