"""What is left out of a request that is too long: the oldest lines of history, in jumps, and nothing else."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sandbox.engines.cutting import cut, room
from sandbox.engines.encoding import Encoder
from sandbox.engines.engine import with_room
from sandbox.engines.scripted import Scripted
from scenes.chat import CallFailed, Request, Segment, fitting

Ask = Callable[..., Request]

PERSONA = Segment("persona", "system", "You are Brack .")
NOW = Segment("instruction", "user", "Answer now .")


def heard(text: str) -> Segment:
    return Segment("history", "user", text)


def said(text: str) -> Segment:
    return Segment("history", "assistant", text)


def dropped_by(context_length: int, request: Request) -> int:
    return asyncio.run(Scripted(lambda _: "", context_length).complete(request)).dropped


@pytest.mark.parametrize(
    ("context_length", "dropped"),
    [(21, 0), (20, 1), (19, 2), (17, 3)],
    ids=["all fits", "one goes", "two go", "all go"],
)
def test_the_fewest_oldest_lines_go(context_length: int, dropped: int, ask: Ask) -> None:
    request = ask(PERSONA, heard("one"), heard("two"), heard("three four"), NOW, max_tokens=10)
    assert dropped_by(context_length, request) == dropped


def test_a_reply_goes_with_the_line_that_it_answered(ask: Ask) -> None:
    request = ask(PERSONA, heard("one two"), said("three"), said("four"), heard("five"), NOW, max_tokens=10)
    assert dropped_by(21, request) == 3


def test_a_reply_stays_if_any_user_message_stands_before_it(ask: Ask) -> None:
    scene = Segment("scene", "user", "Dusk .")
    request = ask(PERSONA, scene, heard("one two"), said("three"), heard("five"), NOW, max_tokens=10)
    assert dropped_by(21, request) == 1


def test_a_history_that_begins_with_a_reply_is_left_alone_if_it_fits(ask: Ask) -> None:
    assert dropped_by(100, ask(PERSONA, said("Ahoy ."), heard("one"), NOW, max_tokens=10)) == 0


def test_a_request_that_is_too_long_without_any_history_fails_with_the_numbers(ask: Ask) -> None:
    with pytest.raises(CallFailed, match=r"7 tokens without any history and 10 for the reply .* context of 16"):
        dropped_by(16, ask(PERSONA, heard("one"), NOW, max_tokens=10))


def test_the_answer_is_made_from_what_was_left(ask: Ask) -> None:
    seen: list[Request] = []

    def answer(request: Request) -> str:
        seen.append(request)
        return "Aye."

    request = ask(PERSONA, heard("one"), heard("two"), NOW, max_tokens=10)
    asyncio.run(Scripted(answer, 18).complete(request))
    assert seen[0].prompt.segments() == [PERSONA, heard("two"), NOW]


@pytest.mark.parametrize(("context_length", "words"), [(None, None), (30, 13), (17, 0), (10, -7)])
def test_room_is_what_the_context_leaves_to_history(context_length: int | None, words: int | None, ask: Ask) -> None:
    request = ask(PERSONA, heard("one"), heard("two"), NOW, max_tokens=10)
    assert Scripted(lambda _: "", context_length).room(request) == words


@pytest.fixture(scope="module")
def encoder(storybook: str, pictures: Callable[[str], Image.Image]) -> Encoder:
    return Encoder(storybook, pictures)


LINES = st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=12)


@given(lines=LINES, context_length=st.integers(60, 400))
def test_a_model_gets_about_half_as_much_history_as_fits_it_or_more(
    lines: list[tuple[bool, int]], context_length: int, encoder: Encoder, ask: Ask
) -> None:
    history = [(heard if is_heard else said)("aye " * words) for is_heard, words in lines]
    scene = Segment("scene", "user", "The harbour at dusk.")
    request = ask(PERSONA, scene, *history, NOW, max_tokens=20)
    encoded, dropped = cut(request, context_length, encoder)
    assert encoded == encoder.encode(fitting(request.prompt.segments(), dropped))
    assert encoded.length + 20 <= context_length
    fewest = next(n for n in range(len(history) + 1) if fits(request, n, context_length, encoder))
    assert dropped >= fewest
    assert fewest == len(history) or dropped < len(history), "the newest line stays if it may"
    needless = encoder.encode(fitting(request.prompt.segments(), fewest)).length - encoded.length
    assert needless <= (room(request, context_length, encoder) or 0) / 2


def fits(request: Request, dropped: int, context_length: int, encoder: Encoder) -> bool:
    kept = encoder.encode(fitting(request.prompt.segments(), dropped))
    return kept.length + request.sampling.max_tokens <= context_length


SHORT_TALK = [(heard if at % 2 else said)(f"Pip: aye, {at} green birds.") for at in range(201)]


@pytest.mark.parametrize(("context_length", "most"), [(384, 40), (600, 25), (1_200, 10)])
def test_a_prompt_that_is_cut_begins_anew_seldom_and_not_every_turn(
    context_length: int, most: int, encoder: Encoder, ask: Ask
) -> None:
    """Cut where it just fits, it would begin anew in 86, 77 and 52 of the hundred turns."""
    dropped = []
    for turn in range(1, 101):
        request = ask(PERSONA, NOW, *SHORT_TALK[: 2 * turn], max_tokens=20)
        dropped.append(cut(request, context_length, encoder)[1])
    assert dropped == sorted(dropped)
    assert dropped[-1] > 100
    assert 2 <= len({*dropped}) - 1 <= most


def test_what_differs_a_little_in_length_is_mostly_cut_at_the_same_place(encoder: Encoder, ask: Ask) -> None:
    """A note on how the character is now, say, does not begin its prompt anew."""
    alike = []
    for turn in range(30, 101):
        notes = (Segment("now", "user", note) for note in ("You are on the pier.", "You are on the pier, and cold."))
        requests = (ask(PERSONA, *SHORT_TALK[: 2 * turn], note, max_tokens=20) for note in notes)
        short, long = (cut(request, 384, encoder)[1] for request in requests)
        alike.append(short == long > 0)
    assert sum(alike) / len(alike) > 0.7


def test_an_answer_is_judged_after_what_the_reply_was_written_after(encoder: Encoder, ask: Ask) -> None:
    for turn in range(20, 60):
        request = ask(PERSONA, *SHORT_TALK[: 2 * turn], NOW, max_tokens=20)
        given = with_room(replace(request, answer="Aye, a bird."), 5)
        assert cut(given, 384, encoder) == cut(request, 384, encoder)


def test_room_and_length_agree(encoder: Encoder, ask: Ask) -> None:
    request = ask(PERSONA, NOW, max_tokens=20)
    free = room(request, 100, encoder)
    assert free == 80 - encoder.encode([PERSONA, NOW]).length
