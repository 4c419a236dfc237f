"""Slot-time is charged to what it went to, and all of it."""

import pytest

from sandbox.meter import Meter


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_time_is_charged_to_the_client_then_to_admission_then_to_the_tail(clock: Clock) -> None:
    meter = Meter(slots=2, waiting=2, clock=clock)
    meter.admitted(0)
    clock.passes(1)  # one in the client's hands, one slot for which an episode waits
    meter.asked(0)
    clock.passes(1)  # one busy, one for which an episode waits
    meter.admitted(1)
    meter.asked(1)
    clock.passes(2)  # both busy
    meter.answered(0)
    meter.ended(0)
    clock.passes(4)  # one busy, nothing left for the other
    shares = meter.occupancy()
    assert shares.busy == pytest.approx((1 + 2 * 2 + 4) / 16)
    assert shares.client == pytest.approx(1 / 16)
    assert shares.admission == pytest.approx(2 / 16)
    assert shares.tail == pytest.approx(4 / 16)
    assert shares.requests == pytest.approx((1 + 2 * 2 + 4) / 8)


def test_the_shares_add_up_to_one_whatever_happens(clock: Clock) -> None:
    meter = Meter(slots=3, waiting=5, clock=clock)
    for episode in range(5):
        meter.admitted(episode)
        clock.passes(0.3)
        for _ in range(episode):
            meter.asked(episode)
            clock.passes(0.7)
        for _ in range(episode):
            meter.answered(episode)
        meter.ended(episode)
    shares = meter.occupancy()
    assert shares.busy + shares.client + shares.admission + shares.tail == pytest.approx(1)
    assert meter.under_way == []


def test_calls_that_belong_to_no_episode_keep_an_engine_busy_too(clock: Clock) -> None:
    meter = Meter(slots=1, clock=clock)
    meter.asked(-1)
    clock.passes(1)
    meter.answered(-1)
    assert meter.occupancy().busy == 1


def test_a_meter_of_which_nothing_was_asked_says_nothing(clock: Clock) -> None:
    shares = Meter(slots=4, clock=clock).occupancy()
    assert (shares.busy, shares.client, shares.admission, shares.tail) == (0, 0, 0, 0)


def test_what_is_idle_while_the_user_holds_the_run_is_charged_to_the_pause(clock: Clock) -> None:
    meter = Meter(slots=2, waiting=2, clock=clock)
    meter.admitted(0)
    meter.asked(0)
    meter.hold(True)
    clock.passes(1)  # one is still answered
    meter.answered(0)
    clock.passes(1)
    meter.hold(False)
    clock.passes(2)  # one in the client's hands, one for which an episode waits
    shares = meter.occupancy()
    assert (shares.busy, shares.paused) == pytest.approx((1 / 8, 3 / 8))
    assert (shares.client, shares.admission, shares.tail) == pytest.approx((2 / 8, 2 / 8, 0))
