"""Files that are written whole or not at all: whatever fails meanwhile, what was there before is still there."""

import os
from contextlib import suppress
from pathlib import Path


def write_whole(file: Path, content: bytes) -> None:
    """Write `content` to `file`; it is on the disk before it has its name. Raises `OSError`."""
    if file.exists() and not file.is_file():
        file.write_bytes(content)  # a pipe or a device, which must not be replaced
        return
    draft = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        with open(draft, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(draft, os.path.realpath(file))
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
