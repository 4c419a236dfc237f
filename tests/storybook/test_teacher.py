"""The teacher: what it reads in a prompt of any layout, and what it answers to each kind of call."""

import asyncio
import json

import pytest

from agents.prompts.layouts import LAYOUTS
from sandbox.play import play
from sandbox.storybook.teacher.heard import heard
from sandbox.storybook.teacher.sight import Sight
from sandbox.storybook.teacher.teacher import Teacher
from scenes.chat import Completion, Prompt, Request, Segment
from scenes.event import Event
from scenes.profile import CharacterProfile
from scenes.scenario import CastMember, LayoutName, Scenario
from scenes.scene import Scene, Setting, Shown
from scenes.storybook.drawing import Drawing, Group

BOAT = Group(kind="boat", colour="red", number=2, position="left")
TREE = Group(kind="tree", colour="white", number=1, position="right")
DRAWING = Drawing(place="beach", weather="rain", time="dusk", groups=(BOAT, TREE))
BRACK = CharacterProfile(
    name="Captain Brack", role="a gruff sea captain", likes=("boat",), hates=("tree",), address="lad",
    catchphrases=("by the tide",),
)  # fmt: skip
ADA = CharacterProfile(
    name="Ada Wick", role="a gloomy weaver", likes=("tree",), hates=("boat",), address="petal",
    introduction="Ada Wick is a gloomy weaver.",
)  # fmt: skip


def played(scenario: dict[str, object], layout: LayoutName = "compact") -> tuple[list[Event], dict[str, Request]]:
    """Play a scene of Brack and Ada at a picture with the teacher; return what happened and what was asked."""
    cast = [CastMember(character=BRACK), CastMember(character=ADA)]
    data = {"schema_version": 1, "title": "Test", "kind": "inter-role", "cast": cast, "turns": 4} | scenario
    members = Scenario.model_validate(data).cast
    profiles = tuple(one.character for one in members if isinstance(one.character, CharacterProfile))
    setting = Setting(Scenario.model_validate(data), profiles, ((Shown("p"),),) * len(profiles), {"p": Shown("p")})
    teacher, asked, events = Teacher({"p": Sight(DRAWING)}.get), dict[str, Request](), list[Event]()

    async def call(key: str, request: Request) -> Completion:
        asked[key] = request
        return Completion(text=teacher.answer(request))

    asyncio.run(play(Scene(setting, 5), LAYOUTS[layout], call, events.extend))
    return events, asked


def compact(*lines: str, sheet: str = "", secret: str = "") -> Request:
    """Return what Brack is asked in `compact` after `lines`."""
    told = (
        "You are Captain Brack, a gruff sea captain. You like: boat. You hate: tree. You call people lad. You say: aye."
    )
    prompt = Prompt().then(
        Segment("persona", "system", f"{sheet or told}{' ' if secret else ''}{secret}"),
        Segment("images", "user", image="p", glue=""),
        *(Segment("history", "user", line, glue="\n") for line in lines[:-1]),
        Segment("instruction", "user", lines[-1], glue="\n"),
    )
    return Request("storybook", prompt, seed=3)


def answer(*lines: str, secret: str = "", drawing: Drawing = DRAWING) -> str:
    return Teacher({"p": Sight(drawing)}.get).answer(compact(*lines, secret=secret))


@pytest.mark.parametrize("layout", ["compact", "images-first", "mmrole", "cast-first", "script"])
def test_every_layout_is_read_alike(layout: LayoutName) -> None:
    _, asked = played({"opening": [{"Ada Wick": "Two red boats, alas."}]}, layout)
    told = heard(asked["t01/captainbrack/speak"])
    assert told.me.name == "Captain Brack"
    assert (told.me.likes, told.me.hates, told.me.address) == (("boat",), ("tree",), "lad")
    assert told.me.catchphrases == ("by the tide",)
    assert told.images == ("p",)
    assert [(said.name, said.words) for said in told.lines] == [("Ada Wick", "Two red boats, alas.")]
    assert told.others == ("Ada Wick",)


