"""What a character remembers of forgotten turns: the ones the talk is of, that matter, and that are not long ago."""

import gc
import sqlite3
import threading
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.memory import READ, SIGNS, Memory, importance
from scenes.event import Change, Event, EventKind
from scenes.profile import CharacterProfile
from scenes.scene import PastTurn

ME = CharacterProfile(name="Captain Brack", aliases=("Brack", "布拉克"))
WORDS = ["gull", "rope", "tide", "barrel", "sail", "anchor", "fog", "quay", "net", "herring", "wind", "deck", "oar"]
HOSTILE = [
    '"',
    '""" OR "',
    "lantern AND NOT rope",
    "NEAR(gull rope, 2)",
    "lan*",
    "^lantern",
    "-lantern",
    "tokens: lantern",
    "{tokens} : lantern",
    "(((",
    "lantern + rope",
    "'; DROP TABLE memory; --",
    "lan\x00tern",
    "\x00",
    "\ud800 lantern \udfff",
    "\ufeff\u202e",
    "_____",
    "AND OR NOT NEAR",
    "memory rank rowid",
    "x" * 100_000,
    "é" * 100_000,
    "船" * 10_000,
    " ".join(f"word{n}" for n in range(10_000)),
    "",
    " \n\t",
]


def event(kind: EventKind = "speech", actor: str = "Pip", text: str = "A gull.", **more: Any) -> Event:
    """Return an event that Brack perceived."""
    return Event(index=0, turn=1, kind=kind, actor=actor, text=text, visible_to={"Captain Brack": "heard"}, **more)


def turn_of(number: int, *events: Event) -> PastTurn:
    """Return a past turn in which `events` happened."""
    return PastTurn(number, events[0].actor, events)


def said(number: int, text: str, actor: str = "Pip") -> PastTurn:
    """Return a turn in which somebody says `text`."""
    return turn_of(number, event(actor=actor, text=text))


def weight(*events: Event) -> float:
    """Return what a turn of `events` weighs for Brack."""
    return importance(turn_of(1, *events), ME)


def remembering(*turns: PastTurn) -> Memory:
    """Return Brack's memory of `turns`."""
    memory = Memory(ME)
    for turn in turns:
        memory.keep(turn)
    return memory


def chatter(first: int, last: int, seed: int = 0) -> list[PastTurn]:
    """Return turns in which people say everyday words in ever new orders."""
    rng = Random(seed)
    return [said(number, " ".join(rng.choices(WORDS, k=12)), "Moss") for number in range(first, last + 1)]


def test_the_one_turn_that_the_talk_is_of_is_found_among_hundreds() -> None:
    lantern = said(40, "I hid the brass lantern under the third barrel.")
    memory = remembering(*chatter(1, 39), lantern, *chatter(41, 800))
    assert lantern in memory.recall("Where is the lantern, by the way?", 830, 3)
    assert lantern not in memory.recall("A gull on a rope.", 830, 3)


def test_a_turn_that_shares_more_rare_words_with_the_talk_comes_before_one_that_shares_fewer() -> None:
    both = said(10, "The brass lantern is mine.")
    one = said(20, "The lantern is mine, lads.")
    assert remembering(*chatter(1, 9), both, *chatter(11, 19), one, *chatter(21, 90)).recall(
        "a brass lantern", 100, 1
    ) == [both]


def test_an_old_turn_that_answers_is_found_among_newer_ones_that_matter_more() -> None:
    lantern = said(3, "The lantern is under the barrel.")
    newer = [said(number, "Brack, is the tide in?") for number in range(200, 230)]
    memory = remembering(*chatter(1, 2), lantern, *chatter(4, 199), *newer)
    assert lantern in memory.recall("Who has seen the lantern?", 260, 4)


def test_who_acted_is_found_by_name() -> None:
    vale = said(5, "Good evening.", "Vale")
    assert remembering(*chatter(1, 4), vale, *chatter(6, 60)).recall("What did Vale want?", 70, 1) == [vale]


