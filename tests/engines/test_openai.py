"""Servers of the OpenAI API, and every way in which one may fail (the rows of table E are in the names' comments)."""

import asyncio
import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from random import Random
from typing import Any

import pytest
from asking import FORM, PERSONA, PICTURE, QUESTION, answers, outcomes, plain, question, refusal
from faultserver import RESPONSES, FaultServer, answer, reply
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from sandbox.engines import openai_window
from sandbox.engines.config import EngineConfig, OpenAIConfig, Prices, ScriptedConfig, TransformersConfig
from sandbox.engines.engine import Engine, EngineDied, Urgency
from sandbox.engines.openai import OpenAIEngine
from sandbox.engines.openai_body import harmless
from sandbox.engines.start import start
from scenes.chat import Completion, Prompt, Request, Segment
from scenes.problem import InputRefused

Pictures = Callable[[str], Image.Image]
Serve = Callable[..., FaultServer]
TOO_LONG = b'{"error":{"message":"This model\'s maximum context length is 384 tokens. Please reduce the length."}}'


@pytest.fixture(autouse=True)
def short_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_window, "FIRST_REST_S", 0.01)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that does with each request what it is told."""
    begun: list[FaultServer] = []

    def serve(*behaviours: Any, **card: Any) -> FaultServer:
        server = FaultServer(*behaviours, **card).__enter__()
        begun.append(server)
        return server

    yield serve
    for server in begun:
        server.__exit__(None, None, None)


@pytest.fixture
def engine(pictures: Pictures) -> Iterator[Callable[..., OpenAIEngine]]:
    """Start the engine for one or several servers."""
    started: list[OpenAIEngine] = []

    def engine(*servers: FaultServer, **settings: Any) -> OpenAIEngine:
        addresses = ",".join(server.address for server in servers)
        started.append(OpenAIEngine(OpenAIConfig(**settings), f"{addresses}#tiny", pictures))
        return started[-1]

    yield engine
    for one in started:
        one.close()


Start = Callable[..., OpenAIEngine]


def died(engine: Engine, request: Request) -> str:
    (outcome,) = outcomes(engine, request)
    assert isinstance(outcome, EngineDied)
    return str(outcome)


# What is asked


def test_a_question_about_a_picture_goes_out_as_chat_messages_in_order(serve: Serve, engine: Start) -> None:
    server = serve()
    (completion,) = answers(engine(server), question(5, temperature=0.5, top_p=0.9, stop=("\n",)))
    assert completion == Completion(text="hello", prompt_tokens=50, cached_tokens=32, output_tokens=7)
    (asked,) = server.asked
    system, user = asked.pop("messages")
    assert system == {"role": "system", "content": PERSONA.text}
    picture, text = user["content"]
    assert (user["role"], text) == ("user", {"type": "text", "text": QUESTION.text})
    kind, _, data = picture["image_url"]["url"].partition(",")
    assert (picture["type"], kind) == ("image_url", "data:image/png;base64")
    assert Image.open(BytesIO(base64.b64decode(data))).getpixel((5, 5)) == (255, 165, 0)
    assert asked == {
        "model": "tiny", "temperature": 0.5, "top_p": 0.9, "seed": 5, "max_tokens": 24, "stop": ["\n"]
    }  # fmt: skip


def test_a_picture_is_encoded_once_and_stands_where_it_was_shown(serve: Serve, pictures: Pictures) -> None:
    opened = []

    def opening(image: str) -> Image.Image:
        opened.append(image)
        return pictures(image)

    server = serve()
    engine = OpenAIEngine(OpenAIConfig(), server.model, opening)
    segments = [Segment("images", "user", text="Before."), PICTURE, Segment("images", "user", image="teal"), QUESTION]
    request = Request("m", Prompt().then(*segments))
    answers(engine, request, request, request)
    assert sorted(opened) == ["orange", "teal"]
    kinds = [part.get("text", part["type"]) for part in server.asked[0]["messages"][0]["content"]]
    assert kinds == ["Before.\n\n", "image_url", "\n\n", "image_url", QUESTION.text]


@pytest.mark.parametrize(
    "token",
    ["<|im_end|>", "</s>", "<image>", "<|vision_start|>", "＜｜im_end｜＞", "[INST]", "[/INST]", "<start_of_turn>",
     "<｜end▁of▁sentence｜>", "<<SYS>>", "[gMASK]", "﹤image﹥"],
)  # fmt: skip
def test_a_control_token_that_somebody_says_is_broken_in_two(token: str, serve: Serve, engine: Start) -> None:
    server = serve()
    said = Segment("history", "user", f"Pip: Look {token} there")
    halves = [Segment("history", "user", token[:3]), Segment("history", "user", token[3:], glue="")]
    answers(engine(server), Request("m", Prompt().then(said)), Request("m", Prompt().then(*halves)))
    for asked in server.asked:
        text = asked["messages"][0]["content"]
        assert token not in text
        assert token in text.replace("\u200b", "")


@pytest.mark.parametrize("text", ["2 < 3 > 1", "I <3 you", "[laughs] Aye", "a <- b", "[He leaves.]"])
def test_what_is_no_control_token_is_sent_as_it_is(text: str, serve: Serve, engine: Start) -> None:
    server = serve()
    answers(engine(server), Request("m", Prompt().then(Segment("history", "user", text))))
    assert server.asked[0]["messages"] == [{"role": "user", "content": text}]


def test_a_reply_that_is_begun_is_to_be_gone_on_with(serve: Serve, engine: Start) -> None:
    server = serve()
    begun = Segment("instruction", "assistant", "Aye, there is a")
    answers(engine(server), Request("m", Prompt().then(QUESTION, begun)))
    assert server.asked[0]["continue_final_message"] is True
    assert server.asked[0]["add_generation_prompt"] is False


def test_a_form_is_asked_for_by_the_other_name_if_the_first_is_refused_and_so_ever_after(
    serve: Serve, engine: Start
) -> None:
    server = serve("400", lambda body: answer(200, reply('{"a":\x01"x"}')), "ok")
    one = engine(server)
    (first,) = answers(one, question(form=FORM))
    assert first.text == '{"a": "x"}'
    answers(one, question(form=FORM))
    assert [set(asked) & {"response_format", "structured_outputs"} for asked in server.asked] == [
        {"response_format"}, {"structured_outputs"}, {"structured_outputs"}
    ]  # fmt: skip
    assert server.asked[1]["structured_outputs"] == {"json": FORM}


def test_a_form_that_is_refused_by_both_names_fails_its_call_and_nothing_is_learned(
    serve: Serve, engine: Start
) -> None:
    server = serve("400", "400", "ok")
    one = engine(server)
    assert "top_p must be" in refusal(one, question(form=FORM))
    answers(one, question(form=FORM))
    assert "response_format" in server.asked[2]


def test_vllm_gets_priorities_seeds_and_ids_of_pictures_and_none_of_the_models_own_sampling(
    serve: Serve, engine: Start
) -> None:
    server = serve(owned_by="vllm", max_model_len=384)
    one = engine(server)
    asyncio.run(one.complete(question(2**62), Urgency(3, turns_left=7)))
    (asked,) = server.asked
    assert (asked["priority"], asked["seed"], asked["top_k"], asked["repetition_penalty"]) == (-7, 2**62, -1, 1)
    assert asked["messages"][1]["content"][0]["uuid"] == "orange"
    assert (one.facts.context_length, one.facts.versions) == (384, {"vllm": "9.9"})


def test_what_a_server_does_not_know_is_not_said_again(serve: Serve, engine: Start) -> None:
    no_priority = answer(400, b'{"error":{"message":"Got priority -1 but Priority scheduling is not enabled."}}')
    no_max = answer(400, b'{"error":{"message":"Unsupported parameter: use \'max_completion_tokens\' instead."}}')
    server = serve(lambda body: no_priority, lambda body: no_max, "ok", owned_by="vllm")
    one = engine(server)
    answers(one, question())
    answers(one, question())
    assert ["priority" in asked for asked in server.asked] == [True, False, False, False]
    assert ["max_tokens" in asked for asked in server.asked] == [True, True, False, False]
    assert server.asked[-1]["max_completion_tokens"] == 24


# Faults that pass


@pytest.mark.parametrize(
    "fault",
    ["500", "503", "reset", "reset_mid", "wronglen", "truncated", "chunks", "nothttp",  # E6
     "garbage", "deep", "empty", "html", "badutf8", "nochoices", "wrongtype",  # E8
     "sse_ok", "sse_cut", "sse_garbage", "sse_noend", "unfinished",  # E9
     "429", "429bare", "500dead"],
)  # fmt: skip
def test_a_server_that_fails_once_is_asked_again(fault: str, serve: Serve, engine: Start) -> None:
    server = serve(fault, "ok")
    (completion,) = answers(engine(server), question())
    assert completion.text == "hello"
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("fault", "told"),
    [("500", "oops"), ("503", "slow down"), ("reset", "connection to .* broke"), ("reset_mid", "broke"),
     ("wronglen", "broke"), ("chunks", "broke"), ("nothttp", "broke"), ("garbage", "not JSON: .*unterm"),
     ("deep", "not JSON"), ("empty", "nothing at all"), ("html", "not JSON: .*502 Bad Gateway"),
     ("badutf8", "not JSON"), ("nochoices", "form of the API"), ("sse_noend", "not JSON"), ("unfinished", "finished")],
)  # fmt: skip
def test_a_server_that_goes_on_failing_fails_the_call_after_four_tries(
    fault: str, told: str, serve: Serve, engine: Start
) -> None:
    server = serve(fault)
    message = refusal(engine(server), question())
    assert len(server.asked) == 4
    assert re.search(told, message)
    assert "\x1b" not in message


@pytest.mark.parametrize(
    ("fault", "told"),
    [("400", "top_p must be"), ("413", "too large"), ("422", "unprocessable"), ("redirect", "another address"),  # E7
     ("huge", "longer than 2 MB"), ("endless", "longer than 2 MB"), ("bomb", "longer than 2 MB"),  # E12
     ("filter", "content filter"), ("toolcall", "tool_calls")],
)  # fmt: skip
def test_what_no_other_try_would_mend_fails_its_call_at_once_and_alone(
    fault: str, told: str, serve: Serve, engine: Start
) -> None:
    server = serve(fault, "ok")
    one = engine(server)
    assert told in refusal(one, question())
    assert len(server.asked) == 1
    (after,) = answers(one, question())
    assert after.text == "hello"


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [("nocontent", "", "stop"), ("nullcontent", "", "stop"), ("length", "cut in the mid", "length"),  # E10, E11
     ("surrogate", "\ufffd half of an emoji", "stop"), ("nul", "a\0b", "stop"), ("gzip", "packed", "stop")],  # E13
)  # fmt: skip
def test_an_odd_answer_is_an_answer(kind: str, text: str, reason: str, serve: Serve, engine: Start) -> None:
    (completion,) = answers(engine(serve(kind)), question())
    assert (completion.text, completion.finish_reason) == (text, reason)


@pytest.mark.parametrize("fault", ["hang", "slowloris"])  # E3, E4
def test_a_reply_that_does_not_come_fails_at_the_deadline_of_the_call(fault: str, serve: Serve, engine: Start) -> None:
    server = serve(fault)
    begun = time.monotonic()
    assert "no answer within 0.3 s" in refusal(engine(server, deadline_s=0.3), question())
    assert time.monotonic() - begun < 1.3
    assert len(server.asked) == 1


def test_the_deadline_is_one_for_all_tries(serve: Serve, engine: Start) -> None:
    server = serve("500")
    server.delay_s = 0.2
    assert "no answer within 0.5 s" in refusal(engine(server, deadline_s=0.5, retries=99), question())
    assert len(server.asked) == 3


def test_a_server_that_wants_rest_gets_it_from_all_and_no_call_is_charged(serve: Serve, engine: Start) -> None:  # E5
    server = serve(*["429"] * 6, "ok")
    one = engine(server, retries=0)
    assert len(answers(one, *(question(seed) for seed in range(6)))) == 6
    burst, after = server.times[:6], server.times[6:]
    assert min(after) - max(burst) > 0.25
    assert one.spent.throttled == 6


def test_a_rest_of_an_hour_is_cut_short(serve: Serve, engine: Start) -> None:  # E5
    server = serve("429date")
    one = engine(server)

    async def ask() -> float:
        asked = asyncio.create_task(one.complete(question()))
        while not one.spent.throttled:
            await asyncio.sleep(0.01)
        asked.cancel()
        return one._servers[0].window.rests_until - time.monotonic()

    assert 290 < asyncio.run(ask()) <= 300


def test_a_server_with_too_much_to_do_is_asked_less_at_once(serve: Serve, engine: Start) -> None:
    at_once: list[int] = []

    def behave(body: dict[str, Any]) -> bytes:
        at_once.append(server.under_way)
        return RESPONSES["429bare" if len(at_once) <= 16 else "ok"]()

    server = serve(behave)
    server.delay_s = 0.02
    answers(engine(server), *(question(seed) for seed in range(16)))
    assert max(at_once[:16]) == 16
    assert max(at_once[16:]) <= 9


@pytest.mark.parametrize("seed", range(5))
def test_in_a_storm_of_faults_on_three_servers_every_call_is_answered(seed: int, serve: Serve, engine: Start) -> None:
    rng = Random(seed)
    faults = ["500", "503", "429bare", "reset", "reset_mid", "garbage", "html", "wronglen", "sse_cut", "500dead"]
    servers = [serve(*(rng.choice(faults) if rng.random() < 0.4 else "ok" for _ in range(60)), "ok") for _ in range(3)]
    one = engine(*servers, retries=60, max_concurrency=8)

    async def ask() -> list[Completion]:
        return await asyncio.gather(*(one.complete(plain(n), Urgency(n % 20, n)) for n in range(120)))

    assert [completion.text for completion in asyncio.run(ask())] == ["hello"] * 120
    assert [server.window.busy for server in one._servers] == [0, 0, 0]
    assert sum(len(server.asked) for server in servers) <= one.spent.tries
    assert one.spent.calls == 120


# Faults that end the engine


@pytest.mark.parametrize(
    ("fault", "told"),
    [("401", "401"), ("403", "403"), ("404", "does not exist"), ("429quota", "quota")],
)
def test_what_would_fail_every_request_ends_the_engine(fault: str, told: str, serve: Serve, engine: Start) -> None:
    server = serve(fault)
    one = engine(server)
    assert told in died(one, question())
    assert told in died(one, question())
    assert len(server.asked) == 1


def test_another_model_under_the_same_address_ends_the_engine(serve: Serve, engine: Start) -> None:  # E16
    server = serve("ok", "othermodel")
    one = engine(server)
    answers(one, question())
    assert "another model answers now: other, and before tiny" in died(one, question())


def test_a_server_that_comes_back_with_another_model_ends_the_engine(serve: Serve, engine: Start) -> None:  # E16
    server = serve("500dead", "ok", root="/models/a")
    one = engine(server)
    server.listed[0]["root"] = "/models/b"
    assert "came back with another model" in died(one, question())


def test_servers_that_stay_away_end_the_engine(serve: Serve, engine: Start) -> None:  # E2
    server = serve()
    one = engine(server, give_up_s=0.2)
    server.stop()
    assert "no server has answered for 0.2 s" in died(one, question())


def test_a_health_page_over_a_dead_engine_is_not_believed(serve: Serve, engine: Start) -> None:
    server = serve("500dead")
    assert "EngineCore" in died(engine(server, give_up_s=0.2), question())


def test_a_server_that_comes_back_is_asked_again_and_no_call_is_lost(serve: Serve, engine: Start) -> None:
    server = serve()
    one = engine(server, retries=0)
    server.stop()

    async def ask() -> list[Completion]:
        asked = asyncio.gather(*(one.complete(question(seed)) for seed in range(8)))
        await asyncio.sleep(0.1)
        server.start()
        return await asked

    assert [completion.text for completion in asyncio.run(ask())] == ["hello"] * 8


# Several servers


def test_episodes_stay_with_their_servers_and_share_them_out(serve: Serve, engine: Start) -> None:
    servers = [serve(), serve(), serve()]
    one = engine(*servers)

    async def play(episode: int) -> None:
        for _ in range(4):
            await one.complete(plain(episode), Urgency(episode, 3))

    for episode in range(40):  # by their addresses, so that one may get few of a dozen
        asyncio.run(play(episode))
    seeds = [[asked["seed"] for asked in server.asked] for server in servers]
    assert all(seeds)
    assert all(len(set(asked)) * 4 == len(asked) for asked in seeds)


def test_a_server_that_is_down_is_left_out(serve: Serve, engine: Start) -> None:
    good, bad = serve(), serve()
    one = engine(good, bad)
    bad.stop()

    async def ask() -> list[Completion]:
        return await asyncio.gather(*(one.complete(plain(n), Urgency(n, 3)) for n in range(40)))

    assert len(asyncio.run(ask())) == len(good.asked) == 40
    assert one.spent.tries < 40 + 30


def test_a_server_that_is_not_there_at_first_is_met_later(serve: Serve, engine: Start) -> None:
    good, late = serve("429"), serve()
    late.stop()
    one = engine(good, late)
    late.start()
    (completion,) = answers(one, question())
    assert completion.text == "hello"
    assert len(late.asked) == 1


# Context


def too_long_beyond(segments: int) -> Callable[[dict[str, Any]], bytes]:
    def behave(body: dict[str, Any]) -> bytes:
        return answer(400, TOO_LONG) if len(body["messages"]) > segments else answer(200, reply("Aye."))

    return behave


def story(turns: int) -> Request:
    lines = [
        Segment("history", role, f"line {at}", starts_message=True)
        for at in range(turns)
        for role in ("user", "assistant")
    ]
    return Request("m", Prompt().then(PERSONA, *lines, Segment("instruction", "user", "Go on.", starts_message=True)))


def test_a_history_that_is_too_long_is_cut_in_jumps_that_last(serve: Serve, engine: Start) -> None:  # E15
    server = serve(too_long_beyond(26))
    one = engine(server)
    dropped = [answers(one, story(turns))[0].dropped for turns in range(10, 20)]
    assert dropped == [0, 0, 0, 8, 8, 8, 8, 16, 16, 16]
    assert len(server.asked) == 10 + 2, "what had to go before is not sent again"
    assert server.asked[-1]["messages"][1]["content"] == "line 8"


def test_a_prompt_that_is_too_long_without_its_history_fails(serve: Serve, engine: Start) -> None:
    server = serve(too_long_beyond(1))
    assert "even without any history" in refusal(engine(server), story(3))


def test_a_reply_that_had_no_room_is_asked_for_again_with_less_history(serve: Serve, engine: Start) -> None:
    body = json.loads(reply("Aye, a", "length")) | {"usage": {"prompt_tokens": 380, "completion_tokens": 4}}
    server = serve(lambda _: answer(200, json.dumps(body).encode()), "ok", max_model_len=384)
    (completion,) = answers(engine(server), story(4))
    assert (completion.text, completion.dropped) == ("hello", 4)


# Likelihood


def likely(body: dict[str, Any]) -> bytes:
    """Behave as vLLM's server does, where each letter is a token."""
    if "prompt" in body:
        return answer(200, json.dumps({"tokens": [ord(letter) for letter in body["prompt"]]}).encode())
    text = "".join(message["content"] for message in body["messages"])
    read: list[Any] = [{str(ord(letter)): {"logprob": -ord(letter) / 100}} for letter in text]
    return answer(200, reply("x", "length", prompt_logprobs=[None, *read[1:]]))


