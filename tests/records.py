"""Published records as scenarios: MMRole's test prompts taken apart, and RoleScape's characters with their photos.

The data are read where they lie and no text of theirs is here. `$ROLESTAGE_DATA` names their folder, or they lie in
`shared/data` beside the repository.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

BLOCK = "\n\n\n"
SECTIONS = ("introduction", "personality", "life_story", "relationships", "catchphrases")
NOTES = {"Character": "characters", "Place": "place", "Scene": "scene"}
LANGUAGES = {"English": "en", "Chinese": "zh"}
HUMAN = "human"


def data_folder(name: str) -> Path:
    """Return the folder of a published data set; skip the test where it is absent."""
    folder = Path(os.environ.get("ROLESTAGE_DATA") or Path(__file__).parents[2] / "shared" / "data") / name
    if not folder.is_dir():
        pytest.skip(f"the published data of {name} are not here; name their folder in ROLESTAGE_DATA")
    return folder


@dataclass(frozen=True)
class MMRoleRecord:
    """One of MMRole's test records: who plays whom, and the blocks of its published prompt after the first."""

    id: str
    kind: str
    role: str
    world: str
    partner: str | None
    """None for a curious human."""
    language: str
    profiles: tuple[str, ...]
    """The text of the role's description, and of the partner's if it is a character."""
    notes: str | None
    history: str | None
    words: str | None
    """What is to be answered; None where the role begins."""

    @property
    def other(self) -> str | None:
        """The partner's name in a scenario, where no two of the cast may share one: in one record they do."""
        return f"another {self.partner}" if self.partner == self.role else self.partner


def mmrole_records(split: str, kind: str) -> Iterator[MMRoleRecord]:
    """Yield the records of one published file; the reviews of every model hold the same prompts."""
    models = sorted((data_folder("mmrole") / f"{split}-test_reviews").iterdir())
    file = models[0] / f"{kind}_test.json"
    for record in json.loads(file.read_text(encoding="utf-8")):
        yield parsed(record, kind)


def parsed(record: dict[str, Any], kind: str) -> MMRoleRecord:
    """Take the published prompt of a record apart."""
    blocks = record["conversations"][0]["value"].split(BLOCK)
    asked, _, words = blocks[-1].partition("\n")
    language = re.search(r" in (English|Chinese) using the distinctive tone", asked)
    assert language, "every prompt ends with what is asked, and in which language"
    return MMRoleRecord(
        id=record["id"],
        kind=kind,
        role=record["role"],
        world=record["script"],
        partner=None if record["other_role"] == "a curious human" else record["other_role"],
        language=LANGUAGES[language[1]],
        profiles=tuple(_bodies(blocks, "The description of ")),
        notes=next(_bodies(blocks, "The auxiliary information "), None),
        history=next(_bodies(blocks, "The conversation history "), None),
        words=words if asked.startswith("Please respond") else None,
    )


def _bodies(blocks: list[str], heading: str) -> Iterator[str]:
    """Yield what stands under the heading in each of the blocks that begin with it."""
    return (block.partition("\n")[2] for block in blocks if block.startswith(heading))


def profile_of(name: str, world: str, text: str) -> dict[str, Any]:
    """Return a profile: by section where the text has the five of them in order, else all as introduction."""
    before, *parts = re.split(r"^#{3,4} .*\n", text, flags=re.MULTILINE)
    if before.strip() or len(parts) != len(SECTIONS):
        return {"name": name, "world": world, "introduction": text}
    sections: dict[str, Any] = dict(zip(SECTIONS, (part.strip() for part in parts), strict=True))
    sections["catchphrases"] = [line for line in map(bare, sections["catchphrases"].splitlines()) if line]
    return {"name": name, "world": world, **sections}


def bare(line: str) -> str:
    """Return a line without the mark or number of a list item."""
    return re.sub(r"^\s*(?:[-*]|\d+\.)\s+", "", line).strip()


def notes_of(text: str) -> dict[str, str]:
    """Return the three annotations of a picture that a prompt may tell."""
    found = re.findall(r"^ - (Character|Place|Scene) information: (.*)$", text, re.MULTILINE)
    return {NOTES[kind]: words for kind, words in found}


def turns_of(record: MMRoleRecord) -> list[tuple[str, str]]:
    """Return speaker and words of all that was said before, the words to answer last."""
    names = "|".join(re.escape(name) for name in {HUMAN, record.role, record.partner or HUMAN})
    _, *parts = re.split(rf"^\[({names})\]: ", record.history or "", flags=re.MULTILINE)
    said = [(speaker, words.removesuffix("\n")) for speaker, words in zip(parts[::2], parts[1::2], strict=True)]
    if record.words is not None:
        said.append((record.partner or HUMAN, record.words))
    if record.partner == record.role:
        speakers = [str(record.other), record.role]
        said = [(speakers[at % 2], words) for at, (_, words) in enumerate(reversed(said))][::-1]
    return said


def mmrole_scenario(record: MMRoleRecord) -> dict[str, Any]:
    """Return the record as the top level of a scenario, its picture a drawing."""
    names = [record.role, *([record.other] if record.other else [])]
    picture: dict[str, Any] = {"storybook": {"seed": 7}}
    if record.notes:
        picture["notes"] = notes_of(record.notes)
    return {
        "schema_version": 1,
        "title": record.id,
        "kind": record.kind,
        "language": record.language,
        "images": {"picture": picture},
        "cast": [
            {"character": profile_of(str(name), record.world, text)}
            for name, text in zip(names, record.profiles, strict=True)
        ],
        **({} if record.other else {"player": {"name": HUMAN, "questions": [record.words]}}),
    }


def rolescape_scenario(name: str, folder: Path, dialogue: int = 0) -> dict[str, Any]:
    """Return a talk with one of RoleScape's characters about a photo of it, which is copied into `folder`."""
    source = data_folder("rolescape") / "train" / name
    lines = json.loads((source / "annotation.json").read_text(encoding="utf-8"))["scenes"][dialogue]
    photo = next(line["image"] for line in lines if "image" in line)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / f"{photo}.png", folder / "photo.png")
    questions = [line["text"] for line in lines if line["role"] == "user"]
    return {
        "schema_version": 1,
        "title": f"A talk with {name}",
        "kind": "human-role",
        "images": {"photo": {"file": "photo.png"}},
        "cast": [{"character": {"name": name, "introduction": rolescape_profile(name)}}],
        "player": {"questions": [*questions, "And what else?", "Are you sure?"]},
        "opening": [{name: line["text"]} for line in lines if line["role"] == "machine"],
        "turns": 3,
    }


def rolescape_profile(name: str) -> str:
    """Return the full profile of one of RoleScape's characters."""
    file = data_folder("rolescape") / "train" / name / f"{name}_full_profile.txt"
    return file.read_text(encoding="utf-8")
