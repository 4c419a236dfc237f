"""`rolestage judge-card`: judges whose faults are planted are exposed by it, and what is not known is said."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from commanding import commanded
from faultserver import FaultServer
from judging_records import answered_records
from made_records import answered, judged, record, written_records
from playing import played
from scripted_judges import Biased, FirstOften, Judge, Knowing, Mumbling, Noisy, served

from scenes.storybook.drawing import draw_lots

EPISODES = 24
DRAWING = draw_lots(7)
TRUE = f"I see {DRAWING.groups[0].kind}s, lad."
FALSE = "It is snowing on a red lighthouse at night."
Json = dict[str, Any]


def comments(folder: Path, said: str = "Aye, a boat.") -> Path:
    """Play comments on one picture under as many titles, each a scenario of its own."""
    return played(
        folder,
        lambda request: f"{said} {'Aye. ' * (request.seed % 5)}",
        kind="comment",
        player={"questions": ["What do you see?"]},
        cast=[{"character": "storybook/brack"}],
        turns=1,
        vary={"premise": [f"Day {day} on the quay." for day in range(EPISODES)]},
    )


@contextmanager
def judged_by(judge: Judge, run: Path, other: Path, **options: object) -> Iterator[str]:
    """Have a judge on a server score `run` against `other`, and give its identity while the server still runs."""
    with FaultServer(served(judge)) as server:
        settings = {"reference": f"run:{other}", "judge": server.model} | options
        words = [word for name, value in settings.items() for word in ("--set", f"mmrole.{name}={value}")]
        outcome = commanded("score", run, "--scorer", "mmrole", *words, "--engine", "openai", "--json")
        assert outcome.code == 0, outcome.err
        yield json.loads(outcome.out)["scorers"][0]["scorer"]


def card(*words: object) -> Json:
    outcome = commanded("judge-card", *words, "--json")
    assert outcome.code == 0, outcome.err
    found: list[Json] = json.loads(outcome.out)
    return found[0]


def page(*words: object) -> str:
    outcome = commanded("judge-card", *words)
    assert outcome.code == 0, outcome.err
    return outcome.out


def holds(figure: Json, value: float) -> bool:
    return bool(figure["low"] <= value <= figure["high"])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("runs")
    return comments(folder / "a"), comments(folder / "b", "Fog, and more fog, my lad.")


def test_a_judge_that_adds_points_to_the_first_place_is_exposed(runs: tuple[Path, Path]) -> None:
    with judged_by(Biased(1.25, 0.5), *runs, both_orders=True) as judge:
        order = card(runs[0], "--scorer", judge)["order"]["all"]
    assert holds(order["advantage"], 1.25)
    assert not holds(order["advantage"], 1)
    assert order["prefers_first"]["low"] > 0.5
    assert order["toward_first"]["low"] > order["toward_second"]["high"]
    assert (order["advantage"]["valid"], order["prefers_first"]["attempted"]) == (8 * EPISODES, 16 * EPISODES)


def test_a_judge_without_bias_is_found_to_have_none(runs: tuple[Path, Path]) -> None:
    with judged_by(Biased(0, 0.5), *runs, both_orders=True) as judge:
        order = card(runs[0], "--scorer", judge)["order"]["all"]
    assert holds(order["advantage"], 0)
    assert holds(order["prefers_first"], 0.5)


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_a_judge_that_often_takes_the_first_is_exposed_with_its_share(runs: tuple[Path, Path], share: float) -> None:
    with judged_by(FirstOften(share), *runs, both_orders=True) as judge:
        order = card(runs[0], "--scorer", judge)["order"]["all"]
    assert holds(order["prefers_first"], share)
    assert holds(order["consistent"], 2 * share * (1 - share))
    assert holds(order["toward_first"], share**2)
    assert holds(order["toward_second"], (1 - share) ** 2)
    assert holds(order["advantage"], 2 * (2 * share - 1))


def test_a_judge_in_one_order_is_asked_in_both_where_it_is_wanted(runs: tuple[Path, Path]) -> None:
    with judged_by(Biased(0.75), *runs) as judge:
        before = page(runs[0], "--scorer", judge)
        assert "Not known: it has not judged the two answers in both orders; `--both-orders` asks in both." in before
        found = card(runs[0], "--scorer", judge, "--both-orders", "--engine", "openai")
    assert found["judge"] == judge
    assert found["order"]["all"]["advantage"]["value"] == pytest.approx(0.75, abs=1e-3)


def test_the_noise_of_a_judge_comes_out_as_the_variance_between_repeats(runs: tuple[Path, Path]) -> None:
    with judged_by(Noisy(0.6), *runs) as judge:
        found = card(runs[0], "--scorer", judge, "--repeats", 3, "--engine", "openai")
    spread = found["repeats"]["all"]
    assert (spread["times"], spread["variance"]["valid"]) == (4, 8 * EPISODES)
    assert holds(spread["variance"], (0.6 / 8) ** 2)
    assert not holds(spread["variance"], (0.5 / 8) ** 2)
    assert spread["identical"]["value"] == 0
    assert found["agreement"] == []


def test_a_judge_without_noise_says_the_same_every_time(runs: tuple[Path, Path]) -> None:
    with judged_by(Biased(0), *runs) as judge:
        found = card(runs[0], "--scorer", judge, "--repeats", 1, "--engine", "openai")
    assert found["repeats"]["all"]["identical"]["value"] == 1
    assert found["repeats"]["all"]["variance"]["value"] == 0


def test_what_was_asked_again_is_not_asked_a_third_time(runs: tuple[Path, Path]) -> None:
    with FaultServer(served(Noisy(0.2))) as server:
        settings = [f"mmrole.reference=run:{runs[1]}", f"mmrole.judge={server.model}", "mmrole.form=together"]
        words = [word for setting in settings for word in ("--set", setting)]
        scored = commanded("score", runs[0], "--scorer", "mmrole", *words, "--engine", "openai", "--json")
        judge = json.loads(scored.out)["scorers"][0]["scorer"]
        again = [runs[0], "--scorer", judge, "--repeats", 1, "--engine", "openai"]
        first = card(*again)
        asked = len(server.asked)
        assert card(*again) == first
        assert len(server.asked) == asked


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_the_share_of_unreadable_answers_is_the_planted_one(runs: tuple[Path, Path], share: float) -> None:
    with judged_by(Mumbling(share, Noisy(0.5)), *runs) as judge:
        found = card(runs[0], "--scorer", judge)
    assert holds(found["unreadable_answers"], share)
    assert holds(found["without_value"], share**2)
    assert found["without_value"]["attempted"] == 8 * EPISODES


def test_a_judge_that_knows_the_picture_is_right_and_takes_no_place_for_a_merit(tmp_path: Path) -> None:
    run, other = comments(tmp_path / "a", TRUE), comments(tmp_path / "b", FALSE)
    with judged_by(Knowing(DRAWING), run, other, both_orders=True) as judge:
        order = card(run, "--scorer", judge)["order"]["all"]
        scored = json.loads(commanded("scores", run, "--scorer", judge, "--json").out)
    assert (order["consistent"]["value"], order["advantage"]["value"]) == (1, 0)
    assert order["prefers_first"]["value"] == 0.5
    assert all(line["value"] > 1 for line in scored if line["metric"] == "fluency")


def test_several_judges_are_worth_less_than_they_are(tmp_path: Path) -> None:
    run, other = comments(tmp_path / "a"), comments(tmp_path / "b")
    with judged_by(Noisy(0.5), run, other), judged_by(Biased(0), run, other), judged_by(Biased(0), run, other) as judge:
        found = card(run, "--scorer", "mmrole")
        shown = page(run, "--scorer", "mmrole")
    panel = found["panel"]
    assert (panel["judges"], panel["items"], panel["of"]) == (3, 8 * EPISODES, "verdicts")
    assert len(found["agreement"]) == 2
    mean = panel["correlation"]["value"]
    assert panel["effective"]["value"] == pytest.approx(3 / (1 + 2 * mean))
    assert 1 < panel["effective"]["low"] < 3
    assert shown.count("# Judge card: mmrole@1/") == 3
    assert judge in shown


def test_with_people_the_errors_are_correlated_and_not_the_verdicts(tmp_path: Path) -> None:
    run, other = comments(tmp_path / "a"), comments(tmp_path / "b")
    with judged_by(Noisy(0.5), run, other), judged_by(Noisy(0.5, 6), run, other):
        people = tmp_path / "people.csv"
        rows = [f"{episode},fluency,{1 + episode / 10}" for episode in range(EPISODES)]
        people.write_text("\n".join(["episode,metric,score", *rows]), encoding="utf-8")
        panel = card(run, people, "--scorer", "mmrole")["panel"]
        shown = page(run, people, "--scorer", "mmrole")
    assert (panel["of"], panel["items"]) == ("errors", EPISODES)
    assert panel["correlation"]["value"] > 0.9
    assert panel["effective"]["value"] < 1.1
    assert "people.csv** (people)" in shown


def test_review_files_have_a_card_beside_the_published_ones(tmp_path: Path) -> None:
    made = [answered(judged(record(at), (8, 10)), f"Answer {at}.") for at in range(6)]
    made[0]["rm_review"]["Fluency"] = {"review": "Fine.", "score": {}}
    ours = written_records(tmp_path / "ours" / "comment_test.json", made)
    theirs = [answered(judged(record(at), (9 if at % 2 else 8, 10)), f"Answer {at}.") for at in range(6)]
    published = written_records(tmp_path / "published" / "comment_test.json", theirs)
    found = card(ours.parent, published)
    assert (found["without_value"]["value"], found["without_value"]["attempted"]) == (1 / 48, 48)
    assert found["agreement"][0]["overall"]["mae"]["value"] == pytest.approx((0.05 * 7 + 0.06) / 8)
    assert "Not known: review files hold one order." in page(ours)


def scored_records(place: Path, out: Path, judge: Judge, *words: str) -> Path:
    """Have a judge on a server score the records at `place`."""
    with FaultServer(served(judge)) as server:
        named = ["--judge", server.model, "--answered-by", "tiny", "--out", out, *words]
        outcome = commanded("score", place, "--scorer", "mmrole", *named, "--engine", "openai")
    assert outcome.code == 0, outcome.err
    return out


def test_records_that_were_scored_here_tell_of_both_orders_and_of_unreadable_answers(tmp_path: Path) -> None:
    place = answered_records(tmp_path, each=4)
    judge = Mumbling(0.2, FirstOften(0.8))
    both = scored_records(place, tmp_path / "both", judge, "--set", "mmrole.both_orders=true")
    found = card(both)
    assert found["judge"].startswith("mmrole@1/")
    assert found["model"].startswith("http://127.0.0.1:")
    assert holds(found["unreadable_answers"], 0.2)
    assert holds(found["order"]["all"]["prefers_first"], 0.8)
    assert (found["items"], found["clustered_by"]) == (24, "characters")
    once = scored_records(place, tmp_path / "once", FirstOften(0.8))
    assert "it was asked in one order; score the records with --set mmrole.both_orders=true" in page(once)
    assert card(once, both)["agreement"][0]["overall"]["items"] > 100


def test_a_damaged_journal_is_one_message(tmp_path: Path) -> None:
    out = scored_records(answered_records(tmp_path, each=1), tmp_path / "out", FirstOften(0.5))
    with open(out / "verdicts.jsonl", "a", encoding="utf-8") as journal:
        journal.write('{"kind":"answered", damaged\n')
    outcome = commanded("judge-card", out)
    assert (outcome.code, outcome.out) == (2, "")
    assert "verdicts.jsonl: a line of it is damaged" in outcome.err


def test_the_page_goes_to_a_file_whole(runs: tuple[Path, Path], tmp_path: Path) -> None:
    with judged_by(Biased(0.5), *runs, both_orders=True) as judge:
        shown = page(runs[0], "--scorer", judge)
        outcome = commanded("judge-card", runs[0], "--scorer", judge, "--out", tmp_path / "card.md")
    assert (outcome.code, outcome.out) == (0, "")
    assert (tmp_path / "card.md").read_text(encoding="utf-8") == shown
    tables = [line for line in shown.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)
    assert "| all together (ratio) | " in shown


def test_a_judge_of_one_s_own_is_repeated_where_its_code_is_named(tmp_path: Path, runs: tuple[Path, Path]) -> None:
    code = tmp_path / "polite.py"
    code.write_text(
        "from scorers.base import Score\n\n\ndef polite(case):\n"
        "    yield Score(metric='polite', value=0.5, character='Captain Brack', events=(0,))\n",
        encoding="utf-8",
    )
    run = comments(tmp_path / "run")
    assert commanded("score", run, "--scorer", f"{code}:polite").code == 0
    refused = commanded("judge-card", run, "--scorer", "polite", "--repeats", 1)
    assert (refused.code, "code is run only where you name it" in refused.err) == (2, True)
    no_pair = commanded("judge-card", run, "--scorer", f"{code}:polite", "--both-orders")
    assert (no_pair.code, "none of these judges compares two answers" in no_pair.err) == (2, True)
    found = card(run, "--scorer", f"{code}:polite", "--repeats", 2)
    assert found["repeats"]["polite"]["times"] == 3
    assert found["without_value"]["valid"] == EPISODES


REFUSED = {
    "no run": (["nowhere"], "nowhere"),
    "no scores": (["RUN"], "this run has no scores yet"),
    "no such judge": (["RUN", "--scorer", "nobody"], "this run has no scores yet"),
    "repeats of files": (["people.csv", "--repeats", "2"], "people.csv"),
    "no judge at all": (["notes.txt"], "this is neither a .csv nor a .json file"),
    "people alone": (["people.csv"], "there are only people's scores here; name a run or review files too."),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_told_is_one_message(tmp_path: Path, case: str) -> None:
    words, message = REFUSED[case]
    people = tmp_path / "people.csv"
    people.write_text("episode,metric,score\n0,fluency,1\n", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("Fog.")
    run = comments(tmp_path / "run") if "RUN" in words else tmp_path
    named = [str(run) if word == "RUN" else str(tmp_path / word) if "." in word else word for word in words]
    outcome = commanded("judge-card", *named, "--runs", tmp_path)
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1


def test_a_card_file_that_cannot_be_written_is_said(runs: tuple[Path, Path], tmp_path: Path) -> None:
    with judged_by(Biased(0.1), *runs) as judge:
        outcome = commanded("judge-card", runs[0], "--scorer", judge, "--out", tmp_path / "no" / "card.md")
    assert (outcome.code, "the file cannot be written" in outcome.err) == (2, True)