def test_vllm_says_how_likely_an_answer_is(serve: Serve, engine: Start) -> None:
    server = serve(likely, owned_by="vllm")
    (completion,) = answers(engine(server), replace(plain(), answer="Aye"))
    assert completion.logprobs == pytest.approx([-0.65, -1.21, -1.01])
    assert (completion.text, completion.token_ids, completion.prompt_tokens) == ("", (65, 121, 101), 50)
    assert server.paths == ["/tokenize", "/v1/chat/completions"]
    assert server.asked[1]["messages"][-1] == {"role": "assistant", "content": "Aye"}


def test_other_servers_cannot_say_how_likely_an_answer_is(serve: Serve, engine: Start) -> None:
    server = serve(likely)
    one = engine(server)
    assert "cannot say how likely" in refusal(one, replace(plain(), answer="Aye"))
    assert server.asked == []


def test_an_answer_that_is_read_otherwise_behind_its_prompt_fails_its_call(serve: Serve, engine: Start) -> None:
    def merged(body: dict[str, Any]) -> bytes:
        return answer(200, b'{"tokens": [1, 2]}') if "prompt" in body else likely(body)

    assert "otherwise behind the prompt" in refusal(
        engine(serve(merged, owned_by="vllm")), replace(plain(), answer="A")
    )


