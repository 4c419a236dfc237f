"""What a model call was for, as its key says: `t07/brack/react`, `t07/narrator/steer/again1`, `interview/2/pip`."""

from scenes.event import INTERVIEWER, Event

INTERVIEW = "interview"
_STEPS = {"ask": 1, "speak": 2, "judge": 3, "steer": 3}
"""The steps of a turn: what is asked in one rests on those before, and knows nothing of what is asked beside it.
All that is not here is asked in the last."""
_LAST_STEP = 4


def purpose_of(key: str | None) -> str:
    """Return what the call under `key` was for: `speak`, `react`, `judge`, `steer`, …, `interview`; "" without one."""
    first, *rest = (key or "").split("/")
    if first == INTERVIEW or len(rest) < 2:
        return first if first == INTERVIEW else ""
    return rest[1].split("-")[0]


def step_of(key: str | None) -> int:
    """Return the step of its turn in which the call under `key` is made; 0 without one."""
    return _STEPS.get(purpose_of(key), _LAST_STEP) if key else 0


def first_asked(key: str) -> str:
    """Return the key under which something was asked first, where `key` may be that of its being asked again."""
    return key.split("/again")[0]


def is_of_interview(event: Event) -> bool:
    """Return whether `event` is a question that the interviewer put to somebody in private, or the answer."""
    return event.actor == INTERVIEWER or purpose_of(event.call) == INTERVIEW
