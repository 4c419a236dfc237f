"""The tape answers from the record, asks for what is not on it once, and says what it asked."""

import asyncio
from collections.abc import Mapping

import pytest

from sandbox.tape import Answer, Diverged, Tape
from scenes.chat import CallFailed, Completion, Prompt, Request, Segment

KEY = "t01/brack/speak"
QUESTION = Request("storybook", Prompt().then(Segment("instruction", "user", "Speak.")))


def recorded(completion: Completion | None, error: str | None = None) -> dict[str, Answer]:
    return {KEY: Answer(QUESTION.digest(), QUESTION.prompt.id, completion, error)}


def tape_and_asked(record: Mapping[str, Answer], answer: Completion | CallFailed) -> tuple[Tape, list[str]]:
    """Return a tape whose engine gives `answer`, and the keys under which that is asked."""
    asked: list[str] = []

    async def ask(key: str, request: Request) -> Completion:
        asked.append(key)
        if isinstance(answer, CallFailed):
            raise answer
        return answer

    return Tape(record, ask), asked


def test_what_is_on_record_is_answered_without_asking_and_not_recorded_again() -> None:
    tape, asked = tape_and_asked(recorded(Completion(text="As before.")), Completion(text="Anew."))
    assert asyncio.run(tape.call(KEY, QUESTION)).text == "As before."
    assert asked == []
    assert tape.taken() == []


def test_what_is_not_on_record_is_asked_and_given_out_once_to_be_recorded() -> None:
    tape, asked = tape_and_asked({}, Completion(text="Anew."))
    assert asyncio.run(tape.call(KEY, QUESTION)).text == "Anew."
    assert asked == [KEY]
    (call,) = tape.taken()
    assert (call.key, call.request, call.completion, call.error) == (KEY, QUESTION, Completion(text="Anew."), None)
    assert call.seconds >= 0
    assert tape.taken() == []


def test_a_call_that_fails_is_recorded_under_its_key_with_a_reason_that_can_be_written() -> None:
    tape, _ = tape_and_asked({}, CallFailed("no\udc80 room"))
    with pytest.raises(CallFailed):
        asyncio.run(tape.call(KEY, QUESTION))
    (call,) = tape.taken()
    assert (call.key, call.completion, call.error) == (KEY, None, "no� room")


def test_a_recorded_failure_fails_again_without_asking() -> None:
    tape, asked = tape_and_asked(recorded(None, "no room"), Completion(text="Anew."))
    with pytest.raises(CallFailed, match="no room"):
        asyncio.run(tape.call(KEY, QUESTION))
    assert asked == []


@pytest.mark.parametrize(
    "other",
    [
        Request("storybook", Prompt().then(Segment("instruction", "user", "Speak!"))),
        Request("another", QUESTION.prompt),
        Request("storybook", QUESTION.prompt, seed=1),
        Request("storybook", QUESTION.prompt, QUESTION.sampling.model_copy(update={"max_tokens": 81})),
    ],
    ids=["prompt", "model", "seed", "sampling"],
)
def test_another_request_under_a_recorded_key_is_never_given_the_recorded_answer(other: Request) -> None:
    tape, asked = tape_and_asked(recorded(Completion(text="As before.")), Completion(text="Anew."))
    with pytest.raises(Diverged) as diverged:
        asyncio.run(tape.call(KEY, other))
    assert (diverged.value.key, diverged.value.request) == (KEY, other)
    assert asked == []