@pytest.mark.parametrize("layout", ["compact", "images-first", "mmrole", "cast-first", "script"])
def test_own_lines_and_those_of_others_are_told_apart(layout: LayoutName) -> None:
    events, asked = played({"turns": 4}, layout)
    said = [(event.actor, event.text) for event in events if event.kind == "speech"]
    told = heard(list(asked.values())[-1])
    assert told.own
    assert told.last is not None
    assert told.last.name == "Captain Brack"
    assert told.me.name == "Ada Wick"
    assert said[0][1] in " ".join(line.words for line in told.lines)


def test_a_false_remark_is_put_right() -> None:
    assert "two red boats" in answer("Ada Wick: Three red boats on the left.").casefold()
    assert "no kite" in answer("Ada Wick: There is a red kite.").casefold() or "kite" in answer(
        "Ada: I see a red kite."
    )


@pytest.mark.parametrize(
    ("question", "fact"),
    [
        ("Where are the boats?", "left"),
        ("How many boats are there?", "two"),
        ("What colour is the tree?", "white"),
        ("What is the weather like?", "rain"),
        ("What time of day is it?", "dusk"),
        ("Where are we?", "beach"),
        ("Is there a kite?", "no "),
    ],
)
def test_a_question_is_answered_from_the_picture(question: str, fact: str) -> None:
    assert fact in f"{answer(f'Rosa: {question}')} ".casefold()


def test_what_somebody_keeps_secret_it_does_not_name() -> None:
    secret = "Nobody may know that Captain Brack took the boat."
    for seed_line in ("What do you see?", "Where is the boat?", "How many boats are there?", "Do you like the boat?"):
        assert "boat" not in answer(f"Rosa: {seed_line}", secret=secret).casefold()


def test_a_narrator_opens_judges_leads_and_tells() -> None:
    scenario = {
        "kind": "story",
        "narrator": {},
        "turn_policy": "narrator",
        "turns": 6,
        "opening": [{"Ada Wick": "(nods to Captain Brack)"}],
    }
    events, asked = played(scenario)
    purposes = {key.split("/")[2] for key in asked if key.startswith("t") and "/narrator/" in key}
    assert {"open", "steer"} <= purposes
    told = [event.text for event in events if event.kind == "narration"]
    assert any("two red boats" in text.casefold() for text in told)
    assert not any(event.flags and event.flags.defaulted for event in events)


def test_beliefs_are_formed_in_the_first_person() -> None:
    _, asked = played({"mind": "bdi", "turns": 2})
    beliefs = [Teacher({"p": Sight(DRAWING)}.get).answer(one) for key, one in asked.items() if key.endswith("/belief")]
    assert beliefs
    assert all(" I " in f" {text} " or "my" in text.casefold() for text in beliefs)


def test_a_choice_is_one_of_those_offered() -> None:
    question = {"ask": "Whom do you trust?", "choices": ["the baker", "the miller"]}
    events, _ = played({"interview": [question], "turns": 1})
    answers = [event.text for event in events if event.call and event.call.startswith("interview")]
    assert answers
    assert {*answers} <= {"the baker", "the miller"}


def test_a_form_that_nobody_knows_is_filled_with_nothing() -> None:
    schema = json.dumps({"properties": {"time": {"type": "string"}, "scene": {"type": "string"}}, "type": "object"})
    request = compact("Scene: Say what has changed.")
    asked = Request(request.model, request.prompt, form=schema)
    assert json.loads(Teacher({"p": Sight(DRAWING)}.get).answer(asked)) == {"time": None, "scene": None}


def test_who_sees_half_of_a_picture_says_nothing_of_the_other_half() -> None:
    half = Teacher({"p": Sight(DRAWING, (0, 0.5))}.get)
    for question in ("What do you see?", "Tell me what is there.", "Comment on the picture."):
        assert "tree" not in half.answer(compact(f"Rosa: {question}")).casefold()


def test_without_a_known_picture_there_is_an_answer_all_the_same() -> None:
    assert Teacher(lambda image: None).answer(compact("Rosa: What do you see?"))