@pytest.mark.parametrize(
    ("remembered", "cue"),
    [
        ("铜灯笼藏在第三个木桶下面。", "那个灯笼在哪里？"),
        ("真鍮のランタンを樽の下に隠した。", "ランタンはどこ？"),
        ("황동 랜턴은 통 아래에 있다.", "랜턴을 봤어?"),
        ("Der Laternenschlüssel liegt im Fass.", "Wo ist der LATERNENSCHLÜSSEL?"),
        ("Где лежит фонарь — в бочке.", "фонарь?"),
        ("पीतल की लालटेन यहाँ है।", "लालटेन कहाँ है"),
        ("ตะเกียงทองเหลืองอยู่ใต้ถัง", "ตะเกียงอยู่ไหน"),
        ("The ｌａｎｔｅｒｎ is here.", "lantern"),
        ("The Straße is long.", "strasse"),
    ],
)
def test_words_are_found_in_every_script_and_form(remembered: str, cue: str) -> None:
    wanted = said(30, remembered)
    assert remembering(*chatter(1, 29), wanted, *chatter(31, 200)).recall(cue, 230, 1) == [wanted]


@pytest.mark.parametrize(("word", "other"), [("pêche", "péché"), ("किताब", "कातिब")])
def test_words_that_differ_by_an_accent_or_a_vowel_sign_are_two(word: str, other: str) -> None:
    wanted = said(5, word)
    memory = remembering(*chatter(1, 4), wanted, *chatter(6, 8), said(9, other), *chatter(10, 60))
    assert memory.recall(word, 70, 1) == [wanted]


def test_chinese_turns_are_told_apart_by_pairs_of_characters() -> None:
    parts = ["码头", "绳子", "潮水", "木桶", "海鸥", "船帆"]
    rng = Random(3)
    others = [said(number, "，".join(rng.choices(parts, k=6))) for number in range(1, 301)]
    map_of_it = said(150, "宝藏的地图在灯塔里")
    memory = remembering(*others[:149], map_of_it, *others[150:])
    assert memory.recall("你知道宝藏在哪里吗", 330, 1) == [map_of_it]


def test_what_is_recalled_comes_in_the_order_in_which_it_happened() -> None:
    turns = [*chatter(1, 30), said(31, "A brass lantern."), *chatter(32, 60), said(61, "A lantern of brass!")]
    recalled = remembering(*turns, *chatter(62, 90)).recall("brass lantern", 120, 6)
    assert len(recalled) == 6
    assert all(earlier.turn < later.turn for earlier, later in pairwise(recalled))


def test_where_the_talk_is_of_nothing_known_the_newest_and_the_most_important_are_recalled() -> None:
    named = said(2, "Brack is a fool.")
    memory = remembering(said(1, "A gull."), named, *(said(number, "A gull.") for number in range(3, 30)))
    assert [turn.turn for turn in memory.recall("Unheard of.", 40, 3)] == [2, 28, 29]


def test_of_what_is_alike_in_all_the_newest_is_recalled() -> None:
    turns = [said(7, "A gull."), said(7, "A gull."), said(7, "A gull.")]
    recalled = remembering(*turns).recall("gull", 9, 2)
    assert [id(turn) for turn in recalled] == [id(turn) for turn in turns[1:]]


def test_of_what_answers_equally_well_the_newest_is_recalled() -> None:
    first, second = said(9, "A lantern."), said(9, "A lantern.")
    memory = remembering(*chatter(1, 8), first, second, *chatter(10, 60))
    assert [id(turn) for turn in memory.recall("lantern", 70, 1)] == [id(second)]


def test_what_matters_little_gives_way_in_time() -> None:
    asked, later = said(1, "A gull?"), said(700, "A gull.")
    memory = remembering(asked, later)
    assert memory.recall("Unheard of.", 710, 1) == [later]
    assert remembering(asked, said(9, "A gull.")).recall("Unheard of.", 10, 1) == [asked]


def test_a_rare_word_at_the_end_of_long_talk_is_not_missed() -> None:
    rng = Random(2)
    words = [f"word{n}" for n in range(60)]
    others = [said(number, " ".join(rng.sample(words, 10))) for number in range(1, 401)]
    lantern = said(100, "A lantern.")
    memory = remembering(*others[:99], lantern, *others[100:])
    assert lantern in memory.recall(" ".join([*words[:40], "lantern"]), 430, 4)


