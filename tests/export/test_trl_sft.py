"""Conversations for TRL: whose lines are learned, what stands before them, and that it is what was sent."""

import json
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from commanding import commanded
from exporting import Message, exported, learned, origins_of, rows_of, text_of, texts_of
from PIL import Image
from playing import STORY, carried_out, last_words, new_run, played, written

from sandbox.engines.scripted import Scripted
from sandbox.record import Record
from sandbox.run import Plan, carry_out
from sandbox.tape import turn_of
from scenes.chat import CallFailed, Completion, Prompt, Request, fitting, message_text, messages
from scenes.loading import load

BRACK, PIP = "Captain Brack", "Pip"


def sent(prompt: Prompt) -> list[tuple[str, str]]:
    """Return a prompt as an engine renders it, with a mark at each picture."""
    told = [
        (message.role, message_text(message, lambda image: "⟦⟧").strip()) for message in messages(prompt.segments())
    ]
    return [(role, text) for role, text in told]


def before(row: dict[str, Any], line: int) -> list[tuple[str, str]]:
    """Return what stands before a line that is learned, by its number."""
    at = [at for at, message in enumerate(row["messages"]) if message["train"]][line]
    return [(message["role"], text_of(message)) for message in row["messages"][:at]]


def calls_of(run: Path, episode: int = 0) -> dict[str, Request]:
    with closing(Record(run)) as record:
        return {call.key: call.request for call in record.calls(episode)}


def test_each_of_the_cast_has_one_conversation_in_which_its_own_lines_are_learned(tmp_path: Path) -> None:
    report = exported(played(tmp_path, turns=6, layout="compact"))
    rows = rows_of(report)
    with closing(Record(Path(report.out).parent.parent)) as record:
        said = [(event.actor, event.text) for event in record.events(0)]
    assert [learned(row) for row in rows] == [[text for who, text in said if who == name] for name in (BRACK, PIP)]
    for row, name, other in zip(rows, (BRACK, PIP), (PIP, BRACK), strict=True):
        heard = "\n".join(text_of(message) for message in row["messages"] if message["role"] == "user")
        assert f"{other}: Line" in heard
        assert f"{name}: Line" not in heard
    assert report.learned == 6
    assert report.left_out == {}


@pytest.mark.parametrize("layout", ["compact", "mmrole", "cast-first"])
def test_what_stands_before_a_line_is_to_the_letter_what_was_sent(tmp_path: Path, layout: str) -> None:
    run = played(tmp_path, turns=6, layout=layout)
    asked, report = calls_of(run), exported(run)
    lines = 0
    for row, origin in zip(rows_of(report), origins_of(report), strict=True):
        for at, call in enumerate(origin["calls"]):
            assert before(row, at) == sent(asked[call["key"]].prompt)
            assert call["exact"]
            assert call["prompt"] == asked[call["key"]].prompt.id.hex()
            lines += 1
    assert lines == 6
    assert not report.notes


def test_in_images_first_each_line_has_its_own_closing_before_it_and_the_report_says_so(tmp_path: Path) -> None:
    run = played(tmp_path, turns=6, layout="images-first")
    asked, report = calls_of(run), exported(run)
    rows = rows_of(report)
    assert len(rows) == 2
    for row, origin in zip(rows, origins_of(report), strict=True):
        assert [call["exact"] for call in origin["calls"]] == [True, False, False]
        assert before(row, 0) == sent(asked[origin["calls"][0]["key"]].prompt)
        for at, call in enumerate(origin["calls"]):
            assert before(row, at)[-1][1].endswith(sent(asked[call["key"]].prompt)[-1][1].splitlines()[-1])
            heard = "\n".join(text for role, text in before(row, at) if role == "user")
            assert all(line in heard for line in sent(asked[call["key"]].prompt)[1][1].splitlines())
    assert report.notes == {"lines whose text before is not to the letter what was sent": 4}


def test_a_layout_that_is_one_text_has_a_row_for_each_line(tmp_path: Path) -> None:
    assert exported(played(tmp_path, turns=6, layout="mmrole")).rows == 6


def test_lines_of_the_layout_script_are_left_out_and_counted(tmp_path: Path) -> None:
    run = played(tmp_path / "one", turns=4, layout="script")
    ended = commanded("export", run, "--to", "trl-sft")
    assert ended.code == 2
    assert "lines in the layout script, where all that is said is one text of the assistant: 4" in ended.err
    assert not (run / "exports").exists() or not [*(run / "exports").iterdir()]


