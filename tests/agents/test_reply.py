"""What a model's text is read as: who does what in it, and where it stops being the speaker's own."""

import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.reply import Reply, flags_of, read_reply
from scenes.chat import Completion
from scenes.event import EventKind, Flags

OWN = ("Captain Brack", "Brack")
OTHERS = ("Pip", "Doctor Moss", "Moss", "孙悟空", "Narrator", "Scene", "Human")


def read(text: str) -> Reply:
    return read_reply(text, OWN, OTHERS)


def speech(*texts: str) -> tuple[tuple[str, str], ...]:
    return tuple(("speech", text) for text in texts)


PARTS: dict[str, tuple[str, list[tuple[EventKind, str]]]] = {
    "plain words": ("Aye, lad.", [("speech", "Aye, lad.")]),
    "a round bracket": ("(nods) Aye.", [("action", "nods"), ("speech", "Aye.")]),
    "stars": ("*nods* Aye.", [("action", "nods"), ("speech", "Aye.")]),
    "a square bracket": ("[Too late.]", [("thought", "Too late.")]),
    "all in their order": (
        "Aye. (turns) [Too late.] Come on.",
        [("speech", "Aye."), ("action", "turns"), ("thought", "Too late."), ("speech", "Come on.")],
    ),
    "two actions": ("(nods) *smiles*", [("action", "nods"), ("action", "smiles")]),
    "an action at the end": ("Aye (nods)", [("speech", "Aye"), ("action", "nods")]),
    "an action on a line of its own": (
        "Aye\n(nods)\nCome.",
        [("speech", "Aye"), ("action", "nods"), ("speech", "Come.")],
    ),
    "an action over two lines": ("(nods\nand goes) Aye.", [("action", "nods and goes"), ("speech", "Aye.")]),
    "an aside": ("I was (as you know) there.", [("speech", "I was (as you know) there.")]),
    "a stress": ("I *know* him.", [("speech", "I *know* him.")]),
    "a strong stress": ("I **know** him, *you* see.", [("speech", "I **know** him, *you* see.")]),
    "a sum": ("3 * 4 and 5 * 6 make 42.", [("speech", "3 * 4 and 5 * 6 make 42.")]),
    "a colon": ("Mark this: the tide turns.", [("speech", "Mark this: the tide turns.")]),
    "a time": ("At 10:30 then.", [("speech", "At 10:30 then.")]),
    "a link": ("See https://example.org: there.", [("speech", "See https://example.org: there.")]),
    "somebody named": ("Pip, come here: now.", [("speech", "Pip, come here: now.")]),
    "somebody quoted": ("She said: Pip: hello.", [("speech", "She said: Pip: hello.")]),
    "a face": ("Lost my pipe :( and my hat", [("speech", "Lost my pipe :( and my hat")]),
    "lines": ("Aye.\n\nAnd more.", [("speech", "Aye.\n\nAnd more.")]),
    "brackets in a thought": ("[He [the rat] lies] Aye.", [("thought", "He [the rat] lies"), ("speech", "Aye.")]),
    "brackets in an action": ("(nods (twice)) Aye.", [("action", "nods (twice)"), ("speech", "Aye.")]),
    "a thought in an aside": (
        "Well (you know [I hate him]) yes",
        [("speech", "Well (you know"), ("thought", "I hate him"), ("speech", ") yes")],
    ),
    "a thought left open": ("Aye. [I must not say", [("speech", "Aye."), ("thought", "I must not say")]),
    "two thoughts left open": ("[I [must", [("thought", "I [must")]),
    "an action left open": ("Aye. (turns to the", [("speech", "Aye."), ("action", "turns to the")]),
    "stars left open": ("Aye. *turns to the", [("speech", "Aye."), ("action", "turns to the")]),
    "an aside left open": ("I was (as you", [("speech", "I was (as you")]),
    "brackets never opened": ("Aye] and no) more", [("speech", "Aye] and no) more")]),
    "empty brackets": ("() Aye. []", [("speech", "Aye.")]),
    "nothing": ("", []),
    "only blanks": (" \n\t ", []),
    "Chinese": (
        "（点头）好的。［糟糕］走吧！",
        [("action", "点头"), ("speech", "好的。"), ("thought", "糟糕"), ("speech", "走吧！")],
    ),
    "a Chinese action after a sentence": ("好！（笑）走吧", [("speech", "好！"), ("action", "笑"), ("speech", "走吧")]),
    "a Chinese aside": ("我（你知道的）不去。", [("speech", "我（你知道的）不去。")]),
}


