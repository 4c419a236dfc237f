"""The files of an export: a folder that is there whole or not at all, data in Parquet or JSON, each picture once."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from errno import ENOSPC
from itertools import count
from pathlib import Path
from typing import Any

from sandbox.export.row import Kind, Row, Split
from sandbox.gallery import Gallery
from sandbox.run_folder import IMAGES
from scenes.problem import refuse

REPORT = "report.json"
PROVENANCE = "provenance.jsonl"
AT_ONCE = 500
"""Rows of a row group of Parquet."""
MOST_BYTES = 256_000_000
"""Of pictures in a row group: within one, a picture is stored once."""
_FEATURES = {
    "id": {"dtype": "string", "_type": "Value"},
    "messages": {
        "feature": {
            "role": {"dtype": "string", "_type": "Value"},
            "content": {
                "feature": {
                    "type": {"dtype": "string", "_type": "Value"},
                    "text": {"dtype": "string", "_type": "Value"},
                },
                "_type": "List",
            },
            "train": {"dtype": "bool", "_type": "Value"},
        },
        "_type": "List",
    },
    "images": {"feature": {"_type": "Image"}, "_type": "List"},
}
"""What the columns are to `datasets`, which reads that from the file."""
_CARD = """---
configs:
- config_name: default
  data_files:
{files}
---

