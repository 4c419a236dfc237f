"""`rolestage answer`: every record gets the answer of its own prompt, once, however often the work is cut short."""

import asyncio
import json
import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path
from shutil import copytree
from typing import Any

import answering
import pytest
from answering import LOG, echo, filled, question, stored
from commanding import Outcome, commanded, on_a_terminal, program
from made_records import Json, answered, judged, pictures_for, record, text_of, written_records
from records import data_folder

from sandbox.answer import request_of
from sandbox.answer_files import JOURNAL
from sandbox.errors import EngineDied, RunLocked, StoreDamaged, StoreFailed
from sandbox.store import lock_run
from scenes.chat import CallFailed, Request
from scenes.problem import InputRefused
from scorers.mmrole.records import Sample, read_samples, sample_files

RECORDS = [record(nth) for nth in range(12)]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Two files of records, with their pictures beside them as in the release."""
    written_records(tmp_path / "test/in/comment_test.json", RECORDS[:8])
    written_records(tmp_path / "test/out/inter-role_test.json", RECORDS[8:])
    pictures_for(tmp_path / "images", RECORDS)
    return tmp_path / "test"


def answers(out: Path) -> list[str]:
    return [sample.answer for path in sample_files(out) for sample in read_samples(path).samples]


def command(place: Path, *words: object) -> Outcome:
    return commanded("answer", place, "--model", "storybook", "--engine", "scripted", *words)


def sample_of(made: Json) -> Sample:
    return Sample.model_validate(made)


def test_every_record_gets_the_answer_to_its_own_prompt_and_nothing_else_changes(place: Path, tmp_path: Path) -> None:
    summary = filled(place, tmp_path / "out", lambda request: f"On {question(request)[9:11]} 海.")
    assert (summary.records, summary.now, summary.earlier, summary.failed) == (12, 12, 0, 0)
    expected = [answered(made, f"On {made['conversations'][0]['value'][9:11]} 海.") for made in RECORDS]
    assert (tmp_path / "out/in/comment_test.json").read_text(encoding="utf-8") == text_of(expected[:8])
    assert (tmp_path / "out/out/inter-role_test.json").read_text(encoding="utf-8") == text_of(expected[8:])
    assert summary.files == [f"{tmp_path}/out/in/comment_test.json", f"{tmp_path}/out/out/inter-role_test.json"]


def test_a_model_is_asked_with_the_published_words_under_the_picture() -> None:
    made = record(1, system="You are \ud83d.")
    system, picture, words = request_of(sample_of(made), "m", "picture-id").prompt.segments()
    assert (system.role, system.text) == ("system", "You are \ufffd.")
    assert (picture.role, picture.image) == ("user", "picture-id")
    assert (words.role, words.text, words.glue) == ("user", "Question 1: what is on the quay?", "\n")
    assert {part.stability for part in (system, picture, words)}.isdisjoint({"history"})


def test_a_record_without_a_system_sentence_has_no_system_message() -> None:
    roles = [part.role for part in request_of(sample_of(record(system=" ")), "m", "p").prompt.segments()]
    assert roles == ["user", "user"]


def test_the_seed_of_a_record_is_its_own_and_always_the_same() -> None:
    first, again, other = (request_of(sample_of(made), "m", "p") for made in (record(1), record(1), record(2)))
    assert first.seed == again.seed != other.seed
    assert first.digest() == again.digest() != request_of(sample_of(record(1)), "n", "p").digest()


def test_what_two_files_ask_alike_is_asked_once(place: Path, tmp_path: Path) -> None:
    copytree(place / "in", place / "copy")
    asked: list[Request] = []
    summary = filled(place, tmp_path / "out", lambda request: asked.append(request) or echo(request))  # type: ignore[func-returns-value]
    assert (summary.records, summary.now, len(asked)) == (20, 20, 12)
    assert "" not in answers(tmp_path / "out")


def test_all_are_asked_at_once_or_as_many_as_are_wanted(place: Path, tmp_path: Path) -> None:
    most: dict[int | None, int] = {}
    for wanted in (None, 1, 5):
        under_way = 0

        async def answer(request: Request, wanted: int | None = wanted) -> str:
            nonlocal under_way
            under_way += 1
            most[wanted] = max(most.get(wanted, 0), under_way)
            for _ in range(5):
                await asyncio.sleep(0)
            under_way -= 1
            return "Aye."

        filled(place, tmp_path / f"out{wanted}", answer, wanted)
    assert most == {None: 12, 1: 1, 5: 5}


def test_what_is_answered_is_not_asked_again(place: Path, tmp_path: Path) -> None:
    filled(place, tmp_path / "out", echo)
    before = answers(tmp_path / "out")
    summary = filled(place, tmp_path / "out", lambda request: pytest.fail("asked again"))
    assert (summary.now, summary.earlier) == (0, 12)
    assert answers(tmp_path / "out") == before


def test_what_failed_is_counted_kept_as_missing_and_asked_again(place: Path, tmp_path: Path) -> None:
    def stubborn(request: Request) -> str:
        if "Question 3:" in question(request):
            raise CallFailed("no \x1b[2Janswer")
        return echo(request)

    summary = filled(place, tmp_path / "out", stubborn)
    (failure,) = summary.failures
    assert (summary.now, summary.failed, summary.too_long) == (11, 1, 0)
    assert (failure.record, failure.file) == ("Brack_comment_COCO_3", f"{place}/in/comment_test.json")
    assert "\x1b" not in failure.reason
    assert [at for at, answer in enumerate(answers(tmp_path / "out")) if not answer] == [3]
    later = filled(place, tmp_path / "out", echo)
    assert (later.now, later.earlier, later.failed) == (1, 11, 0)
    assert "" not in answers(tmp_path / "out")


def test_a_prompt_that_does_not_fit_is_counted_and_never_asked(place: Path, tmp_path: Path) -> None:
    long = record(99, conversations=[{"from": "user", "value": "word " * 300}, RECORDS[0]["conversations"][1]])
    written_records(place / "in/human-role_test.json", [long])
    pictures_for(tmp_path / "images", [long])
    summary = filled(place, tmp_path / "out", echo, context=600)
    assert (summary.now, summary.failed, summary.too_long) == (12, 1, 1)
    (failure,) = summary.failures
    # 300 words, 4 of the system sentence, a picture, and 512 for the answer
    assert failure.reason == "prompt, picture and answer need 217 tokens more than the model's context has"


def test_empty_answers_are_kept_and_counted_and_not_asked_again(place: Path, tmp_path: Path) -> None:
    def shy(request: Request) -> str:
        return " \n" if request.seed % 2 else "Aye."

    empty = sum(request_of(sample_of(made), "m", "p").seed % 2 for made in RECORDS)
    assert 0 < empty < 12
    for _ in range(2):
        summary = filled(place, tmp_path / "out", shy)
        assert (summary.empty, summary.failed) == (empty, 0)
    assert answers(tmp_path / "out").count(" \n") == empty
    assert summary.earlier == 12


def test_an_answer_that_was_there_is_replaced_and_its_reviews_are_left_out(place: Path, tmp_path: Path) -> None:
    written_records(place / "in/comment_test.json", [judged(made) for made in RECORDS[:8]])
    summary = filled(place, tmp_path / "out", lambda request: "New.")
    assert summary.replaced == 8
    text = (tmp_path / "out/in/comment_test.json").read_text(encoding="utf-8")
    assert text == text_of([answered(made, "New.") for made in RECORDS[:8]])


def test_a_single_file_is_answered_under_its_name(place: Path, tmp_path: Path) -> None:
    outcome = command(place / "in/comment_test.json", "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert [path.name for path in sample_files(tmp_path / "out")] == ["comment_test.json"]


def test_the_pictures_are_found_above_the_records_or_where_they_are_named(place: Path, tmp_path: Path) -> None:
    assert command(place / "in", "--out", tmp_path / "out").code == 0
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    refused = command(place, "--out", tmp_path / "out2")
    assert (refused.code, refused.out) == (2, "")
    assert "--images DIR" in refused.err
    assert command(place, "--out", tmp_path / "out2", "--images", tmp_path / "elsewhere").code == 0


def test_every_picture_that_cannot_be_used_is_named_before_a_model_is_loaded(place: Path, tmp_path: Path) -> None:
    wrong = {0: "gone.png", 3: "../secret.png", 4: "http://example.org/a.png", 6: "text.png", 7: "/etc/passwd"}
    made = [one | {"image": wrong.get(at, one["image"])} for at, one in enumerate(RECORDS[:8])]
    written_records(place / "in/comment_test.json", made)
    (tmp_path / "images/text.png").write_text("no picture", encoding="utf-8")
    outcome = commanded("answer", place, "--model", "/nowhere/model", "--out", tmp_path / "out")
    assert outcome.code == 2
    assert "there is no folder" in outcome.err
    outcome = command(place, "--out", tmp_path / "out")
    lines = outcome.err.splitlines()
    assert outcome.code == 2
    assert [re.sub(r".*comment_test.json:(\d+:\d+: record \d).*", r"\1", line) for line in lines] == [
        "5:9: record 1",
        "59:9: record 4",
        "77:9: record 5",
        "113:9: record 7",
        "131:9: record 8",
    ]
    assert all(line.endswith(f"It was looked for in {tmp_path}/images (--images).") for line in lines)
    assert not (tmp_path / "out").exists()


def test_of_very_many_pictures_that_are_missing_the_first_are_named_and_the_others_counted(
    place: Path, tmp_path: Path
) -> None:
    written_records(place / "in/comment_test.json", [record(nth, image=f"{nth}.png") for nth in range(50)])
    lines = command(place, "--out", tmp_path / "out").err.splitlines()
    assert len(lines) == 21
    assert lines[-1].endswith("… and 30 more pictures cannot be used, from here on.")


def test_a_picture_is_read_once_however_many_records_show_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sandbox import answer_files

    names: list[str] = []
    read = answer_files.read_picture
    monkeypatch.setattr(answer_files, "read_picture", lambda name, *where: names.append(name) or read(name, *where))  # type: ignore[func-returns-value]
    filled(place, place.parent / "out", echo)
    assert sorted(names) == ["quay/0.png", "quay/1.png"]


def test_answers_of_another_model_or_engine_are_not_mixed(place: Path, tmp_path: Path) -> None:
    assert command(place, "--out", tmp_path / "out").code == 0
    for words in (("--model", "other/model"), ("--engine", "transformers")):
        outcome = command(place, "--out", tmp_path / "out", *words)
        assert outcome.code == 2
        assert "the answers in this folder are those of storybook on scripted" in outcome.err


def test_answers_that_were_made_here_are_no_input(place: Path, tmp_path: Path) -> None:
    assert command(tmp_path, "--out", tmp_path / "a").code == 0
    again = json.loads(command(tmp_path, "--out", tmp_path / "b", "--json").out)
    assert again["records"] == 12
    written_records(tmp_path / "none/x/comment_test.json", [record()])
    (tmp_path / "none/x" / JOURNAL).touch()
    assert "made here" in command(tmp_path / "none", "--out", tmp_path / "c").err


def test_the_records_are_never_overwritten(place: Path) -> None:
    outcome = command(place, "--out", place)
    assert outcome.code == 2
    assert "would take the place of these records" in outcome.err


def test_two_processes_do_not_write_one_folder(place: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with lock_run(tmp_path / "out"), pytest.raises(RunLocked):
        filled(place, tmp_path / "out", echo)
    assert filled(place, tmp_path / "out", echo).now == 12


def test_a_line_that_was_cut_short_is_asked_again_and_a_damaged_one_is_named(place: Path, tmp_path: Path) -> None:
    filled(place, tmp_path / "out", echo)
    journal = tmp_path / "out" / JOURNAL
    journal.write_bytes(journal.read_bytes()[:-30])
    assert filled(place, tmp_path / "out", echo).now == 1
    lines = journal.read_bytes().splitlines()
    journal.write_bytes(b"\n".join([*lines[:4], b'{"kind": "answered"}', *lines[4:], b""]))
    with pytest.raises(StoreDamaged, match=rf"{JOURNAL}:5:1: the line is damaged"):
        filled(place, tmp_path / "out", echo)
    assert filled_without_line(journal, 5, place) == 0


def filled_without_line(journal: Path, number: int, place: Path) -> int:
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(line for at, line in enumerate(lines, 1) if at != number))
    return filled(place, journal.parent, echo).now


def test_when_the_engine_dies_what_was_answered_is_kept(place: Path, tmp_path: Path) -> None:
    def dying(request: Request) -> str:
        if "Question 7:" in question(request):
            raise EngineDied("the engine died")
        return echo(request)

    with pytest.raises(EngineDied, match="the engine died; answers kept: 7; the same command goes on from there"):
        filled(place, tmp_path / "out", dying, concurrency=1)
    assert filled(place, tmp_path / "out", echo).earlier == 7
    assert "" not in answers(tmp_path / "out")


def test_a_disk_that_is_full_ends_it_and_nothing_half_written_stays(place: Path, tmp_path: Path) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_100, most))  # a write beyond it is cut short, the next one fails
    try:
        with pytest.raises(StoreFailed, match=r"answers\.jsonl cannot be written"):
            filled(place, tmp_path / "out", echo, concurrency=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert (tmp_path / "out" / JOURNAL).read_bytes().endswith(b"}\n")
    known = len(stored(tmp_path / "out"))
    assert 0 < known < 12
    summary = filled(place, tmp_path / "out", echo)
    assert (summary.earlier, summary.now) == (known, 12 - known)


def test_a_journal_that_is_no_file_is_refused(place: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / JOURNAL).symlink_to("/dev/zero")
    assert "this is no regular file" in command(place, "--out", tmp_path / "out").err


def test_killed_at_any_moment_nothing_stored_is_asked_again_and_nothing_is_lost(place: Path, tmp_path: Path) -> None:
    filled(place, tmp_path / "unbroken", echo)
    kills = [*range(1, 8), 4, 5, 6, 2, 3]
    out = tmp_path / "killed"
    subprocess.run([sys.executable, answering.__file__, place, out, *map(str, kills)], check=True)
    log = (tmp_path / LOG).read_text(encoding="utf-8").split("\n")
    assert [line for line in log if line.startswith("again")] == []
    known = stored(out)
    assert known <= {line.split()[1] for line in log if line}
    asked: set[str] = set()
    filled(place, out, lambda request: asked.add(request.digest()) or echo(request))  # type: ignore[func-returns-value]
    assert asked.isdisjoint(known)
    for path in sample_files(tmp_path / "unbroken"):
        assert (out / path.relative_to(tmp_path / "unbroken")).read_bytes() == path.read_bytes()


def test_an_interrupted_command_says_what_is_left_and_goes_on(place: Path, tmp_path: Path) -> None:
    def interrupting(request: Request) -> Any:
        if "Question 5:" in question(request):
            os.kill(os.getpid(), signal.SIGINT)
            return asyncio.sleep(60)
        return echo(request)

    summary = filled(place, tmp_path / "out", interrupting, concurrency=1)
    assert (summary.interrupted, summary.now, summary.left, summary.files) == (True, 5, 7, [])
    assert filled(place, tmp_path / "out", echo).earlier == 5


def test_what_came_of_it_is_told_in_words_and_in_json(place: Path, tmp_path: Path) -> None:
    outcome = command(place, "--out", tmp_path / "out")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines() == [
        "storybook: 12 of 12 records answered (12 now, 0 before), 0 failed.",
        f"written: {tmp_path}/out/in/comment_test.json",
        f"written: {tmp_path}/out/out/inter-role_test.json",
    ]
    told = json.loads(command(place, "--out", tmp_path / "out", "--json").out)
    assert (told["records"], told["now"], told["earlier"], told["failures"]) == (12, 0, 12, [])


def test_a_terminal_shows_how_far_it_is_and_keeps_no_bar(place: Path, tmp_path: Path) -> None:
    words = program("answer", place, "--model", "storybook", "--engine", "scripted", "--out", tmp_path / "out")
    shown = on_a_terminal(words, tmp_path)
    assert "answering" in shown
    assert "reading pictures" in shown
    assert "12 of 12 records answered" in shown


def test_wrong_input_is_refused_in_one_message(place: Path, tmp_path: Path) -> None:
    for words, said in (
        ([tmp_path / "nowhere"], "there is no such file or folder"),
        ([tmp_path / "images"], "no file in this folder has a name that ends with _test.json"),
        ([place, "--images", tmp_path / "nowhere"], "there is no such folder"),
        ([place, "--model", "http://user:secret@host/v1#x"], "no user, no key"),
        ([place, "--model", "person"], "records are answered and judged by models"),
        ([place, "--model", "x\udcff"], "the name of the model is not UTF-8"),
    ):
        outcome = command(*words)  # type: ignore[arg-type]
        assert outcome.code == 2
        assert said in outcome.err
        assert "secret" not in outcome.err


def test_a_broken_file_of_records_is_refused_before_pictures_are_read(place: Path, tmp_path: Path) -> None:
    (place / "in/comment_test.json").write_text("[{}]", encoding="utf-8")
    with pytest.raises(InputRefused, match=r"comment_test\.json:1:2: record 1: id is missing"):
        filled(place, tmp_path / "out", echo)


@pytest.mark.data
def test_all_records_of_the_test_sets_are_asked_in_their_own_words(tmp_path: Path) -> None:
    source = data_folder("mmrole")
    for split in ("in", "out"):
        copytree(source / f"{split}-test_reviews/mmrole-agent", tmp_path / "test" / split)
    given = [sample for path in sample_files(tmp_path / "test") for sample in read_samples(path).samples]
    pictures_for(tmp_path / "images", [{"image": f"{sample.image}"} for sample in given])
    summary = filled(tmp_path / "test", tmp_path / "out", question)
    assert (summary.records, summary.now, summary.replaced, summary.failed) == (294, 294, 294, 0)
    made = [sample for path in sample_files(tmp_path / "out") for sample in read_samples(path).samples]
    assert [sample.answer for sample in made] == [sample.prompt for sample in given]
    assert [sample.reference for sample in made] == [sample.reference for sample in given]
    assert {sample.rm_review is None for sample in made} == {True}
