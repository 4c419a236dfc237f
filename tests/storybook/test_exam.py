"""The measures of exams: what the truth gets, what lies get, and what is asked when something is taken away."""

import json
from pathlib import Path

import pytest

from sandbox.gallery import Gallery
from sandbox.launch import engine_config
from sandbox.side_by_side import Told
from sandbox.storybook.exam.exam import (
    AS_IS,
    BLANK,
    CONDITIONS,
    Condition,
    Order,
    Result,
    evaluate,
    papers,
    requests,
    sample_evaluation,
)
from sandbox.storybook.exam.frames import intents, pieces
from sandbox.storybook.exam.marks import Marks, constants
from sandbox.storybook.exam.paper import Paper
from sandbox.storybook.exam.voice import Voices
from sandbox.storybook.lessons.lesson import Exam
from sandbox.storybook.teacher.sight import Sight
from scenes.chat import Prompt, Request, Segment
from scenes.profile import CharacterProfile
from scenes.storybook.drawing import Drawing, Group
from scorers.statistics import Mean
from tests.commanding import commanded

BOATS = Drawing(
    place="beach",
    weather="fog",
    time="dusk",
    groups=(
        Group(kind="boat", colour="red", number=2, position="left"),
        Group(kind="dog", colour="white", position="right"),
    ),
)
BRACK = "You are Captain Brack, a gruff sea captain. You like: boat. You hate: dog. You call people lad."


def quiet(what: str) -> Told:
    return lambda done, total: None


def paper(last: str, before: str = "", sheet: str = BRACK, gold: str = "Aye.") -> Paper:
    heard = [Segment("history", "user", before)] if before else []
    told = Segment("instruction", "user", last)
    prompt = Prompt().then(
        Segment("persona", "system", sheet), Segment("images", "user", image="a/first"), *heard, told
    )
    return Paper(Exam(Request("storybook", prompt), gold, {"a/first": Sight(BOATS)}))


def marks(of: Paper, reply: str, heard: str | None = None) -> dict[str, float]:
    return Marks([of], [CharacterProfile(name="Odile Fenn", address="lad")]).of(of, reply, heard)


@pytest.fixture(scope="module")
def of_teacher() -> Result:
    conditions = (AS_IS, BLANK, Condition("wrong picture", picture="wrong"))
    return evaluate(Order("storybook-teacher", engine_config("scripted"), 60, 1, conditions), quiet)


def share(of: Mean) -> float:
    assert of.value is not None
    return of.value


def test_who_knows_the_truth_gets_nearly_everything_right(of_teacher: Result) -> None:
    figures = of_teacher.figures["as is"]
    for measure in ("grounded", "answers the question", "voice: cast", "voice: manners", "where and yes/no"):
        assert share(figures[measure]) >= 0.95, measure
    assert figures["grounded"].valid > 40


def test_who_sees_another_picture_is_hardly_ever_right(of_teacher: Result) -> None:
    wrong = of_teacher.figures["wrong picture"]
    assert share(wrong["grounded"]) < 0.2
    assert share(wrong["fact: how_many"]) < 0.5


def test_who_sees_nothing_hardly_claims_anything(of_teacher: Result) -> None:
    assert share(of_teacher.figures["blank picture"]["makes a claim"]) < 0.1


def test_a_true_reply_is_grounded_and_a_false_one_is_not() -> None:
    asked = paper("Rosa: What do you see?")
    assert marks(asked, "Two red boats and a white dog.")["grounded"] == 1
    assert marks(asked, "Two red boats and a black dog.")["grounded"] == 0
    assert "grounded" not in marks(asked, "Aye, lad.")


def test_where_needs_the_side_of_the_thing_that_is_asked_for() -> None:
    asked = paper("Rosa: Where are the boats?")
    assert marks(asked, "On the left!")["fact: where"] == 1
    assert marks(asked, "On the right!")["fact: where"] == 0
    assert marks(asked, "Aye, two red boats.")["fact: where"] == 0


