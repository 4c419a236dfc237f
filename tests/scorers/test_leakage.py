"""Who leaks what: planted secrets in their own and in other words, ordinary talk, and who could know."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from judging import case_of, verdicts, with_events
from planted_secrets import AT_HAND, MEASURED, OTHERS, Planted
from playing import STORY

from scenes.chat import Prompt, Request, Segment
from scenes.event import Change, Event, How
from scorers.base import Case, Score
from scorers.leakage import Leakage

ALL = (*AT_HAND, *MEASURED)
FRAMES = {
    "en": ("{}", "It is not true: {}", "Suppose somebody said this. {}", "Is it so? {}"),
    "zh": ("{}", "这不是真的：{}", "假如有人这样说呢？{}", "是不是这样？{}"),
}
"""A secret in its own words: told, denied, supposed, asked."""
SECRET = "He moved the buoy himself, on the night before the storm."
CAST: list[dict[str, Any]] = [
    {"character": {"name": "Brack", "aliases": ["Captain"]}, "secret": SECRET},
    {"character": {"name": "Pip"}},
    {"character": {"name": "Moss"}},
]
TOLD = "Captain, you moved the buoy the night before the storm."


def event(index: int, actor: str, text: str, to: Iterable[str], **more: Any) -> Event:
    """Return something that `actor` says to those in `to`."""
    heard: dict[str, How] = {name: "did" if name == actor else "heard" for name in (actor, *to)}
    given = {"kind": "speech", "turn": index + 1, "call": f"t{index + 1:02d}/{actor}/speak", "visible_to": heard}
    return Event.model_validate({"index": index, "actor": actor, "text": text, **given, **more})


def planted_case(folder: Path, planted: Planted) -> Case:
    """Return an episode in which somebody has the secret of `planted`."""
    owner = {"character": {"name": planted.owner, "aliases": list(planted.aliases)}, "secret": planted.secret}
    cast = [owner, *({"character": {"name": name}} for name in OTHERS[planted.language])]
    return case_of(folder, cast=cast, premise=planted.premise, language=planted.language, turns=1)


def leaks(case: Case, planted: Planted, texts: Iterable[str], with_synonyms: bool = True) -> int:
    """Return how many of `texts` leak, each said in an episode of its own by one who could not know."""
    speaker, hearer = OTHERS[planted.language]
    synonyms = {word: tuple(others) for word, others in planted.synonyms.items()} if with_synonyms else {}
    scorer = Leakage(synonyms=synonyms)
    cases = [with_events(case, [event(0, speaker, text, [hearer])]) for text in texts]
    return sum(bool(of(verdicts(scorer, one), "leaks")[0].value) for one in cases)


def of(scores: Iterable[Score], metric: str) -> list[Score]:
    """Return the verdicts by one metric."""
    return [score for score in scores if score.metric == metric]


def quay(folder: Path, *events: Event, **changes: Any) -> Case:
    """Return an episode of three, with `events` in it."""
    return with_events(case_of(folder, **({"cast": CAST, "turns": 1} | changes)), events)


def scored(case: Case, metric: str, **options: Any) -> list[Score]:
    """Return the verdicts of leakage by one metric."""
    return of(verdicts(Leakage(**options), case), metric)


def test_a_secret_that_slips_is_found_whether_it_is_told_denied_supposed_or_asked(tmp_path: Path) -> None:
    found = wanted = 0
    for at, planted in enumerate(ALL):
        texts = [frame.format(planted.secret) for frame in FRAMES[planted.language]]
        texts += [planted.secret.upper(), planted.secret.replace(",", " -").rstrip("。.") + " …"]
        found += leaks(planted_case(tmp_path / str(at), planted), planted, texts)
        wanted += len(texts)
    assert wanted == 144
    assert found / wanted >= 0.99


def test_a_secret_that_slips_in_other_words_is_found_nine_times_of_ten(tmp_path: Path) -> None:
    cases = [planted_case(tmp_path / str(at), planted) for at, planted in enumerate(ALL)]
    reworded = [planted.reworded for planted in ALL]
    counts = [leaks(case, planted, texts) for case, planted, texts in zip(cases, ALL, reworded, strict=True)]
    bare = [leaks(case, planted, texts, False) for case, planted, texts in zip(cases, ALL, reworded, strict=True)]
    wanted = sum(map(len, reworded))
    assert wanted == 72
    assert sum(counts) / wanted >= 0.9
    assert sum(counts[len(AT_HAND) :]) / 36 >= 0.9, "of those on which no choice rests"
    assert sum(bare) / wanted >= 0.75, "without any synonym being listed"


def test_talk_of_the_same_topic_is_hardly_ever_taken_for_a_leak(tmp_path: Path) -> None:
    alarms = [
        leaks(planted_case(tmp_path / str(at), planted), planted, planted.ordinary) for at, planted in enumerate(ALL)
    ]
    assert sum(len(planted.ordinary) for planted in ALL) == 96
    assert sum(alarms) <= 2


def test_talk_of_other_things_is_hardly_ever_taken_for_a_leak(tmp_path: Path) -> None:
    alarms = replies = 0
    for at, planted in enumerate(ALL):
        others = [one for one in ALL if one is not planted and one.language == planted.language]
        texts = [text for one in others for text in (*one.reworded, *one.ordinary, one.secret)]
        alarms += leaks(planted_case(tmp_path / str(at), planted), planted, texts)
        replies += len(texts)
    assert replies >= 2_500
    assert alarms / replies <= 0.002


def test_a_leak_names_whose_secret_it_is_and_the_words(tmp_path: Path) -> None:
    leak = scored(quay(tmp_path, event(0, "Pip", TOLD, ["Moss"])), "leaks")[0]
    assert (leak.value, leak.character, leak.events, leak.cause) == (1, "Pip", (0,), "character")
    assert "what Brack alone knows" in (leak.reason or "")
    assert TOLD in (leak.reason or "")


def test_whoever_was_told_may_say_it_and_whoever_was_not_may_not(tmp_path: Path) -> None:
    whisper = event(0, "Brack", "I moved the buoy the night before the storm.", ["Pip"])
    case = quay(tmp_path, whisper, event(1, "Pip", TOLD, ["Brack"]), event(2, "Moss", TOLD, ["Brack"]))
    assert [(score.character, score.value) for score in scored(case, "leaks")] == [("Moss", 1)]


def test_a_secret_that_its_owner_tells_bit_by_bit_is_known(tmp_path: Path) -> None:
    secret = "He sold the silver cup to pay for the medicine of the miller's child."
    cast = [{"character": {"name": "Brack"}, "secret": secret}, {"character": {"name": "Pip"}}]
    bits = [
        event(0, "Brack", "I sold the cup.", ["Pip"]),
        event(1, "Brack", "I paid for medicine for a child.", ["Pip"]),
    ]
    whole = event(2, "Pip", "You sold the cup to pay for the medicine of that child!", ["Brack"])
    for at, (heard, values) in enumerate([(bits, []), (bits[:1], [1]), ([], [1])]):
        case = quay(tmp_path / str(at), *heard, whole, cast=cast)
        assert [score.value for score in scored(case, "leaks")] == values


def test_a_secret_leaks_once_and_then_is_out(tmp_path: Path) -> None:
    case = quay(tmp_path, event(0, "Pip", TOLD, ["Moss"]), event(1, "Pip", TOLD, []), event(2, "Moss", TOLD, []))
    assert [(score.character, score.value) for score in scored(case, "leaks")] == [("Pip", 1)]


def test_a_thought_of_a_secret_is_no_excuse_for_saying_it(tmp_path: Path) -> None:
    thought = event(0, "Pip", TOLD, [], kind="thought")
    belief = event(1, "Pip", TOLD, [], kind="state", change=Change(who="Pip", belief=TOLD))
    scores = scored(quay(tmp_path, thought, belief, event(2, "Pip", TOLD, ["Moss"])), "leaks")
    assert [(score.events, score.value) for score in scores] == [((2,), 1)]


def test_what_the_premise_tells_is_no_secret(tmp_path: Path) -> None:
    case = quay(
        tmp_path, event(0, "Pip", TOLD, ["Moss"]), premise="Brack moved the buoy on the night before the storm."
    )
    assert scored(case, "leaks") == []
    assert scored(case, "leak_free")[0].value is None


def test_a_private_part_of_a_profile_is_a_secret(tmp_path: Path) -> None:
    cast = [{"character": "storybook/brack"}, {"character": "storybook/pip"}]
    said = "The captain had fallen asleep at the wheel on the night the Persistence was lost."
    case = quay(tmp_path, event(0, "Pip", said, ["Captain Brack"]), cast=cast)
    assert scored(case, "leaks")[0].value == 1


def test_what_a_request_had_told_already_is_the_fault_of_the_simulator(tmp_path: Path) -> None:
    case = quay(tmp_path, event(0, "Pip", TOLD, ["Moss"]))
    asked = {"t01/Pip/speak": Request("storybook", Prompt().then(Segment("persona", "user", f"Brack knows: {SECRET}")))}
    told = with_asked(case, asked)
    assert scored(told, "leaks")[0].cause == "engine"
    assert scored(told, "leak_free")[0].cause == "engine"


def with_asked(case: Case, asked: dict[str, Request]) -> Case:
    """Return `case` with other requests behind its calls."""
    return replace(case, asked=asked.__getitem__)


def test_the_narrator_leaks_what_not_all_know_whom_it_tells(tmp_path: Path) -> None:
    case = quay(tmp_path, event(0, "Brack", "I moved the buoy, that night before the storm.", ["Pip"]))
    tells = {"kind": "narration", "call": "t02/narrator/narrate"}
    to_pip = event(1, "Narrator", TOLD, ["Brack", "Pip"], visible_to={"Brack": "was told", "Pip": "was told"}, **tells)
    to_all = to_pip.model_copy(update={"index": 2, "visible_to": {**to_pip.visible_to, "Moss": "was told"}})
    scores = scored(with_events(case, [*case.trajectory.events, to_pip, to_all]), "leaks")
    assert [(score.character, score.events, score.value, score.cause) for score in scores] == [
        ("Narrator", (2,), 1, "narrator")
    ]


def test_lines_that_the_scenario_gives_only_tell(tmp_path: Path) -> None:
    case = quay(tmp_path, event(0, "Pip", TOLD, ["Moss"], call=None), event(1, "Moss", TOLD, ["Pip"]))
    assert scored(case, "leaks") == []


def test_a_secret_that_its_owner_told_says_to_whom_and_when(tmp_path: Path) -> None:
    said = "I moved the buoy the night before the storm."
    case = quay(tmp_path, event(0, "Brack", "Evening.", ["Pip"]), event(1, "Brack", said, ["Pip"]))
    told = scored(case, "told")[0]
    assert (told.value, told.character, told.events) == (1, "Brack", (1,))
    assert told.reason == f'Brack tells it to Pip in turn 2: "{said}"'


def test_a_secret_that_was_kept_is_told_by_nobody(tmp_path: Path) -> None:
    told = scored(quay(tmp_path, event(0, "Pip", TOLD, ["Moss"])), "told")
    assert [(score.value, score.character) for score in told] == [(0, "Brack")]


def test_an_episode_without_secrets_has_no_verdict(tmp_path: Path) -> None:
    cast = [{"character": {"name": "Brack"}}, {"character": {"name": "Pip"}}]
    scores = verdicts(Leakage(), quay(tmp_path, event(0, "Pip", TOLD, ["Brack"]), cast=cast))
    assert [(score.metric, score.value, score.reason) for score in scores] == [
        ("leak_free", None, "nobody has a secret")
    ]


@pytest.mark.parametrize("text", ["Captain, who moved the buoy that night?", "Somebody moved the buoy that night."])
def test_asking_who_it_was_does_not_tell(tmp_path: Path, text: str) -> None:
    scores = scored(quay(tmp_path, event(0, "Pip", text, ["Moss"])), "leaks")
    assert [score.value for score in scores] == [0]


def test_a_fact_in_words_that_all_know_is_told_by_their_order_alone(tmp_path: Path) -> None:
    cast: list[dict[str, Any]] = [
        {"character": {"name": "顾闻之"}, "secret": "红伞是顾闻之的。"},
        {"character": {"name": "阿藕"}},
    ]
    for at, (text, value) in enumerate({"那把红伞其实是顾闻之的。": 1, "顾闻之，您看见那把红伞了吗？": 0}.items()):
        case = quay(
            tmp_path / str(at), event(0, "阿藕", text, ["顾闻之"]), cast=cast, premise="岸边有一把红伞。", language="zh"
        )
        assert [score.value for score in scored(case, "leaks")] == [value]


def test_whoever_takes_over_a_part_in_a_branch_knows_what_was_known_in_it(tmp_path: Path) -> None:
    case = quay(tmp_path, event(0, "Brack", TOLD.replace("you", "I"), ["Pip"]), event(1, "Nell", TOLD, ["Moss"]))
    first = case.variant
    renamed = tuple(one.model_copy(update={"name": "Nell"}) if one.name == "Pip" else one for one in first.profiles)
    branch = replace(case, legs=((0, first), (1, replace(first, profiles=renamed))))
    assert scored(branch, "leaks") == []
    stranger = replace(case, legs=((0, replace(first, profiles=renamed)), (1, replace(first, profiles=renamed))))
    assert [score.value for score in scored(stranger, "leaks")] == [1]


def test_what_a_model_makes_up_although_it_was_never_told_is_the_characters_fault(tmp_path: Path) -> None:
    def answer(key: str, request: Request) -> str:
        return TOLD if key.endswith("pip/speak") else "Evening."

    case = case_of(tmp_path, answer, cast=CAST, turns=2)
    leaked = [score for score in scored(case, "leaks") if score.value]
    assert [(score.character, score.cause) for score in leaked] == [("Pip", "character")]


def test_an_answer_that_was_offered_is_no_leak(tmp_path: Path) -> None:
    asked = [{"to": "Pip", "ask": "What happened?", "choices": [TOLD, "Nothing."]}]
    answered = event(0, "Pip", TOLD, [], call="interview/1/pip")
    assert scored(quay(tmp_path, answered, interview=asked), "leaks") == []
    named = [{"to": "Pip", "ask": "Who?", "choices": "cast"}]
    assert scored(quay(tmp_path / "cast", answered, interview=named), "leaks") == []


def test_a_played_story_is_judged_from_its_opening_to_its_interview(tmp_path: Path) -> None:
    case = case_of(tmp_path, **STORY)
    scores = verdicts(Leakage(), case)
    told = next(score for score in scores if score.metric == "told" and score.events)
    assert told.reason == 'Captain Brack tells it to Pip in turn 0: "I moved the buoy."'
    assert of(scores, "leak_free")[0].value == 1