Conversations exported by Rolestage. `report.json` tells what is in them and what was left out, `provenance.jsonl` where
each row comes from.
"""
Write = Callable[[Row], None]


def data_file(kind: Kind, split: Split) -> str:
    """Return what the file of a split is called."""
    return f"data/{split}-00000-of-00001.parquet" if kind == "parquet" else f"{split}.json"


def check_target(target: Path) -> None:
    """Raise `InputRefused` if something else than an export lies at `target`."""
    if target.is_dir() and (not any(target.iterdir()) or (target / REPORT).is_file()):
        return
    if target.exists() or target.is_symlink():
        raise refuse(
            "this is no export, and nothing else is written over; name another folder with --out.", str(target)
        )


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Give a folder to write in, which takes the place of `target` once all is written; else nothing is changed."""
    target = target.resolve()
    draft = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        draft.mkdir()
    except OSError as error:
        raise refuse(
            f"no export can be written there ({error.strerror}); name another with --out.", str(target)
        ) from None
    try:
        yield draft
        for file in draft.rglob("*"):
            _to_disk(file)
        _replace(draft, target)
    except OSError as error:
        if error.errno == ENOSPC:
            raise
        raise refuse(
            f"the export cannot be written ({error.strerror or error}); nothing was changed.", str(target)
        ) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _sweep(target: Path) -> None:
    """Remove what exports to `target` left behind that were killed."""
    for left in target.parent.glob(f"{target.name}.*.part"):
        pid = left.name.removeprefix(f"{target.name}.").partition(".")[0]
        if pid.isdecimal() and not _is_alive(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def _to_disk(file: Path) -> None:
    if file.is_file():
        with open(file, "rb") as stream:
            os.fsync(stream.fileno())


def _replace(draft: Path, target: Path) -> None:
    """Put `draft` in the place of `target`; between the two moves there is none, never half of one."""
    old = target.with_name(f"{target.name}.{os.getpid()}.old.part")
    with suppress(FileNotFoundError):
        os.rename(target, old)
    os.rename(draft, target)
    shutil.rmtree(old, ignore_errors=True)


class Writer:
    """Writes rows and where they come from into a folder."""

    def __init__(self, folder: Path, kind: Kind, images: Mapping[str, Gallery], stack: ExitStack) -> None:
        """`images` are the pictures of each run, by its name."""
        self._folder, self._kind, self._images, self._stack = folder, kind, images, stack
        self._writes: dict[Split, Write] = {}
        self._numbers = count()
        self._at: dict[Split, Iterator[int]] = {"train": count(), "test": count()}
        self._origins = stack.enter_context((folder / PROVENANCE).open("w", encoding="utf-8"))
        self.pictures: set[str] = set()

    def add(self, split: Split, row: Row) -> None:
        """Write a row."""
        if split not in self._writes:
            self._writes[split] = self._opened(split)
        self._writes[split](row)
        place = {"row": next(self._numbers), "split": split, "at": next(self._at[split]), "id": row.body.get("id")}
        told = place | row.origin.model_dump(exclude_none=True) | {"pictures": list(row.pictures)}
        self._origins.write(json.dumps(told) + "\n")

    def finish(self) -> list[str]:
        """Write what belongs to the files, and return their names."""
        files = [data_file(self._kind, split) for split in self._writes]
        if self._kind == "parquet" and files:
            listed = (f"  - split: {split}\n    path: {data_file('parquet', split)}" for split in self._writes)
            (self._folder / "README.md").write_text(_CARD.format(files="\n".join(listed)), encoding="utf-8")
        return files

    def _opened(self, split: Split) -> Write:
        file = self._folder / data_file(self._kind, split)
        file.parent.mkdir(exist_ok=True)
        opened = _parquet(file, self._png) if self._kind == "parquet" else _json(file, self._copy)
        return self._stack.enter_context(opened)

    def _png(self, row: Row, picture: str) -> bytes:
        self.pictures.add(picture)
        return self._images[row.origin.run].file(picture).read_bytes()

    def _copy(self, row: Row) -> None:
        folder = self._folder / IMAGES
        for picture in row.pictures:
            if picture not in self.pictures:
                folder.mkdir(exist_ok=True)
                (folder / f"{picture}.png").write_bytes(self._png(row, picture))


@contextmanager
def _json(file: Path, copy: Callable[[Row], None]) -> Iterator[Write]:
    """Write a list of objects, one on a line."""
    with open(file, "w", encoding="utf-8") as out:

        def write(row: Row) -> None:
            copy(row)
            out.write(("[\n" if not out.tell() else ",\n") + json.dumps(row.body, ensure_ascii=False))

        yield write
        out.write("\n]\n")


@contextmanager
def _parquet(file: Path, png: Callable[[Row, str], bytes]) -> Iterator[Write]:
    """Write rows of TRL, with their pictures, as `datasets` does; within a row group a picture is stored once."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    waiting: list[Row] = []
    held: dict[str, bytes] = {}

    def flush() -> None:
        writer.write_table(_table(waiting, held, schema), row_group_size=AT_ONCE)
        waiting.clear()
        held.clear()

    def write(row: Row) -> None:
        for picture in row.pictures:
            if picture not in held:
                held[picture] = png(row, picture)
        waiting.append(row)
        if len(waiting) >= AT_ONCE or sum(map(len, held.values())) > MOST_BYTES:
            flush()

    schema = _schema(pa)
    once: dict[str, Any] = {
        "write_statistics": False,
        "use_dictionary": ["images.list.element.bytes"],
        "dictionary_pagesize_limit": 2 * MOST_BYTES,
    }
    with ParquetWriter(file, schema, compression="zstd", **once) as writer:
        yield write
        flush()


def _schema(pa: Any) -> Any:
    part = pa.struct([("type", pa.string()), ("text", pa.string())])
    message = pa.struct([("role", pa.string()), ("content", pa.list_(part)), ("train", pa.bool_())])
    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    fields = [("id", pa.string()), ("messages", pa.list_(message)), ("images", pa.list_(picture))]
    return pa.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": _FEATURES}})})


def _table(rows: Sequence[Row], held: Mapping[str, bytes], schema: Any) -> Any:
    import pyarrow as pa

    pictures = [[{"bytes": held[one], "path": f"{one}.png"} for one in row.pictures] for row in rows]
    columns = {"id": [row.body["id"] for row in rows], "messages": [row.body["messages"] for row in rows]}
    return pa.table(columns | {"images": pictures}, schema=schema)