# What it costs


def test_tokens_are_counted_and_what_is_not_metered_is_told(serve: Serve, engine: Start) -> None:
    one = engine(serve("ok", "unmetered"))
    answers(one, question())
    answers(one, question())
    spent = one.spent
    assert (spent.calls, spent.unmetered, spent.prompt_tokens, spent.cached_tokens, spent.output_tokens) == (
        2, 1, 50, 32, 7
    )  # fmt: skip
    assert spent.price(Prices(prompt=10, cached=1, output=100)) == pytest.approx((18 * 10 + 32 + 700) / 1e6)
    assert spent.price(Prices(prompt=10, output=100)) == pytest.approx((50 * 10 + 700) / 1e6)


# Loops, cancelling, closing


def test_one_loop_after_another_may_ask(serve: Serve, engine: Start) -> None:
    one = engine(serve())
    assert [answers(one, question(seed), question(seed + 1))[1].text for seed in range(3)] == ["hello"] * 3


def test_connections_are_kept_while_a_loop_lasts(serve: Serve, engine: Start) -> None:
    server = serve()
    one = engine(server)

    async def ask() -> int:
        for seed in range(5):
            await one.complete(question(seed))
        place = await one._here()
        connector = place.session.connector
        assert connector is not None
        return sum(map(len, connector._conns.values()))

    assert asyncio.run(ask()) == 1


