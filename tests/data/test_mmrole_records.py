"""All 294 prompts of MMRole's test set, rebuilt by the layout `mmrole`: the published blocks in the published order."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playing import written
from records import BLOCK, MMRoleRecord, bare, mmrole_records, mmrole_scenario, notes_of, turns_of
from staging import said

from agents.character import Character, Voice
from agents.prompts.layouts import LAYOUTS
from scenes.chat import message_text, messages
from scenes.loading import load
from scenes.scene import Scene

pytestmark = pytest.mark.data

PICTURE = "<the picture>"
SIZES = {
    ("in", "comment"): 72,
    ("in", "human-role"): 72,
    ("in", "inter-role"): 72,
    ("out", "comment"): 26,
    ("out", "human-role"): 26,
    ("out", "inter-role"): 26,
}


@pytest.fixture(params=SIZES, ids=lambda key: "-".join(key))
def records(request: pytest.FixtureRequest) -> list[MMRoleRecord]:
    split, kind = request.param
    found = list(mmrole_records(split, kind))
    assert len(found) == SIZES[request.param]
    return found


def scene_before(record: MMRoleRecord, folder: Path) -> Scene:
    """Return the scene of a record, in which all has been said that its prompt tells."""
    source = load(written(folder, **mmrole_scenario(record)))
    scene = Scene(source.setting(source.variant(0), lambda picture, facts: None), 0)
    for scene.turn, (speaker, words) in enumerate(turns_of(record), start=1):
        scene.add(speaker, said(words))
    return scene


def blocks_of(record: MMRoleRecord, folder: Path) -> list[str]:
    """Return the blocks of the request that the record's character is sent."""
    scene = scene_before(record, folder)
    voice = Voice("model", LAYOUTS["mmrole"], scene.setting.scenario.sampling)
    prompt = Character(scene.view(record.role), voice, scene.seed).request("t01/speak").prompt
    _system, user = messages(prompt.segments())
    return message_text(user, lambda image: PICTURE).split(BLOCK)


def expected_beginnings(record: MMRoleRecord) -> Iterator[str]:
    """Yield how each block begins that the published prompt has, in its order."""
    yield f"{PICTURE}\nStep into the role of {record.role} from {record.world}"
    yield f"Who {record.role} is:\n"
    if record.other:
        yield f"Who {record.other} is:\n"
    if record.notes:
        yield "What is known of the picture:\n"
    if record.history:
        yield "The conversation so far:\n"
    yield "Respond to these words of " if record.words else "Begin the conversation with "


def in_order(text: str, lines: list[str]) -> bool:
    """Return whether `text` holds all `lines`, one after the other."""
    at = 0
    for line in lines:
        at = text.find(line, at)
        if at < 0:
            return False
        at += len(line)
    return True


def contents(profile: str) -> list[str]:
    """Return the lines of a published description without the headings, which vary, and the marks of lists."""
    lines = [line for line in profile.splitlines() if line.strip() and not line.startswith("#")]
    return [bare(line) for line in lines]


def wrong_in(record: MMRoleRecord, blocks: list[str]) -> list[str]:
    """Return what is not as published."""
    beginnings = list(expected_beginnings(record))
    if len(blocks) != len(beginnings):
        return [f"{len(blocks)} blocks for {len(beginnings)}"]
    wrong = [f"no {start!r}" for start, block in zip(beginnings, blocks, strict=True) if not block.startswith(start)]
    described = blocks[1 : 1 + len(record.profiles)]
    for profile, block in zip(record.profiles, described, strict=True):
        if not in_order(block, contents(profile)):
            wrong.append("another description")
    if record.notes and not in_order(blocks[1 + len(described)], list(notes_of(record.notes).values())):
        wrong.append("another note on the picture")
    if record.history and told_history(record, blocks[-2]) != record.history:
        wrong.append("another history")
    return wrong + list(wrong_at_the_end(record, blocks[0], blocks[-1]))


def told_history(record: MMRoleRecord, block: str) -> str:
    told = block.partition("\n")[2]
    return told.replace(f"[{record.other}]: ", f"[{record.partner}]: ") if record.other else told


def wrong_at_the_end(record: MMRoleRecord, step_in: str, asked: str) -> Iterator[str]:
    partner = record.other or "a curious human"
    language = {"en": "English", "zh": "Chinese"}[record.language]
    task, _, words = asked.partition("\n")
    if f"in conversation with {partner}" not in step_in:
        yield "another partner"
    if words != (record.words or ""):
        yield "other words to answer"
    for part in (record.other or "human", record.role, language):
        if part not in task:
            yield f"no {part!r} in what is asked"


def test_every_published_prompt_is_rebuilt_block_by_block(records: list[MMRoleRecord], tmp_path: Path) -> None:
    wrong = {record.id: wrong_in(record, blocks_of(record, tmp_path)) for record in records}
    assert {id: found for id, found in wrong.items() if found} == {}


def test_what_was_said_before_is_read_from_a_prompt_without_losing_a_letter(records: list[MMRoleRecord]) -> None:
    for record in records:
        labels = [f"[{record.partner if name == record.other else name}]: {words}" for name, words in turns_of(record)]
        told = labels[:-1] if record.words is not None else labels
        assert "\n".join(told) == (record.history or "")