def test_when_the_oldest_talk_is_forgotten_another_view_begins_and_no_line_is_learned_twice(tmp_path: Path) -> None:
    run = played(tmp_path, turns=20, layout="compact", memory={"words": 30})
    asked, report = calls_of(run), exported(run)
    rows = rows_of(report)
    assert len(rows) > 4
    assert sum(map(len, map(learned, rows))) == report.learned == 20
    assert any(message["role"] == "assistant" and not message["train"] for row in rows for message in row["messages"])
    for row, origin in zip(rows, origins_of(report), strict=True):
        assert [before(row, at) == sent(asked[call["key"]].prompt) for at, call in enumerate(origin["calls"])] == [
            True for _ in origin["calls"]
        ]


def test_pictures_are_in_their_column_alone_as_many_as_there_are_places_and_once_in_the_file(tmp_path: Path) -> None:
    run = played(tmp_path, **STORY | {"turns": 12})
    report = exported(run)
    (file,) = (Path(report.out) / name for name in report.files)
    rows = rows_of(report)
    for row in rows:
        parts = [part for message in row["messages"] for part in message["content"]]
        assert all(part.keys() == {"type", "text"} for part in parts)
        assert sum(part["type"] == "image" for part in parts) == len(row["images"])
    pictures = {picture["path"]: picture["bytes"] for row in rows for picture in row["images"]}
    assert len(pictures) == report.pictures > 0
    assert all(Image.open(BytesIO(content)).size for content in pictures.values())
    held = sum(len(row["images"]) for row in rows)
    assert held > len(pictures)
    group = pq.read_metadata(file).row_group(0)
    sizes = {group.column(at).path_in_schema: group.column(at).total_compressed_size for at in range(group.num_columns)}
    assert sizes["images.list.element.bytes"] < sum(map(len, pictures.values())) * 1.5


def test_the_file_tells_datasets_what_its_columns_are(tmp_path: Path) -> None:
    report = exported(played(tmp_path))
    schema = pq.read_schema(Path(report.out) / report.files[0])
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert [*features] == schema.names == ["id", "messages", "images"]
    assert features["images"] == {"feature": {"_type": "Image"}, "_type": "List"}
    assert str(schema.field("images").type) == "list<element: struct<bytes: binary, path: string>>"
    assert f"path: {report.files[0]}" in (Path(report.out) / "README.md").read_text()


