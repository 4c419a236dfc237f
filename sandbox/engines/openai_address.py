"""What the name of a model on servers says: where they are and what they call it.

`http://host:8000/v1#name`, or `http://a:8000/v1,http://b:8000/v1#name` where several servers hold the same model. The
name holds everything, so that it does for the command line, a scenario and the record alike. It has no place for a
user, a password or a key: what a name says is written into runs.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from scenes.problem import refuse

_ADDRESS = re.compile(r"https?://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")


@dataclass(frozen=True, slots=True)
class Served:
    """A model on servers."""

    addresses: tuple[str, ...]
    """Without a slash at the end."""
    name: str
    """As the servers have it."""


def is_address(model: str) -> bool:
    """Return whether `model` is to be found on a server."""
    return model.startswith(("http://", "https://"))


def served(model: str) -> Served:
    """Return what `model` says. Raises `InputRefused`, and never quotes an address: there may be a password in it."""
    addresses, _, name = model.partition("#")
    if not name.strip():
        raise refuse("the model on a server has no name; write it behind the address: http://host:8000/v1#name.")
    found = tuple(address.rstrip("/") for address in addresses.split(","))
    if not all(map(_ADDRESS.fullmatch, found)):
        raise refuse(
            "the address of a server must be http://host:port/path and no more: no user, no key, no question mark; a "
            "key is taken from the environment."
        )
    if len(set(found)) < len(found):
        raise refuse("the model names the address of a server twice; keep one.")
    return Served(found, name)


def is_here(model: str) -> bool:
    """Return whether all servers of `model` are on this machine."""
    return all(_is_here(urlsplit(address).hostname or "") for address in model.partition("#")[0].split(","))


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name, and who knows where it leads
        return False
