"""How many requests a server gets at once, and who waits for which: state machines, tested without a clock."""

import asyncio

import pytest

from sandbox.engines.engine import AT_LEISURE
from sandbox.engines.openai_line import SPILL, Line, choice
from sandbox.engines.openai_window import FAILURES, LONGEST_REST_S, LONGEST_REST_WISHED_S, Window, pause


class Host:
    def __init__(self, address: str, most: int = 1_000) -> None:
        self.address = address
        self.window = Window(most)


def busy(window: Window, requests: int) -> list[int]:
    """Send so many requests; return the burst that each belongs to."""
    window.busy += requests
    return [window.bursts] * requests


def test_a_window_begins_as_wide_as_it_may_be() -> None:
    window = Window(8)
    busy(window, 3)
    assert window.room(0) == 5


def test_one_burst_of_refusals_halves_what_was_under_way_once() -> None:
    window = Window(256)
    bursts = busy(window, 40)
    for burst in bursts:
        window.throttled(10, burst, None, chance=0)
    window.busy = 0
    assert window.limit == 20
    assert window.room(10) == 0
    assert window.room(11) == 20


def test_it_grows_by_one_for_as_many_answers_as_it_is_wide() -> None:
    window = Window(256)
    for burst in busy(window, 40):
        window.throttled(0, burst, None, chance=0)
    for _ in range(21):
        window.answered(window.bursts)
    assert 20.9 < window.limit < 21.1


def test_answers_to_what_was_sent_before_it_was_narrowed_do_not_widen_it() -> None:
    window = Window(256)
    old = busy(window, 40)
    window.throttled(0, old[0], None, chance=0)
    for burst in old[1:]:
        window.answered(burst)
    assert window.limit == 20


def test_it_never_closes_for_good_nor_grows_beyond_its_most() -> None:
    window = Window(2)
    for now in range(0, 2_000, 100):
        window.throttled(now, window.bursts, None, chance=0)
    assert window.limit == 1
    for _ in range(50):
        window.answered(window.bursts)
    assert window.limit == 2


def test_a_rest_that_is_wished_for_is_kept_to_the_longest_that_is_sensible() -> None:
    window = Window(8)
    window.throttled(0, 0, 7, chance=0.5)
    assert (window.room(6.9), window.room(7) > 0) == (0, True)
    window.throttled(10, window.bursts, 86_400, chance=0.5)
    assert window.rests_until == 10 + LONGEST_REST_WISHED_S


def test_a_late_refusal_of_the_same_burst_may_still_lengthen_the_rest() -> None:
    window = Window(8)
    first, second = busy(window, 2)
    window.throttled(0, first, 1, chance=0)
    window.throttled(0, second, 5, chance=0)
    assert window.rests_until == 5
    assert window.limit == 1


def test_a_server_that_is_gone_is_tried_with_one_request_after_longer_and_longer_rests() -> None:
    window, now, rests = Window(64), 0.0, []
    for _ in range(12):
        window.failed(now, gone=True, chance=1)
        rests.append(window.rests_until - now)
        now = window.rests_until
        assert window.room(now - 0.01) == 0
        assert window.room(now) == 1
    assert rests == sorted(rests)
    assert (rests[0], rests[-1]) == (pytest.approx(0.5), LONGEST_REST_S)
    assert window.down_since == 0
    window.answered(window.bursts)
    assert (window.room(now), window.down_since) == (64, None)


def test_failures_in_a_row_show_a_server_to_be_down_and_one_answer_shows_it_up() -> None:
    window = Window(64)
    for _ in range(FAILURES - 1):
        window.failed(0, gone=False, chance=0)
    window.answered(0)
    for _ in range(FAILURES - 1):
        window.failed(0, gone=False, chance=0)
    assert window.room(0) == 64
    window.failed(0, gone=False, chance=0)
    assert (window.room(0), window.down_since) == (0, 0)


def test_those_that_were_under_way_when_it_went_down_do_not_lengthen_the_rest() -> None:
    window = Window(64)
    for _ in range(50):
        window.failed(0, gone=True, chance=0)
    assert window.rests_until == pytest.approx(0.25)


def test_pauses_double_up_to_the_longest_and_vary_by_chance() -> None:
    assert [pause(number, 1) for number in range(4)] == [0.5, 1, 2, 4]
    assert pause(10_000, 1) == LONGEST_REST_S
    assert pause(3, 0) == 2


def test_an_episode_goes_to_the_same_server_while_loads_are_even() -> None:
    hosts = [Host(f"http://{name}") for name in "abc"]
    homes = {episode: choice(hosts, episode, 0) for episode in range(300)}
    assert all(choice(hosts[::-1], episode, 0) is home for episode, home in homes.items())
    shares = [list(homes.values()).count(host) for host in hosts]
    assert min(shares) > 70


def test_no_server_gets_much_more_than_its_share() -> None:
    hosts = [Host(f"http://{name}") for name in "abcd"]
    for episode in range(400):
        host = choice(hosts, episode % 7, 0)
        assert host is not None
        host.window.busy += 1
    assert max(host.window.busy for host in hosts) <= SPILL * 100 + 1


def test_an_episode_that_must_go_elsewhere_has_one_second_home() -> None:
    hosts = [Host(f"http://{name}", most=1) for name in "abc"]
    first = choice(hosts, 5, 0)
    assert first is not None
    first.window.busy = 1
    seconds = {host.address for _ in range(5) if (host := choice(hosts, 5, 0))}
    assert len(seconds) == 1
    assert first.address not in seconds


def test_what_belongs_to_no_episode_goes_where_there_is_least_to_do() -> None:
    hosts = [Host(f"http://{name}") for name in "abc"]
    hosts[0].window.busy, hosts[1].window.busy, hosts[2].window.busy = 3, 1, 2
    assert choice(hosts, -1, 0) is hosts[1]


def test_nobody_is_chosen_where_all_have_enough_to_do() -> None:
    hosts = [Host("http://a", most=1), Host("http://b")]
    hosts[0].window.busy = 1
    hosts[1].window.failed(0, gone=True, chance=0)
    assert choice(hosts, 1, 0) is None
    assert choice(hosts, 1, 60) is hosts[1]


def test_a_place_that_was_given_to_who_is_just_leaving_is_given_back() -> None:
    host = Host("http://a", most=1)

    async def leave_at_the_door() -> None:
        line = Line([host])
        first = await line.enter(AT_LEISURE)
        second = asyncio.create_task(line.enter(AT_LEISURE))
        await asyncio.sleep(0)
        line.leave(first)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second

    asyncio.run(leave_at_the_door())
    assert host.window.busy == 0