def test_to_cancel_a_call_closes_its_connection_and_no_other(serve: Serve, engine: Start) -> None:  # E14
    server = serve("hang", "ok")
    one = engine(server)

    async def cancel() -> Completion:
        asked = asyncio.create_task(one.complete(question()))
        while not server.asked:
            await asyncio.sleep(0.01)
        other = await one.complete(question(1))
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        for _ in range(100):
            await asyncio.sleep(0.01)
            if server.left:
                return other
        raise AssertionError("the server was not told")

    assert asyncio.run(cancel()).text == "hello"
    assert one._servers[0].window.busy == 0


def test_who_is_cancelled_while_waiting_leaves_the_line(serve: Serve, engine: Start) -> None:
    server = serve()
    server.delay_s = 0.05
    one = engine(server, max_concurrency=1)

    async def ask() -> list[Any]:
        tasks = [asyncio.create_task(one.complete(question(seed))) for seed in range(4)]
        await asyncio.sleep(0.02)
        tasks[1].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, cancelled, *rest = asyncio.run(ask())
    assert isinstance(cancelled, asyncio.CancelledError)
    assert [one.text for one in (first, *rest)] == ["hello"] * 3
    assert server.most_under_way == 1


def test_the_most_urgent_goes_first(serve: Serve, engine: Start) -> None:
    server = serve()
    server.delay_s = 0.01
    one = engine(server, max_concurrency=1)
    urgencies = [Urgency(0, 1), Urgency(1, 2), Urgency(2, 9, scoring=True), Urgency(3, 9), Urgency(4, 5)]

    async def ask() -> None:
        await asyncio.gather(*(one.complete(plain(each.episode), each) for each in urgencies))

    asyncio.run(ask())
    assert [asked["seed"] for asked in server.asked] == [0, 3, 4, 1, 2]