def test_recalling_changes_nothing() -> None:
    memory = remembering(*chatter(1, 300))
    first = memory.recall("the gull and the herring", 330, 5)
    memory.recall("something else, an oar", 331, 5)
    assert memory.recall("the gull and the herring", 330, 5) == first


def test_the_same_turns_are_recalled_in_the_same_way_by_another_memory() -> None:
    one, other = remembering(*chatter(1, 300)), remembering(*chatter(1, 300))
    cues = [turn.events[0].text for turn in chatter(1, 50, seed=9)]
    assert [one.recall(cue, 330, 5) for cue in cues] == [other.recall(cue, 330, 5) for cue in cues]


def test_an_empty_memory_recalls_nothing() -> None:
    memory = Memory(ME)
    assert memory.recall("lantern", 10, 3) == []
    assert len(memory) == 0


@pytest.mark.parametrize("count", [0, -1])
def test_nothing_asked_for_is_nothing_recalled(count: int) -> None:
    assert remembering(*chatter(1, 9)).recall("gull", 10, count) == []


def test_all_is_recalled_if_no_more_is_kept_than_asked_for() -> None:
    turns = chatter(1, 9)
    memory = remembering(*turns)
    assert len(memory) == 9
    assert memory.recall("gull", 10, 20) == turns


def test_a_word_that_most_memories_hold_does_not_decide() -> None:
    turns = [said(number, "The old gull, the gull!" if number == 1 else "The gull.") for number in range(1, 10)]
    assert [turn.turn for turn in remembering(*turns).recall("gull", 20, 1)] == [9]


def test_no_more_memories_are_looked_at_than_the_limit_however_long_the_story() -> None:
    rng = Random(1)
    words = [f"word{n}" for n in range(400)]
    memory = remembering(*(said(number, " ".join(rng.sample(words, 20))) for number in range(1, 2_001)))
    looked_at = memory._relevance(" ".join(words))
    assert 0 < len(looked_at) <= READ
    assert 0 < min(looked_at.values()) < max(looked_at.values()) == 1


@pytest.mark.parametrize("cue", HOSTILE)
def test_no_cue_is_read_as_a_query(cue: str) -> None:
    memory = remembering(*chatter(1, 20), said(21, "The brass lantern."), said(22, "lan tern tokens"), *chatter(23, 50))
    assert len(memory.recall(cue, 60, 3)) == 3


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_is_kept_can_be_recalled_by_its_own_words(text: str) -> None:
    hostile = said(3, text)
    memory = remembering(*chatter(1, 2), hostile, *chatter(4, 9))
    assert hostile in memory.recall(text, 20, 7)
    assert memory.recall("gull rope", 20, 20) == [*chatter(1, 2), hostile, *chatter(4, 9)]


def test_a_star_is_no_wildcard_and_a_minus_excludes_nothing() -> None:
    wanted, other = said(5, "A lantern."), said(9, "A lan.")
    memory = remembering(*chatter(1, 4), wanted, *chatter(6, 8), other, *chatter(10, 60))
    assert memory.recall("lan*", 70, 1) == [other]
    assert memory.recall("-lantern", 70, 1) == [wanted]
    assert memory.recall("NOT lantern", 70, 1) == [wanted]


def test_a_turn_without_anything_in_it_matters_not_at_all() -> None:
    assert weight(event(text="A gull sits there.")) == 0