@pytest.mark.parametrize(("text", "parts"), PARTS.values(), ids=PARTS)
def test_a_text_is_read_as_speech_actions_and_thoughts(text: str, parts: list[tuple[EventKind, str]]) -> None:
    assert read(text) == Reply(tuple(parts))


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Pip: ", "Pip"),
        ("pip:", "Pip"),
        ("PIP : ", "Pip"),
        ("[Pip]: ", "Pip"),
        ("**Pip**: ", "Pip"),
        ("**Pip:** ", "Pip"),
        ("*Pip*: ", "Pip"),
        ("_Pip_: ", "Pip"),
        ('"Pip": ', "Pip"),
        ("- Pip: ", "Pip"),
        ("> Pip: ", "Pip"),
        ("## Pip: ", "Pip"),
        ("Pip (laughs): ", "Pip"),
        ("Pip [laughs]: ", "Pip"),
        ("Pip：", "Pip"),
        ("\u200bPip: ", "Pip"),
        ("   Pip: ", "Pip"),
        ("Doctor Moss: ", "Doctor Moss"),
        ("Moss: ", "Moss"),
        ("孙悟空：", "孙悟空"),
        ("Narrator: ", "Narrator"),
        ("narrator: ", "Narrator"),
        ("Scene: ", "Scene"),
        ("Human: ", "Human"),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\u2028", "\n\n"])
def test_a_line_that_begins_with_another_speaker_is_cut_and_flagged(label: str, name: str, line_end: str) -> None:
    assert read(f"Aye.{line_end}{label}Look there!\nAye again.") == Reply((("speech", "Aye."),), name)


def test_a_reply_that_is_all_somebody_elses_is_empty_and_flagged() -> None:
    assert read("Pip: Look there!") == Reply((), "Pip")


def test_the_first_foreign_line_cuts() -> None:
    assert read("Aye.\nMoss: Well.\nPip: Look!") == Reply((("speech", "Aye."),), "Moss")


def test_a_thought_that_mentions_a_label_stays_a_thought() -> None:
    assert read("[Pip: what a fool] Aye.") == Reply((("thought", "Pip: what a fool"), ("speech", "Aye.")))


@pytest.mark.parametrize("name", ["Pipkin", "A Pip", "Pi", "Dr Moss"])
def test_a_name_that_only_resembles_a_speakers_cuts_nothing(name: str) -> None:
    assert read(f"Aye.\n{name}: hello").spoke_for is None


@pytest.mark.parametrize(
    "label",
    ["Brack: ", "Captain Brack: ", "brack:", "[Brack]: ", "**Brack**: ", "**Brack:** ", "Brack： "],
)
def test_the_own_label_is_stripped(label: str) -> None:
    assert read(f"{label}Aye.") == Reply((("speech", "Aye."),))


def test_the_own_label_is_stripped_from_every_line() -> None:
    assert read("Brack: Aye.\nBrack: And more.") == Reply((("speech", "Aye.\nAnd more."),))


@pytest.mark.parametrize("text", ["Brack (nods): Aye.", "**Brack:** *nods* Aye.", "Brack: (nods) Aye."])
def test_what_is_done_in_or_after_the_own_label_is_kept(text: str) -> None:
    assert read(text) == Reply((("action", "nods"), ("speech", "Aye.")))


@pytest.mark.parametrize(
    "name", ["İda", "ıda", "K2", "Straße", "A|B", "C++", "[X]", "*Star*", "Dr: Who", "(Mo)", "-", "."]
)
@pytest.mark.parametrize("label", ["{}", "[{}]", "**{}**"])
def test_any_name_is_found_again_whatever_its_letters(name: str, label: str) -> None:
    reply = read_reply(f"Aye.\n{label.format(name)}: hello", OWN, ["Pip", name])
    assert reply == Reply((("speech", "Aye."),), name)


