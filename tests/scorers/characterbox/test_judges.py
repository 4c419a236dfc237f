"""CharacterBox's judges at work: what they are shown, what they say, and what becomes of what cannot be read."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from characterbox import characterbox_files, characterbox_scenario, is_story
from judging import case_of, nobody, verdicts, with_events
from playing import STORY, last_words, played
from scored import judged, verdicts_of

from sandbox.engines.scripted import dry_answer
from sandbox.scorer_names import scorers_named
from scenes.chat import Call, CallFailed, Completion, Request, message_text, messages
from scenes.event import NARRATOR as NAME
from scenes.event import Event
from scenes.problem import InputRefused
from scorers.base import Case, Score
from scorers.characterbox.character import CharacterBox
from scorers.characterbox.material import rounds_of, steps_of
from scorers.characterbox.metrics import CHARACTER, NARRATOR, SCENE
from scorers.characterbox.narrator import KINDS, CharacterBoxNarrator
from scorers.characterbox.scene import CharacterBoxScene

BRACK, PIP = "Captain Brack", "Pip"
SEVEN = [criterion.name for criterion in CHARACTER]
GIVEN = {name: at % 5 + 1 for at, name in enumerate(SEVEN)}
LINES = "\n".join(f"{criterion.label}: {GIVEN[criterion.name]}" for criterion in CHARACTER)
Answer = Callable[[str, Request], str]


def told(request: Request) -> str:
    return "\n".join(message_text(message, str) for message in messages(request.prompt.segments()))


def asked_by(answer: Answer, asked: dict[str, Request] | None = None) -> Call:
    """Return a call that `answer` answers, and that keeps every request in `asked`."""

    async def call(key: str, request: Request) -> Completion:
        if asked is not None:
            asked[key] = request
        return Completion(text=answer(key, request))

    return call


def saying(*answers: str) -> Answer:
    """Return who writes a critique, and then for each character the `answers` one after the other."""
    return lambda key, request: "A fair try." if key.endswith("critique") else answers[key.endswith("again")]


def of(scores: list[Score], name: str, metric: str) -> Score:
    (score,) = [score for score in scores if (score.character, score.metric) == (name, metric)]
    return score


def values(scores: list[Score], name: str = PIP) -> dict[str, float | None]:
    return {score.metric: score.value for score in scores if score.character == name}


@pytest.mark.parametrize("form", ["critique", "single"])
def test_each_of_the_cast_gets_seven_scores_in_the_published_order_and_their_mean(tmp_path: Path, form: str) -> None:
    scores = verdicts(CharacterBox(form=form), case_of(tmp_path), asked_by(saying(LINES)))
    assert [(score.character, score.metric) for score in scores] == [
        (name, metric) for name in (BRACK, PIP) for metric in (*SEVEN, "average")
    ]
    assert values(scores) == {**GIVEN, "average": fmean(GIVEN.values())}
    assert {score.reason for score in scores} == {None}


def test_a_form_is_offered_and_an_answer_in_it_is_read(tmp_path: Path) -> None:
    asked: dict[str, Request] = {}
    scores = verdicts(CharacterBox(), case_of(tmp_path), asked_by(saying(json.dumps(GIVEN)), asked))
    assert values(scores) == {**GIVEN, "average": fmean(GIVEN.values())}
    assert {key: request.form is not None for key, request in asked.items()} == {
        "c00/critique": False,
        "c00/scores": True,
        "c01/critique": False,
        "c01/scores": True,
    }
    form = json.loads(asked["c00/scores"].form or "")
    assert form["required"] == SEVEN
    assert all(part["enum"] == [1, 2, 3, 4, 5] for part in form["properties"].values())
    assert {request.sampling.temperature for request in asked.values()} == {0}


def test_the_critique_comes_first_and_what_both_calls_share_stands_before_it(tmp_path: Path) -> None:
    asked: dict[str, Request] = {}
    scores = verdicts(CharacterBox(), case_of(tmp_path), asked_by(saying(LINES), asked))
    critique, judging = (asked[f"c01/{what}"].prompt.segments() for what in ("critique", "scores"))
    assert judging[: len(critique) - 1] == critique[:-1]
    assert "[Critique]\nA fair try." in told(asked["c01/scores"])
    assert "[Criteria]" in judging[-1].text
    assert of(scores, PIP, "immersion").calls == ("c01/critique", "c01/scores")


def test_the_one_call_form_has_the_sections_of_characterrm_and_ends_with_the_score(tmp_path: Path) -> None:
    asked: dict[str, Request] = {}
    scores = verdicts(CharacterBox(form="single"), case_of(tmp_path), asked_by(saying(LINES), asked))
    assert [*asked] == ["c00/scores", "c01/scores"]
    text, sections = told(asked["c01/scores"]), ["<Scene>", "<Character>", "<Actions>", "<Note>", "<Criteria>"]
    assert [line for line in text.splitlines() if line in sections] == sections
    assert text.endswith("\n<Score>:")
    assert asked["c01/scores"].form is None
    assert of(scores, PIP, "average").calls == ("c01/scores",)


def test_what_is_missing_is_asked_for_in_other_words_and_what_was_read_stays(tmp_path: Path) -> None:
    asked: dict[str, Request] = {}
    five = "\n".join(LINES.splitlines()[:5])
    rest = "\n".join([*LINES.splitlines()[5:], "Knowledge Accuracy: 5"])
    scores = verdicts(CharacterBox(), case_of(tmp_path), asked_by(saying(five, rest), asked))
    assert values(scores) == {**GIVEN, "average": fmean(GIVEN.values())}
    assert of(scores, PIP, SEVEN[0]).calls == ("c01/critique", "c01/scores")
    assert of(scores, PIP, SEVEN[6]).calls == ("c01/critique", "c01/scores", "c01/scores/again")
    repair = asked["c01/scores/again"].prompt.segments()[-1].text
    assert "Adaptability, Behavioral Coherence." in repair
    assert "Immersion" not in repair


def test_no_prompt_is_asked_twice(tmp_path: Path) -> None:
    asked: dict[str, Request] = {}
    for form in ("critique", "single"):
        verdicts(CharacterBox(form=form), case_of(tmp_path / form), asked_by(saying("Hm.", "Hm."), asked))
    prompts = Counter(request.prompt.id for request in asked.values())
    assert len(asked) == 2 * 3
    assert set(prompts.values()) == {1}


def test_what_cannot_be_read_twice_has_no_verdict_and_the_text_is_kept(tmp_path: Path) -> None:
    six = "\n".join([*LINES.splitlines()[:5], "Adaptability: 6", "Behavioral Coherence: good"])
    scores = verdicts(CharacterBox(), case_of(tmp_path), asked_by(saying(six, "Adaptability: 0\nI would not say.")))
    assert values(scores) == {**GIVEN, "adaptability": None, "behavioral_coherence": None, "average": None}
    wrote = "the judge wrote: Adaptability: 0 I would not say."
    assert of(scores, PIP, "adaptability").reason == f"asked twice, 0 is off the scale of 1 to 5; {wrote}"
    assert of(scores, PIP, "behavioral_coherence").reason == f"asked twice, no score was found; {wrote}"
    assert of(scores, PIP, "average").reason == "5 of 7 scores could be read"


def test_a_judge_that_says_nothing_and_one_whose_call_fails_leave_no_verdict(tmp_path: Path) -> None:
    silent = verdicts(CharacterBox(), case_of(tmp_path), asked_by(saying("", "")))
    assert {score.value for score in silent} == {None}
    assert of(silent, PIP, "immersion").reason == "asked twice, no score was found; the judge wrote nothing"
    for what, reason in {
        "critique": "no critique: too long",
        "scores": "too long",
        "again": "no score was found, and asked again: too long",
    }.items():
        failed = verdicts(CharacterBox(), case_of(tmp_path), asked_by(failing(f"c01/{what}", saying(LINES[:9], LINES))))
        assert values(failed, BRACK)["average"] is not None
        assert {score.reason for score in failed if score.metric == "immersion"} == {None, reason}


def failing(key: str, answer: Answer) -> Answer:
    """Return who answers as `answer` does, but for the call that is called so."""

    def answered(asked: str, request: Request) -> str:
        if asked == key or asked == key.replace("again", "scores/again"):
            raise CallFailed("too long")
        return answer(asked, request)

    return answered


def test_the_judge_is_told_who_it_is_and_what_it_perceived_round_by_round(tmp_path: Path) -> None:
    asked: dict[str, Request] = {}
    case = case_of(
        tmp_path,
        lambda key, request: "(nods) [Liar.] Aye." if "brack" in key else "Gears!",
        opening=[{"Pip": "(waves) Evening."}],
        premise="Fog comes in.",
        time="dusk",
        cast=[
            {"character": "storybook/brack", "position": "on the bollard", "state": "tired", "secret": "He lied."},
            {"character": "storybook/pip"},
        ],
        interview=[{"ask": "Who lied?"}],
    )
    verdicts(CharacterBox(), case, asked_by(saying(LINES), asked))
    brack, pip = told(asked["c00/critique"]), told(asked["c01/critique"])
    for text in ("Fog comes in.", "Time: dusk.", "gruff sea captain", "on the bollard", "tired", "He lied."):
        assert text in brack
    assert "He lied." not in pip
    assert "Liar" not in brack + pip
    assert "Who lied?" not in brack + pip
    actions = brack.partition("[Multi-turn Actions]\n")[2].partition("\n\n")[0].splitlines()
    assert actions == [
        *("Round: 1", "Observation:", "Pip: (waves) Evening.", "Action:", f"{BRACK}: (nods) Aye."),
        *("Round: 2", "Observation:", "Pip: Gears!", "Action:", f"{BRACK}: (nods) Aye."),
    ]


def test_what_a_character_could_not_perceive_is_not_shown_to_its_judge(tmp_path: Path) -> None:
    asked: dict[str, Request] = {}
    case = case_of(
        tmp_path,
        lambda key, request: dry_answer(request) if request.form else f"Words of {key}.",
        **STORY | {"turn_policy": "round_robin"},
    )
    verdicts(CharacterBox(), case, asked_by(saying(LINES), asked))
    names = [profile.name for profile in case.variant.profiles]
    for index, name in enumerate(names):
        hidden = [event.text for event in case.trajectory.events if event.call and name not in event.visible_to]
        shown = told(asked[f"c{index:02d}/critique"]) if f"c{index:02d}/critique" in asked else ""
        assert [text for text in hidden if len(text) > 20 and text.startswith("Words of") and text in shown] == []
    assert "I moved the buoy" not in told(asked["c02/critique"])
    assert "I moved the buoy" in told(asked["c01/critique"])


def test_reactions_belong_to_the_round_in_which_they_come(tmp_path: Path) -> None:
    everybody = json.dumps({"touched": [{"who": PIP, "how": "Hit."}], "after": []})
    case = case_of(
        tmp_path,
        lambda key, request: everybody if request.form and "judge" in key else f"Words of {key}.",
        kind="story",
        narrator={},
        turns=6,
    )
    both = [(number, what) for number in (1, 2, 3) for what in ("react", "speak")]
    assert [(step.round, step.call.rpartition("/")[2]) for step in steps_of(case, PIP)] == both
    assert [step.round for step in steps_of(case, BRACK)] == [1, 2, 3]


def test_a_round_is_over_once_all_on_the_stage_have_acted(tmp_path: Path) -> None:
    entering = json.dumps({"reason": "", "decision": "add_role Odile Fenn"})

    def answer(key: str, request: Request) -> str:
        return (entering if key == "t02/narrator/steer" else dry_answer(request)) if request.form else "Aye."

    together = case_of(tmp_path / "together", turn_policy="simultaneous")
    assert {step.round for step in steps_of(together, PIP)} == {1, 2, 3, 4}
    assert rounds_of(case_of(tmp_path / "two", turns=5)) == {1: 1, 2: 1, 3: 2, 4: 2, 5: 3}
    cast = [{"character": f"storybook/{name}"} for name in ("brack", "pip")]
    cast.append({"character": "storybook/odile", "reserve": True})
    three = case_of(tmp_path / "three", answer, cast=cast, turns=6, kind="story", narrator={}, turn_policy="narrator")
    assert "Odile Fenn" in {event.change.who for event in three.trajectory.events if event.change}
    assert rounds_of(three) == {0: 1, 1: 1, 2: 1, 3: 2, 4: 2, 5: 2, 6: 3}


@pytest.mark.parametrize("policy", ["round_robin", "narrator", "simultaneous", "random"])
def test_all_make_up_their_minds_at_the_end_of_what_is_taken_for_a_round(tmp_path: Path, policy: str) -> None:
    for seed in range(6):
        case = story(tmp_path / str(seed), seed=seed, **STORY | {"turn_policy": policy, "turns": 11})
        rounds, believed = rounds_of(case), {event.turn for event in case.trajectory.events if thinks(event)}
        ends = {turn for turn in rounds if rounds.get(turn + 1, rounds[turn]) != rounds[turn]}
        assert believed - {max(rounds)} == {0} | ends


def thinks(event: Event) -> bool:
    return event.change is not None and event.change.belief is not None


def test_rounds_beyond_the_fifth_are_cut_and_the_reason_says_so(tmp_path: Path) -> None:
    asked: dict[str, Request] = {}
    case = case_of(tmp_path, turns=14)
    scores = verdicts(CharacterBox(), case, asked_by(saying(LINES), asked))
    assert "Round: 5" in told(asked["c00/critique"])
    assert "Round: 6" not in told(asked["c00/critique"])
    assert {score.reason for score in scores} == {"judged up to round 5 of 7"}
    assert values(scores)["immersion"] == GIVEN["immersion"]
    events = of(scores, BRACK, "immersion").events
    assert len(events) == 5
    assert {case.trajectory.events[index].actor for index in events} == {BRACK}
    all_of_them = verdicts(CharacterBox(rounds=7), case, asked_by(saying(LINES)))
    assert {score.reason for score in all_of_them} == {None}


def test_who_did_nothing_has_no_verdict_and_no_judge_is_asked(tmp_path: Path) -> None:
    case = with_events(case_of(tmp_path), ())
    scores = verdicts(CharacterBox(), case, nobody)
    assert len(scores) == 2 * 8
    assert {(score.value, score.reason) for score in scores if score.metric != "average"} == {
        (None, "it said and did nothing")
    }


def test_a_scene_in_chinese_is_judged_in_chinese(tmp_path: Path) -> None:
    asked: dict[str, Request] = {}
    lines = "\n".join(f"{one.chinese}：{GIVEN[one.name]}分" for one in CHARACTER)
    scores = verdicts(CharacterBox(), case_of(tmp_path, language="zh"), asked_by(saying("不好说。", lines), asked))
    assert values(scores) == {**GIVEN, "average": fmean(GIVEN.values())}
    text = told(asked["c00/scores"])
    for heading in ("[场景]", "[角色]", "[多轮行动]", "[评论]", "[评分标准]"):
        assert f"\n{heading}\n" in f"\n{text}"
    assert "Criteria" not in text
    assert "还有几项读不出分数" in told(asked["c00/scores/again"])


def test_each_call_of_the_narrator_gets_grices_four_and_their_mean_under_its_kind(tmp_path: Path) -> None:
    asked: dict[str, Request] = {}
    case = story(tmp_path)
    scores = verdicts(CharacterBoxNarrator(), case, asked_by(lambda key, request: "", asked))
    kinds = {metric.name for metric in KINDS.values()}
    assert {score.value for score in scores} == {None}
    four = json.dumps(dict(zip((one.name for one in NARRATOR), (1, 2, 3, 4), strict=True)))
    scores = verdicts(CharacterBoxNarrator(), case, asked_by(lambda key, request: four, asked))
    assert {score.value for score in scores if score.metric in kinds} == {2.5}
    assert {score.character for score in scores} == {NAME}
    counts = Counter(score.metric for score in scores)
    assert counts["quantity"] == counts["manner"] == sum(counts[kind] for kind in kinds)
    assert {score.metric for score in scores if score.metric in kinds} >= {"opening", "influence", "result"}
    assert all(score.reason in kinds for score in scores if score.metric == "quality")
    for score in scores:
        behind = {case.trajectory.events[index].call for index in score.events}
        assert score.calls == tuple(f"{key}/scores" for key in behind)


def story(folder: Path, seed: int = 0, **changes: Any) -> Case:
    """Return a case of a story of two."""
    return case_of(
        folder,
        lambda key, request: dry_answer(request) if request.form else f"Words of {key}.",
        seed,
        **{"kind": "story", "narrator": {}, "turns": 6} | changes,
    )


def test_the_judge_of_a_narration_is_shown_what_the_narrator_was_given(tmp_path: Path) -> None:
    asked: dict[str, Request] = {}
    case = story(tmp_path, premise="Fog comes in.")
    verdicts(CharacterBoxNarrator(), case, asked_by(lambda key, request: "", asked))
    key = next(event.call for event in case.trajectory.events if (event.call or "").endswith("narrator/narrate"))
    text = told(asked[f"{key}/scores"])
    assert "> Fog comes in." in text
    assert f"\n> {case.asked(str(key)).prompt.segments()[-1].text}" in text
    assert f"[What the narrator answered]\n> Words of {key}." in text


def test_a_dialogue_without_a_narrator_has_no_verdict_on_it(tmp_path: Path) -> None:
    scores = verdicts(CharacterBoxNarrator(), case_of(tmp_path), nobody)
    assert [(score.metric, score.value, score.reason) for score in scores] == [
        (one.name, None, "the narrator was not asked") for one in NARRATOR
    ]


def test_the_scene_is_judged_as_it_was_written(tmp_path: Path) -> None:
    asked: dict[str, Request] = {}
    five = json.dumps({one.name: 4 for one in SCENE})
    case = case_of(tmp_path, premise="Fog comes in.", opening=[{"Pip": "Evening."}])
    scores = verdicts(CharacterBoxScene(), case, asked_by(saying(five), asked))
    assert [(score.metric, score.value, score.calls) for score in scores] == [
        (one.name, 4, ("critique", "scores")) for one in SCENE
    ]
    assert [*asked] == ["critique", "scores"]
    shown = told(asked["scores"])
    assert "Fog comes in." in shown
    assert "Pip: Evening." in shown
    assert "Line t0" not in shown
    failed = verdicts(CharacterBoxScene(), case, asked_by(failing("critique", saying(five))))
    assert {(score.value, score.reason) for score in failed} == {(None, "no critique: too long")}


def test_a_run_is_judged_once_and_its_verdicts_are_kept(tmp_path: Path) -> None:
    folder, times = played(tmp_path, last_words), list[str]()

    def judge(request: Request) -> str:
        times.append(told(request))
        return LINES if request.form or "<Score>:" in told(request) else "A fair try."

    scorers = (CharacterBox(), CharacterBox(form="single"))
    summary = judged(folder, *scorers, answer=judge)
    assert [(one.judged, one.failed, one.scores, one.without_value) for one in summary.scorers] == [(1, 0, 16, 0)] * 2
    assert len(times) == 2 * 2 + 2
    judged(folder, *scorers, answer=judge)
    assert len(times) == 2 * 2 + 2
    for error, _, _, scores in verdicts_of(folder).values():
        assert error is None
        assert values(scores) == {**GIVEN, "average": fmean(GIVEN.values())}  # type: ignore[arg-type]


def test_options_are_checked() -> None:
    (chosen,) = scorers_named(["characterbox"], ["characterbox.judge=a/judge", "characterbox.rounds=3"])
    assert chosen.scorer == CharacterBox(judge="a/judge", rounds=3)
    (narrator,) = scorers_named(["characterbox-narrator"], ["characterbox-narrator.judge=a/judge"])
    assert narrator.scorer == CharacterBoxNarrator(judge="a/judge")
    for wrong in ("characterbox.rounds=0", "characterbox.form=short", "characterbox.model=x"):
        with pytest.raises(InputRefused):
            scorers_named(["characterbox"], [wrong])


@pytest.mark.data
def test_a_published_scene_is_played_and_judged(tmp_path: Path) -> None:
    for file, book, scenes in characterbox_files():
        scenario = characterbox_scenario(book, next(filter(is_story, scenes)), Counter())
        asked: dict[str, Request] = {}
        case = story(tmp_path / file, **scenario)
        scores = verdicts(CharacterBox(), case, asked_by(saying(LINES), asked))
        names = [profile.name for profile in case.variant.profiles]
        assert [score.value for score in scores] == [*GIVEN.values(), fmean(GIVEN.values())] * len(names)
        for index, name in enumerate(names):
            text = told(asked[f"c{index:02d}/scores"])
            assert text.count("Round: ") == 3
            assert str(scenario["premise"]) in text
            assert scenario["cast"][index]["position"] in text
            assert f"\n{name}: Words of" in text
        narrated = verdicts(CharacterBoxNarrator(), case, asked_by(lambda key, request: ""))
        assert len(narrated) > 4 * 3
        assert len(verdicts(CharacterBoxScene(), case, asked_by(lambda key, request: ""))) == len(SCENE)


@pytest.mark.data
def test_a_run_of_a_published_scene_gets_verdicts_of_all_three(tmp_path: Path) -> None:
    _, book, scenes = next(characterbox_files())
    scenario = characterbox_scenario(book, next(filter(is_story, scenes)), Counter())
    folder = played(tmp_path, last_words, **scenario)
    answers = {criterion.name: 3 for criterion in (*CHARACTER, *NARRATOR, *SCENE)}
    scorers = (CharacterBox(), CharacterBoxNarrator(), CharacterBoxScene())
    summary = judged(folder, *scorers, answer=lambda request: json.dumps(answers))
    assert [(one.judged, one.failed, one.left, one.without_value) for one in summary.scorers] == [(1, 0, 0, 0)] * 3
    assert summary.scorers[0].scores == 8 * len(scenario["cast"])
    for error, kind, _, scores in verdicts_of(folder).values():
        assert (error, kind) == (None, "story")
        assert {score.value for score in scores} == {3}  # type: ignore[attr-defined]