def test_a_closed_engine_is_gone_and_so_are_its_calls(serve: Serve, engine: Start) -> None:
    server = serve("hang")
    one = engine(server, max_concurrency=1)

    async def close_early() -> list[Any]:
        asked = [asyncio.create_task(one.complete(question(seed))) for seed in range(2)]
        while not server.asked:
            await asyncio.sleep(0.01)
        one.close()
        return await asyncio.gather(*asked, return_exceptions=True)

    assert [type(outcome) for outcome in asyncio.run(close_early())] == [EngineDied, EngineDied]
    one.close()
    assert "closed" in died(one, question())


# Starting


def test_the_settings_are_told_by_their_kind_and_hold_no_key() -> None:
    config = OpenAIConfig(api_key_env="MY_KEY", prices=Prices(prompt=1, output=2), retries=1)
    assert TypeAdapter[Any](EngineConfig).validate_python(config.model_dump()) == config
    with pytest.raises(ValidationError, match="api_key_env"):
        OpenAIConfig(api_key_env="sk-CANARY")


def test_a_key_goes_to_the_server_and_nowhere_else(
    serve: Serve, engine: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "CANARY-4711")
    server = serve("ok", "401")
    silent, one = engine(server), engine(server, api_key_env="OPENAI_API_KEY")
    assert not any("CANARY" in head for head in server.headers[:1])
    assert "Authorization: Bearer CANARY-4711" in server.headers[-1]
    answers(one, question())
    told = [died(one, question()), repr(one.facts), repr(one._config), repr(silent.facts), repr(one.spent)]
    assert "***" in told[0]
    assert not any("CANARY" in text for text in told)