def test_thoughts_of_others_are_in_no_conversation_and_own_ones_are_learned(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        return f"[thought {request.seed % 1000}] (nods) Words {request.seed % 1000}."

    report = exported(played(tmp_path, answer, layout="images-first"))
    for row in rows_of(report):
        own = " ".join(learned(row))
        heard = "\n".join(text_of(message) for message in row["messages"] if not message["train"])
        assert own.count("[thought") == 2
        assert "Words" in heard
        assert "thought " not in heard


class Short(Scripted):
    """Is cut off after an "and"."""

    async def complete(self, request: Request, *urgency: Any) -> Completion:
        completion = await super().complete(request, *urgency)
        is_short = completion.text.endswith("and")
        return completion.model_copy(update={"finish_reason": "length"}) if is_short else completion


def test_a_line_cut_off_by_its_limit_is_read_and_not_learned(tmp_path: Path) -> None:
    lines = iter(["First.", "Second, and", "Third.", "Fourth.", "Fifth.", "Sixth."])
    run = run_with(tmp_path, Short(lambda request: next(lines)), turns=6, layout="compact")
    report = exported(run)
    brack, pip = rows_of(report)
    assert learned(pip) == ["Fourth.", "Sixth."]
    assert next(text_of(message) for message in pip["messages"] if message["role"] == "assistant") == "Second, and"
    assert learned(brack) == ["First.", "Third.", "Fifth."]
    assert report.left_out == {"lines cut off by their token limit: there to be read, and not learned": 1}


def run_with(folder: Path, engine: Scripted, **changes: Any) -> Path:
    """Play a scenario of two with an engine, and return the run."""
    import asyncio

    from sandbox.display import Quiet
    from sandbox.gallery import Gallery

    source = load(written(folder / "scenario", **changes))
    run = new_run(source, folder / "runs")
    facts = {"planned": 1, "title": "Two", "concurrency": 1, "engine": {"kind": "scripted"}}
    asyncio.run(carry_out(Plan(run, source, 1, {"storybook": engine}, Gallery(), 1, facts), Quiet()))
    return run


def test_a_line_cut_where_the_model_spoke_for_another_is_learned_as_cut_and_noted(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        return "Aye.\nPip: No!" if "You are Captain" in request.prompt.segments()[0].text else "Hm."

    report = exported(played(tmp_path, answer, layout="compact"))
    assert [learned(row) for row in rows_of(report)] == [["Aye.", "Aye."], ["Hm.", "Hm."]]
    assert report.notes == {"learned as cut where the model began to speak for somebody else": 2}
    (brack, pip) = origins_of(report)
    assert [len(call["flags"]) for call in (*brack["calls"], *pip["calls"])] == [1, 1, 0, 0]


def test_empty_replies_failed_episodes_and_what_is_no_line_are_counted(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        if request.form is None and request.seed % 3 == 0:
            return ""
        return last_words(request)

    run = played(tmp_path, answer, **STORY | {"turns": 10})
    report = exported(run)
    with closing(Record(run)) as record:
        asked = [call.key for call in record.calls(0)]
    assert {"calls of the narrator", "decisions in a form", "empty replies"} <= report.left_out.keys()
    assert "what a character believes, asked in private" in report.left_out
    assert report.learned + sum(report.left_out.values()) == len(asked)


def test_an_episode_that_failed_is_left_out_and_counted(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        if request.seed % 2:
            raise CallFailed("no answer")
        return last_words(request)

    run = played(tmp_path, answer, episodes=24, turns=1)
    report = exported(run)
    assert report.left_out["episodes that failed"] + report.episodes == 24
    assert 0 < report.episodes < 24


def test_a_branch_learns_nothing_that_its_parent_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scenario = written(tmp_path / "scenario", turns=6)
    assert commanded("run", scenario, "--dry-run", "--display", "none").code == 0
    assert commanded("fork", "latest", "--at", "0:4", "-n", 2, "--display", "none").code == 0
    (run,) = (tmp_path / "runs").iterdir()
    report = exported(run)
    learned_calls = [(row["episode"], call["key"]) for row in origins_of(report) for call in row["calls"]]
    assert all(episode == 0 or turn_of(key) > 4 for episode, key in learned_calls)
    assert len(learned_calls) == 6 + 2 * 2
    assert report.left_out == {"lines that a branch shares with the episode it branches from": 8}
    assert len({row["scenario"] for row in origins_of(report)}) == 1


def test_talk_that_did_not_fit_the_model_is_not_before_the_lines_that_were_said_without_it(tmp_path: Path) -> None:
    engine = Scripted(lambda request: "Aye, " + "and so on, " * 9 + f"{request.seed % 1000}.", context_length=560)
    run = run_with(tmp_path, engine, turns=16, layout="images-first", sampling={"max_tokens": 20})
    with closing(Record(run)) as record:
        cut = {call.key: call for call in record.calls(0) if call.completion and call.completion.dropped}
    report, seen = exported(run), 0
    for row, origin in zip(rows_of(report), origins_of(report), strict=True):
        first = origin["calls"][0]
        if first["key"] in cut:
            seen += 1
            completion = cut[first["key"]].completion
            assert completion is not None
            segments = fitting(cut[first["key"]].request.prompt.segments(), completion.dropped)
            assert before(row, 0) == sent(Prompt().then(*segments))
    assert seen > 2
    assert report.notes["asked without the oldest talk, which did not fit the model"] == len(cut)


def test_lines_that_the_scenario_gives_are_read_and_not_learned(tmp_path: Path) -> None:
    report = exported(played(tmp_path, opening=[{"Brack": "Evening."}], layout="compact"))
    (brack,) = (row for row in rows_of(report) if "/Captain Brack/" in row["id"])
    assert "Evening." in texts_of(brack)
    assert "Evening." not in learned(brack)


def test_the_shipped_model_reads_a_row_as_it_read_the_prompt(tmp_path: Path) -> None:
    """Rendered by the checkpoint's own chat template, as TRL does, against what our encoder makes of the request."""
    from transformers import AutoProcessor

    from sandbox.engines.encoding import Encoder
    from sandbox.gallery import Gallery
    from sandbox.models import reference

    run = played(tmp_path, turns=6, layout="compact")
    gallery = Gallery()
    gallery.keep_in(run / "images")
    encoder = Encoder(reference("storybook"), gallery.open)
    processor = AutoProcessor.from_pretrained(reference("storybook"))
    report, asked = exported(run), calls_of(run)
    for row, origin in zip(rows_of(report), origins_of(report), strict=True):
        for at, call in enumerate(origin["calls"]):
            shown: list[Message] = row["messages"][: [n for n, one in enumerate(row["messages"]) if one["train"]][at]]
            told = [{"role": one["role"], "content": one["content"]} for one in shown]
            rendered = processor.apply_chat_template(told, tokenize=False, add_generation_prompt=True)
            assert rendered == encoder.encode(asked[call["key"]].prompt.segments()).text


def test_a_run_that_still_plays_is_exported_as_far_as_it_is(tmp_path: Path) -> None:
    run = new_run(load(written(tmp_path / "scenario", episodes=3)), tmp_path / "runs")
    carried_out(run, episodes=2)
    assert exported(run).episodes == 2