@pytest.mark.parametrize(
    ("happened", "tenths"),
    [
        ([event(text="Come at nine.", to=("Captain Brack",))], 4),
        ([event(actor="Captain Brack", text="Come at nine.", to=("Pip",))], 4),
        ([event("state", "Narrator", "is wet", change=Change(who="Captain Brack", state="wet"))], 4),
        ([event(text="I saw BRACK there.")], 3),
        ([event("action", text="pushes Captain Brack")], 3),
        ([event("narration", "Narrator", "Rain falls on Brack.")], 3),
        ([event(text="昨晚布拉克在码头")], 3),
        ([event("action", "Captain Brack", "ties a knot")], 2),
        ([event("thought", "Captain Brack", "too late")], 2),
        ([event("state", "Captain Brack", "comes to the quay", change=Change(who="Captain Brack", place="quay"))], 2),
        ([event("image", "Narrator", "", image="0" * 64)], 2),
        ([event("state", "Narrator", "is wet", change=Change(who="Pip", state="wet"))], 1),
        ([event("state", "Narrator", "Night falls.", change=Change(time="night"))], 1),
        ([event(text="Is it late?")], 1),
        ([event(text="几点了？")], 1),
    ],
)
def test_what_makes_a_turn_important(happened: list[Event], tenths: int) -> None:
    assert weight(*happened) == tenths / 10


@pytest.mark.parametrize(
    "happened",
    [
        event(text="The brackish Brackett."),
        event(actor="Captain Brack", text="Brack is my name."),
        event("narration", "Narrator", "What now?"),
        event("state", "Captain Brack", "", change=Change(who="Captain Brack", belief="I am late.")),
        event("action", text="ties a knot"),
    ],
    ids=["part of a word", "oneself", "no one asks", "a change of mind", "another's deed"],
)
def test_what_does_not(happened: Event) -> None:
    assert weight(happened) == 0


def test_signs_add_up_and_each_counts_once() -> None:
    assert weight(event(text="Brack, is it late?")) == 0.4
    assert weight(event(text="Brack?"), event(text="Brack!"), event(text="Why?")) == 0.4


def test_no_turn_is_more_than_wholly_important() -> None:
    everything = (
        event(text="Brack, come?", to=("Captain Brack",)),
        event("state", change=Change(who="Captain Brack", state="wet")),
        event("image", image="0" * 64),
        event("state", change=Change(time="night")),
    )
    assert sum(SIGNS.values()) > 10
    assert weight(*everything) == 1


def test_a_memory_is_let_go_without_a_warning_even_by_another_thread() -> None:
    memory: Any = remembering(*chatter(1, 3))
    memory.itself = memory
    del memory
    collector = threading.Thread(target=gc.collect)
    collector.start()
    collector.join()


def test_the_index_is_closed_when_its_memory_is_let_go() -> None:
    memory = remembering(*chatter(1, 3))
    index = memory._index
    assert index is not None
    del memory
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        index.execute("SELECT 1")


def test_a_memory_that_keeps_nothing_opens_no_index() -> None:
    memory = Memory(ME)
    memory.recall("gull", 1, 1)
    assert memory._index is None


WRITTEN = st.one_of(st.text(), st.sampled_from(HOSTILE[:-5]), st.lists(st.sampled_from(WORDS)).map(" ".join))


@st.composite
def happened(draw: st.DrawFn) -> Event:
    """Anything that the narrator, Brack or another may have done."""
    return event(
        draw(st.sampled_from(["speech", "action", "thought", "narration", "image", "state"])),
        draw(st.sampled_from(["Captain Brack", "Pip", "Narrator"])),
        draw(WRITTEN),
        to=draw(st.sampled_from([(), ("Captain Brack",)])),
        change=draw(st.sampled_from([None, Change(who="Captain Brack", state="wet"), Change(belief="late")])),
    )


@given(st.lists(st.lists(happened(), min_size=1, max_size=3), max_size=12), WRITTEN, st.integers(-5, 10**6), st.data())
def test_only_what_was_kept_is_recalled_and_as_much_as_there_is(
    turns: list[list[Event]], cue: str, now: int, data: st.DataObject
) -> None:
    kept = [turn_of(number, *events) for number, events in enumerate(turns)]
    count = data.draw(st.integers(-2, 15))
    recalled = remembering(*kept).recall(cue, now, count)
    assert len(recalled) == max(0, min(count, len(kept)))
    places = [next(at for at, turn in enumerate(kept) if turn is one) for one in recalled]
    assert places == sorted(set(places))
    assert all(0 <= importance(turn, ME) <= 1 for turn in kept)
