"""Made-up test records in MMRole's released form: none of its text is here."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from scorers.mmrole.metrics import METRICS

Json = dict[str, Any]


def record(nth: int = 0, **changes: Any) -> Json:
    """Return a record that nobody has answered."""
    made = {
        "id": f"Brack_comment_COCO_{nth}",
        "system": "You are an actor.",
        "image": f"quay/{nth % 2}.png",
        "conversations": [
            {"from": "user", "value": f"Question {nth}: what is on the quay?"},
            {"from": "assistant", "value": "A boat, and 海."},
        ],
        "role": "Brack",
        "script": "The Harbour",
        "other_role": "a curious human",
    }
    return made | changes


def answered(made: Json, answer: str = "I see a boat.") -> Json:
    asked, replied = made["conversations"]
    return made | {"conversations": [asked, replied | {"answer": answer}]}


def judged(made: Json, scores: Mapping[str, Sequence[float]] | Sequence[float] = (8.0, 10.0)) -> Json:
    """Return the record with a review of each metric; all with the same scores, or each with its own by key."""
    by_key = scores if isinstance(scores, Mapping) else {metric.key: scores for metric in METRICS}
    reviews = {metric.name: _review(by_key[metric.key]) for metric in METRICS if metric.key in by_key}
    return answered(made) | {"rm_review": reviews}


def _review(score: Sequence[float]) -> Json:
    first, second = score
    return {"review": f"The one is good, the other too. [Scores]: ({first:g}, {second:g})", "score": [first, second]}


def text_of(records: Sequence[Json]) -> str:
    """Return records as the release has them: indented by four, not escaped, without a last line end."""
    return json.dumps(records, indent=4, ensure_ascii=False)


def written_records(path: Path, records: Sequence[Json]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text_of(records), encoding="utf-8")
    return path


def pictures_for(folder: Path, records: Sequence[Json]) -> Path:
    """Write a picture for every record of one colour, another for every name."""
    for at, name in enumerate(sorted({made["image"] for made in records})):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), (at, 80, 120)).save(folder / name)
    return folder
