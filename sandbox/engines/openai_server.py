"""One server: how it is asked, and what it is known to be. No retry and no waiting happens here.

Only the addresses that were typed are asked: no redirect is followed and no proxy of the environment used.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from sandbox.engines.openai_reply import Trouble, parsed, trouble_of
from sandbox.engines.openai_window import Window
from scenes.clean import one_line

MOST_BYTES = 2_000_000
"""Of a reply: far more than a turn needs, and little enough for hundreds at a time."""
MOST_BYTES_OF_LIKELIHOODS = 64_000_000
CONNECT_S = 10
KEPT_ALIVE_S = 4
"""An idle connection is closed before the server does it, which for uvicorn is after five seconds."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a server says of the model it serves; if that changes, it is no longer the same model."""

    root: str | None = None
    owner: str | None = None
    context_length: int | None = None

    @property
    def is_vllm(self) -> bool:
        """Whether vLLM serves it, which takes more than the API has."""
        return self.owner == "vllm"


class Server:
    """One address where the model is served."""

    def __init__(self, address: str, most: int, key: str | None) -> None:
        self.address = address
        self.window = Window(most)
        self.card: Card | None = None
        """None until it has been reached."""
        self._key = key
        self._headers = {"Authorization": f"Bearer {key}"} if key else None
        self.chat = URL(f"{address}/chat/completions")
        self.tokenize = URL(f"{address.removesuffix('/v1')}/tokenize")
        self._models = URL(f"{address}/models")
        self._version = URL(f"{address.removesuffix('/v1')}/version")

    async def post(self, session: aiohttp.ClientSession, url: URL, body: bytes, most: int = MOST_BYTES) -> bytes:
        """Return the body of the reply, at most so many bytes. Raises `Trouble`."""
        return await self._exchanged(session, "POST", url, body, most)

    async def look(self, session: aiohttp.ClientSession, name: str) -> list[str]:
        """Read the card of the model called `name`; return the names of all models there if there is none.

        A server without a list of models is taken at its word. Raises `Trouble`, as it does when the card has changed.
        """
        try:
            found = _cards(parsed(await self._exchanged(session, "GET", self._models, None, MOST_BYTES)))
        except Trouble as trouble:
            if trouble.status != 404:
                raise
            found = {name: Card()}
        named = next((id for id in (name, f"{name}:latest") if id in found), None)
        if named is None:
            return list(found)
        if self.card not in (None, found[named]):
            raise Trouble("over", f"the server at {self.address} came back with another model of the same name")
        self.card = found[named]
        return []

    async def version(self, session: aiohttp.ClientSession) -> str | None:
        """Return the version of the vLLM that serves, if it says."""
        try:
            found = parsed(await self._exchanged(session, "GET", self._version, None, MOST_BYTES))
        except Trouble:
            return None
        return one_line(str(found["version"])) if isinstance(found, dict) and "version" in found else None

    async def _exchanged(
        self, session: aiohttp.ClientSession, method: str, url: URL, body: bytes | None, most: int
    ) -> bytes:
        try:
            async with session.request(
                method, url, data=body, headers=self._headers, allow_redirects=False
            ) as response:
                read = await _bounded(response, most)
        except aiohttp.ClientConnectorError as error:
            raise Trouble("gone", f"no server answers at {self.address}: {_reason(error)}") from None
        except aiohttp.ConnectionTimeoutError:
            raise Trouble("gone", f"no server answers at {self.address} within {CONNECT_S} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Trouble("again", f"the connection to {self.address} broke: {_reason(error)}") from None
        if response.status != 200:
            raise trouble_of(response.status, response.headers, read, self._key)
        return read


async def _bounded(response: aiohttp.ClientResponse, most: int) -> bytes:
    """Return the body, unpacked if it is packed. Raises `Trouble` if it has more than so many bytes."""
    length = response.content_length
    if length is not None and length <= most and "Content-Encoding" not in response.headers:
        return await response.read()
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most:
            response.close()
            raise Trouble("refused", f"the server's reply is longer than {most // 1_000_000} MB")
    return bytes(body)


def _cards(listed: Any) -> dict[str, Card]:
    """Return the cards in a list of models. Raises `Trouble` if it is none."""
    entries = listed.get("data") if isinstance(listed, dict) else None
    if not isinstance(entries, list):
        raise Trouble("again", "the server's list of models is not in the form of the API")
    return {str(entry["id"]): _card(entry) for entry in entries if isinstance(entry, dict) and "id" in entry}


def _card(entry: dict[str, Any]) -> Card:
    root, owner, length = (entry.get(name) for name in ("root", "owned_by", "max_model_len"))
    return Card(
        root if isinstance(root, str) else None,
        owner if isinstance(owner, str) else None,
        length if isinstance(length, int) and length > 0 else None,
    )


def _reason(error: Exception) -> str:
    """Return why, in words that hold nothing of the request."""
    cause = getattr(error, "os_error", error)
    return one_line(getattr(cause, "strerror", None) or type(cause).__name__, 120)


def new_session() -> aiohttp.ClientSession:
    """Return a session for the running loop that adds nothing of its own: no proxy, cookie, retry, limit or timeout."""
    return aiohttp.ClientSession(
        headers={"Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": "rolestage"},
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEPT_ALIVE_S),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


async def kept_open(session: aiohttp.ClientSession) -> AsyncIterator[None]:
    """Close `session` when its loop ends: loops close the generators that are open in them before they go."""
    try:
        yield
    finally:
        await session.close()
        await asyncio.sleep(0)