def test_names_that_differ_only_in_how_a_letter_folds_do_not_break_reading() -> None:
    assert read_reply("ıda: hello", OWN, ["Ida"]).spoke_for == "Ida"


def test_without_other_speakers_nothing_is_cut() -> None:
    assert read_reply("Pip: hello", ["Brack"], []) == Reply((("speech", "Pip: hello"),))


LONG = 100_000


MARKS = ["*", "**", "_", "[", "]", "(", ")", "((", "[a[b]", "(a(b)", "*a.", "(.", "(a)", "[a]", ":", "."]
NAMES = ["Pip", "Pip!", "Pip(a", "[Pip", "“Pip", "—", "（", "a"]


@pytest.mark.parametrize("unit", [mark + blank for mark in MARKS + NAMES for blank in ("", " ", "\n")])
def test_no_long_text_takes_long(unit: str) -> None:
    """A guard against patterns that never end, not a measure: the limit is a hundred times what it takes here."""
    text = unit * (LONG // len(unit))
    start = time.process_time()
    read(text)
    assert time.process_time() - start < 5


def test_a_long_reply_is_read_whole() -> None:
    prose = "The tide turned (as it does), and I *knew* it: we were late. (nods) [Too late.] Aye, lad!\n"
    text = prose * (LONG // len(prose))
    assert len(read(text).parts) > LONG // len(prose)


names = st.sampled_from(["Pip", "pip", "Doctor Moss", "孙悟空", "Narrator", "Brack", "Captain Brack"])
scraps = st.sampled_from(
    ["\n", ": ", "：", " ", "[", "]", "(", ")", "*", "**", "_", '"', "\u2028", "\r", "Aye.", "!", "好"]
)
written_by_a_model = st.lists(names | scraps | st.text(max_size=5), max_size=30).map("".join)


def lines_after_the_first(text: str) -> list[str]:
    return text.split("\n")[1:]


@given(written_by_a_model)
def test_reading_never_fails_and_leaves_no_empty_part(text: str) -> None:
    assert all(words and words == words.strip() for _, words in read(text).parts)


@given(written_by_a_model)
def test_no_line_of_another_speaker_is_spoken(text: str) -> None:
    label = re.compile(rf"\s*(?:{'|'.join(OTHERS)})\s*[:：]", re.IGNORECASE)
    reply = read(text)
    begun = [words for kind, words in reply.parts[:1] if kind == "speech"]
    followed = [line for kind, words in reply.parts if kind == "speech" for line in lines_after_the_first(words)]
    assert [line for line in begun + followed if label.match(line)] == []


@given(written_by_a_model)
def test_whoever_is_spoken_for_is_one_of_the_others(text: str) -> None:
    assert read(text).spoke_for in (None, *OTHERS)


@given(written_by_a_model)
def test_what_follows_an_open_square_bracket_is_never_spoken(text: str) -> None:
    said = "".join(words for kind, words in read(text).parts if kind != "thought")
    assert not set(said) & set("[［")


@given(st.text())
def test_words_without_marks_come_through_unchanged(text: str) -> None:
    plain = re.sub(r"[\[\]()*:：（）［］]", "", " ".join(text.split()))
    plain = " ".join("".join(char for char in plain if unicodedata.category(char) != "Cc").split())
    assert read(plain).parts == (speech(plain) if plain else ())


@pytest.mark.parametrize(
    ("completion", "flags"),
    [
        (Completion(text="Aye."), None),
        (Completion(text="Aye, the", finish_reason="length"), Flags(truncated=True)),
        (Completion(text=" "), Flags(empty=True)),
        (Completion(text="Aye.\nPip: Look"), Flags(spoke_for="Pip")),
        (Completion(text="Aye.\nPip: Look at", finish_reason="length"), Flags(spoke_for="Pip")),
        (Completion(text="Pip: Look"), Flags(spoke_for="Pip", empty=True)),
        (Completion(text="Aye.", dropped=3), Flags(dropped=3)),
    ],
)
def test_what_was_odd_about_a_reply_is_flagged(completion: Completion, flags: Flags | None) -> None:
    assert flags_of(completion, read(completion.text)) == flags