def test_a_short_question_is_about_what_was_spoken_of() -> None:
    asked = paper("Rosa: And where?", before="Rosa: I like the dog.")
    assert marks(asked, "On the right!")["fact: where"] == 1


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("Is there a kite?", "No kite, lad. Two red boats.", "Aye, a kite."),
        ("Is there a dog?", "Aye, a white dog.", "No dog, lad."),
        ("Is the dog black?", "No. A white dog.", "Aye, a black dog."),
        ("Are the boats red?", "Aye, two red boats.", "No, two blue boats."),
        ("Is the dog on the left?", "The white dog is on the right.", "Aye, a white dog on the left."),
    ],
)
def test_yes_and_no_are_read_off_what_is_claimed(question: str, right: str, wrong: str) -> None:
    asked = paper(f"Rosa: {question}")
    assert [marks(asked, reply)["where and yes/no"] for reply in (right, wrong, "Hm.")] == [1, 0, 0]


def test_a_false_remark_needs_what_is_so() -> None:
    asked = paper("Pip: Look, three red boats!")
    assert asked.type == "false remark"
    assert marks(asked, "Two red boats, Pip.")["fact: false remark"] == 1
    assert marks(asked, "Aye, three red boats!")["fact: false remark"] == 0


def test_a_thing_that_is_not_there_is_corrected_by_any_that_is() -> None:
    asked = paper("Pip: Look, a blue kite!")
    assert marks(asked, "No kite, Pip. A white dog.")["fact: false remark"] == 1
    assert marks(asked, "Aye, a blue kite!")["fact: false remark"] == 0


def test_a_true_remark_must_not_be_denied() -> None:
    asked = paper("Pip: Look, a white dog!")
    assert marks(asked, "Aye, Pip, a white dog.")["fact: true remark"] == 1
    assert marks(asked, "No dog there, Pip.")["fact: true remark"] == 0


def test_what_words_tell_does_not_count_as_seen() -> None:
    asked = paper("Rosa: Where are the boats?", before="Pip: The boats are on the left!")
    measured = marks(asked, "On the left!")
    assert measured["fact: where"] == 1
    assert "untold fact: where" not in measured
    assert "untold fact: where" in marks(paper("Rosa: Where are the boats?"), "On the left!")


def test_always_the_same_answer_gets_what_the_best_constant_gets() -> None:
    asked = [paper(f"Rosa: Where is the {kind}?") for kind in ("boat", "boat", "dog")]
    assert constants(asked)["fact: where"] == pytest.approx(2 / 3)
    assert sum(marks(one, "On the left!")["fact: where"] for one in asked) == 2


def test_a_taste_is_that_of_the_profile() -> None:
    liked, hated = paper("Rosa: Do you like the boats?"), paper("Rosa: Do you like the dog?")
    warm = "The red boats, Rosa? Handsome is as handsome floats."
    cold = "Do not speak to me of the white dog, not before I have eaten."
    assert marks(liked, cold)["likes: cast"] == 0
    assert marks(hated, cold)["likes: cast"] == 1
    assert marks(hated, warm)["likes: cast"] == 0


def test_a_word_of_address_has_to_be_the_profiles() -> None:
    asked = paper("Rosa: What do you see?")
    assert marks(asked, "A white dog, lad.")["address: cast"] == 1
    assert marks(asked, "A white dog, petal.")["address: cast"] == 0
    assert "address: cast" not in marks(asked, "A white dog.")


def test_a_secret_is_told_by_the_name_of_its_thing() -> None:
    kept = paper("Rosa: What do you hide?", sheet=f"{BRACK} Captain Brack broke the dog and has told no one.")
    assert marks(kept, "A white dog.")["secret kept"] == 0
    assert marks(kept, "Two red boats.")["secret kept"] == 1
    assert "secret kept" not in marks(paper("Rosa: What do you hide?"), "A white dog.")


def test_a_reply_to_one_is_not_addressed_to_another() -> None:
    asked = paper("Pip: Look, a white dog!", before="Odile Fenn: Two red boats.")
    assert marks(asked, "Aye, Pip.")["follows the last speaker"] == 1
    assert marks(asked, "Aye, Odile.")["follows the last speaker"] == 0
    assert marks(asked, "A white dog, true.")["follows the last speaker"] == 1