@pytest.mark.parametrize("value", ["", "two\nlines", "schlüssel"])
def test_a_variable_without_a_key_is_refused_and_not_quoted(
    value: str, serve: Serve, engine: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", value)
    with pytest.raises(InputRefused, match="MY_KEY holds no key") as refused:
        engine(serve(), api_key_env="MY_KEY")
    assert not value or value not in str(refused.value)


def test_a_proxy_of_the_environment_is_not_used(serve: Serve, engine: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert answers(engine(serve()), question())[0].text == "hello"


def test_a_server_that_is_not_there_is_refused(serve: Serve, engine: Start) -> None:
    server = serve()
    server.stop()
    with pytest.raises(InputRefused, match=r"no server answers at http://127\.0\.0\.1"):
        engine(server)


@pytest.mark.parametrize(("status", "told"), [(401, "answered 401"), (302, "another address"), (500, "answered 500")])
def test_a_server_that_refuses_to_say_what_it_serves_is_refused(
    status: int, told: str, serve: Serve, engine: Start
) -> None:
    server = serve()
    server.list_status = status
    with pytest.raises(InputRefused, match=told):
        engine(server)


def test_a_server_without_the_model_is_refused_with_what_it_has(serve: Serve, engine: Start) -> None:
    server = serve(id="llama")
    with pytest.raises(InputRefused, match="no model tiny there; there are: llama"):
        engine(server)


def test_a_server_without_a_list_is_taken_at_its_word(serve: Serve, engine: Start) -> None:
    server = serve()
    server.list_status = 404
    one = engine(server)
    assert one.facts.context_length is None
    assert answers(one, question())[0].text == "hello"


def test_a_model_on_a_server_is_asked_there_whatever_the_engine(serve: Serve, pictures: Pictures) -> None:
    server = serve()
    assert start(TransformersConfig(), server.model, pictures, 1).facts.kind == "openai"
    assert start(ScriptedConfig(), server.model, pictures, 1).facts.kind == "scripted"
    assert start(OpenAIConfig(), server.model, pictures, 1).room(question()) is None
    with pytest.raises(InputRefused, match="storybook is on no server"):
        start(OpenAIConfig(), "storybook", pictures, 1)


def test_the_sections_of_a_judge_reach_its_server_as_it_was_trained_on_them() -> None:
    sections = "<Scene> <Character> <Actions> <Note> <Criteria> <Score>:"
    assert harmless(sections) == sections
    assert harmless("<Scenes> <score> <|im_end|>").count("\u200b") == 3
