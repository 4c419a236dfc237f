"""The rows of an export for training, as `datasets` reads them; pictures stay files until a batch needs them."""

import json
from hashlib import blake2b
from pathlib import Path
from typing import Any

from sandbox.export.files import REPORT, data_file
from sandbox.export.row import Split
from scenes.problem import refuse

FORMAT = "trl-sft"


def check_export(folder: Path) -> str:
    """Return a digest of the export in `folder`. Raises `InputRefused` if it is none to be trained on."""
    try:
        report = (folder / REPORT).read_bytes()
        made_as = json.loads(report)["format"]
    except (OSError, ValueError, LookupError, TypeError):
        mend = f"name a folder made by: rolestage export RUN --to {FORMAT}"
        raise refuse(f"this is no export; {mend}", str(folder)) from None
    if made_as != FORMAT:
        raise refuse(f"this is exported as {made_as}; what is trained on is {FORMAT}.", str(folder))
    if not (folder / data_file("parquet", "train")).is_file():
        raise refuse("the export has no rows to train on; make it again.", str(folder))
    provenance = folder / "provenance.jsonl"
    return blake2b(provenance.read_bytes() if provenance.is_file() else report, digest_size=8).hexdigest()


def rows_of(folder: Path, split: Split, cache: Path) -> Any:
    """Return the rows of a split as a `datasets.Dataset`, None where there are none.

    Columns are `messages` and `images`, the latter as they are in the file: `{bytes, path}`. What `datasets` makes of
    the file, to read it without holding it, goes to `cache`. Raises `InputRefused` if the file cannot be read.
    """
    from datasets import Dataset, Image, List, disable_progress_bars
    from datasets.exceptions import DatasetGenerationError

    file = folder / data_file("parquet", split)
    if not file.is_file():
        return None
    disable_progress_bars()
    try:
        rows = Dataset.from_parquet(str(file), cache_dir=str(cache))
        return rows.select_columns(["messages", "images"]).cast_column("images", List(Image(decode=False)))
    except (DatasetGenerationError, OSError, ValueError, KeyError) as error:
        raise refuse("the export is damaged; make it again.", str(file)) from error