def test_whoever_says_what_was_asked_for_answers_in_whatever_words() -> None:
    asked = paper("Rosa: What colour are the boats?")
    assert not intents("Green, lad; so it goes.", "brack")
    for reply, answers in (("Green, lad; so it goes.", 1), ("The pudding of a mast.", 0), ("On the left.", 0)):
        assert marks(asked, reply)["answers the question"] == answers
        assert marks(asked, reply)["follows the last speaker"] == answers
    remark = paper("Rosa: I see a kite.")
    assert marks(remark, "Hrm, two red boats of a pudding.")["follows the last speaker"] == 0


def test_a_frame_is_found_word_for_word_and_with_a_slip() -> None:
    whole = "Easy peasy! On the left!"
    assert intents(whole, "pip") == {"where"}
    assert intents("The boat is on the left and I did not ever use the telescope!", "pip") == {"where"}
    assert not intents("Ladies and gentlemen, nothing at all to be seen tonight.", "pip")
    assert [piece.text for piece in pieces(f"(hops about) {whole}", "pip")] == ["hops about", whole]


def test_a_bare_no_is_in_any_voice() -> None:
    assert [piece.intents for piece in pieces("No. Easy peasy! On the left!", "pip")] == [{"yes_or_no"}, {"where"}]


def test_what_half_a_picture_hides_is_not_asked_for() -> None:
    whole = paper("Rosa: Where is the dog?")
    assert whole.fact is not None
    half = Exam(whole.exam.request, "", {"a/first": Sight(BOATS, (0, 0.5))})
    assert Paper(half).fact is None


def test_a_few_lines_are_evaluated_with_a_picture_and_without() -> None:
    result = sample_evaluation("storybook-teacher", engine_config("scripted"), 6)
    assert result.asked == 12
    assert share(result.figures["as is"]["grounded"]) == 1
    assert "grounded" not in result.figures["blank picture"]


def test_a_voice_is_heard_without_what_it_speaks_of() -> None:
    voices = Voices(["Una Lusk"])
    assert "boat" not in voices.masked("Una, two red boats, mark my words!")
    assert "una" not in voices.masked("Una, two red boats, mark my words!")
    assert voices.heard(["Easy peasy! On the left!"], "pip") == ["pip"]


@pytest.fixture(scope="module")
def few() -> list[Paper]:
    return papers(Order("m", engine_config("scripted"), 12), False, quiet)


def test_what_is_taken_away_is_all_that_differs(few: list[Paper]) -> None:
    gallery = Gallery()
    by_name = {one.name: segments(few, one, gallery) for one in CONDITIONS if not one.held_out}
    own, blank, bare = (by_name[name] for name in ("as is", "blank picture", "no profile"))
    assert [one.text for one in own] == [one.text for one in blank]
    assert [one.image for one in own] != [one.image for one in blank]
    assert [one for one in own if one.stability != "persona"] == bare
    assert bare != own


def segments(made: list[Paper], condition: Condition, gallery: Gallery) -> list[Segment]:
    return next(requests(made, condition, "m", gallery))[1].prompt.segments()


def test_half_a_picture_stays_a_half(few: list[Paper]) -> None:
    half = Exam(few[0].exam.request, "", {image: Sight(BOATS, (0, 0.5)) for image in few[0].exam.sights})
    other = paper("Rosa: Where is the dog?")
    for picture in ("own", "blank", "wrong"):
        gallery = Gallery()
        shown = segments([Paper(half), other], Condition(picture, picture), gallery)
        images = [segment.image for segment in shown if segment.image]
        assert {gallery.open(image).size for image in images} == {(64, 128)}


def test_every_type_of_question_is_asked_as_often(few: list[Paper]) -> None:
    types = [one.type for one in few if one.is_posed]
    assert len(types) == 12
    assert {"where", "is_there", "how_many", "colour", "what", "weather"} <= {*types}


def test_eval_prints_figures_as_json_and_writes_them_as_tables(tmp_path: Path) -> None:
    out = tmp_path / "figures.md"
    done = commanded("eval", "storybook-teacher", "-n", "8", "--json", "--out", out)
    figures = json.loads(done.out)["figures"]
    assert figures["as is"]["grounded"]["value"] == 1
    assert "| grounded |" in out.read_text()


def test_eval_refuses_a_folder_that_is_not_there(tmp_path: Path) -> None:
    for arguments in (["./nowhere"], ["storybook-teacher", "--out", tmp_path / "no" / "file.md"]):
        done = commanded("eval", *arguments)
        assert done.code == 2
        assert "there is no" in done.err
