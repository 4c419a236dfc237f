"""From likelihoods to scores and figures: what is asked, what a network learns of it, and how that is measured."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

from sandbox.engines.config import ScriptedConfig
from sandbox.engines.scripted import Scripted, dry_answer
from sandbox.gallery import Gallery
from sandbox.launch import engine_config
from sandbox.storybook.exam.exam import Order, papers
from sandbox.storybook.reward.answers import Answer, answers_to, read_on
from sandbox.storybook.reward.degrading import CLEAN, FITTED, KEPT_BACK, WAYS, Way, scores_of
from sandbox.storybook.reward.features import CONDITIONS, SIZE, Floats, blanks, conditions, features, read
from sandbox.storybook.reward.figures import OVERALL, figures_of
from sandbox.storybook.reward.fitting import fit
from sandbox.storybook.reward.making import Order as Making
from sandbox.storybook.reward.making import make
from sandbox.storybook.reward.network import INPUTS, Network, load_network
from sandbox.storybook.reward.network import inputs as given
from sandbox.storybook.reward.own import own_replies, told_apart
from scenes.chat import Prompt, Request, Segment
from scenes.image import Picture
from scenes.problem import InputRefused
from scenes.sights import drawn
from scenes.storybook.drawing import Drawing, Group

PICTURE = drawn(
    Drawing(place="sea", weather="fog", time="day", groups=(Group(kind="boat", colour="red", position="left"),)), 128
)


def request(picture: Picture = PICTURE) -> Request:
    return Request(
        "storybook",
        Prompt().then(
            Segment("persona", "system", "You are Pip, a child inventor."),
            Segment("images", "user", image=picture.id, glue=""),
            Segment("history", "user", "Odile: Fog again."),
            Segment("history", "assistant", "Look, a boat!"),
            Segment("instruction", "user", "Odile: What colour is it?"),
        ),
    )


def told(asked: Request) -> list[str]:
    return [segment.image or segment.text for segment in asked.prompt.segments()]


def test_an_answer_is_asked_about_with_one_thing_taken_away_at_a_time() -> None:
    whole, blank, talk, question, profile, alone = conditions(request(), "Red!", lambda image: "gray")
    assert told(whole) == told(request())
    assert told(blank) == [one if one != PICTURE.id else "gray" for one in told(whole)]
    assert told(talk) == [told(whole)[0], PICTURE.id, "Odile: What colour is it?"]
    assert told(question) == [*told(whole)[:-1], "Scene: Go on."]
    assert told(profile) == ["You are Somebody.", *told(whole)[1:]]
    assert told(alone) == ["You are Somebody.", "Scene: Go on."]
    assert {one.answer for one in (whole, blank, talk, question, profile, alone)} == {"Red!"}


def test_a_blank_picture_is_gray_as_large_as_the_other_and_made_once() -> None:
    gallery = Gallery()
    gallery.add(PICTURE)
    blank = blanks(gallery)
    assert blank(PICTURE.id) == blank(PICTURE.id) != PICTURE.id
    assert gallery.open(blank(PICTURE.id)).size == gallery.open(PICTURE.id).size
    assert gallery.open(blank(PICTURE.id)).getcolors() == [(128 * 128, (128, 128, 128))]


def likely(words: Sequence[str], asked: Request) -> list[float]:
    """Take "red" for unlikely where the picture is seen, and everything for unlikely where little is told."""
    seen = any(one.image == PICTURE.id for one in asked.prompt.segments())
    return [-5.0 if word == "red" and seen else -1 - 6 / len(told(asked)) for word in words]


def test_features_do_not_depend_on_who_is_asked_about_beside() -> None:
    engine = Scripted(dry_answer, logprobs=likely)
    texts = [f"a red {'boat ' * more}" for more in range(6)]

    async def together_and_alone() -> list[tuple[Floats, Floats]]:
        beside = await asyncio.gather(*(read(engine.complete, request(), text, lambda image: "g") for text in texts))
        alone = [await read(engine.complete, request(), text, lambda image: "g") for text in reversed(texts)]
        return list(zip(beside, reversed(alone), strict=True))

    for beside, alone in asyncio.run(together_and_alone()):
        assert np.array_equal(features(beside), features(alone))
        assert beside.shape[0] == len(CONDITIONS)
        assert features(beside).shape == (SIZE,)


def test_features_tell_what_an_answer_rests_on() -> None:
    flat = np.full((len(CONDITIONS), 4), -1.0)
    sighted, voiced = flat.copy(), flat.copy()
    sighted[CONDITIONS.index("blank picture"), 2] = -6.0
    voiced[CONDITIONS.index("without the profile")] = -3.0
    assert np.isfinite(features(flat)).all()
    changed = [np.flatnonzero(features(one) != features(flat)) for one in (sighted, voiced)]
    assert not {*changed[0]} & {*changed[1]}
    assert all(len(one) for one in changed)


# ---- the network


def examples(number: int, ways: Sequence[Way] = (CLEAN, *FITTED)) -> tuple[Floats, Floats, list[Way]]:
    """Return features in which each way has a sign of its own, and the scores that it deserves."""
    rng, chosen = np.random.default_rng(0), [ways[at % len(ways)] for at in range(number)]
    noise = rng.normal(size=(number, SIZE)) * 0.2
    for at, way in enumerate(chosen):
        noise[at, WAYS.index(way)] += 2
    return noise, np.array([scores_of(way) for way in chosen], dtype=np.float64), chosen


def test_a_network_learns_what_each_way_deserves_and_the_same_again_from_the_same() -> None:
    inputs, wanted, _ = examples(400)
    held = np.arange(len(inputs)) % 5 == 0
    network = fit(given(inputs, inputs), wanted, held, seed=1)
    assert np.abs(network.scores(inputs[held], inputs[held]) - wanted[held]).mean() < 0.3
    again = fit(given(inputs, inputs), wanted, held, seed=1)
    assert all(np.array_equal(network.arrays[name], again.arrays[name]) for name in network.arrays)


@pytest.fixture(scope="module")
def network() -> Network:
    inputs, wanted, _ = examples(100)
    return fit(given(inputs, inputs), wanted, np.arange(100) % 5 == 0, seed=1)


def test_a_score_stays_on_the_scale_whatever_the_likelihoods(network: Network) -> None:
    far = np.random.default_rng(1).normal(size=(50, SIZE)) * 1e6
    assert ((network.scores(far, -far) >= 1) & (network.scores(far, -far) <= 10)).all()


def test_a_network_is_the_same_when_it_is_read_again(network: Network, tmp_path: Path) -> None:
    inputs = examples(20)[0]
    network.save(tmp_path)
    assert np.allclose(load_network(tmp_path).scores(inputs, 0 * inputs), network.scores(inputs, 0 * inputs), atol=1e-3)
    assert (tmp_path / "weights.npz").stat().st_size <= 8_000_000


@pytest.mark.parametrize("content", [None, b"no archive", b"PK\x03\x04"])
def test_a_file_that_is_no_reward_model_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "weights.npz").write_bytes(content)
    with pytest.raises(InputRefused, match="rolestage train storybook-rm"):
        load_network(tmp_path)


def test_a_reward_model_of_other_features_is_refused(network: Network, tmp_path: Path) -> None:
    Network({**network.arrays, "mean": np.zeros(INPUTS + 1)}).save(tmp_path)
    with pytest.raises(InputRefused, match="another version"):
        load_network(tmp_path)


# ---- the answers


def made_answers(gallery: Gallery) -> list[Answer]:
    exams = papers(Order("storybook", engine_config("scripted"), 8, 5), False, lambda what: lambda done, total: None)
    return answers_to(exams, (CLEAN, *FITTED), "storybook", gallery, 0)


def test_each_paper_has_the_teachers_answer_and_two_others_of_ways_that_take_turns() -> None:
    answers = made_answers(Gallery())
    assert [one.is_reference for one in answers[:3]] == [True, False, False]
    counts = Counter(one.way for one in answers if not one.is_reference)
    assert {*counts} == {CLEAN, *FITTED}
    assert max(counts.values()) - min(counts.values()) <= 4
    assert not {one.way for one in answers} & KEPT_BACK


def test_what_was_read_is_kept_and_not_asked_again(tmp_path: Path) -> None:
    gallery, asked = Gallery(), Counter[str]()

    def counted(words: Sequence[str], one: Request) -> list[float]:
        asked[one.answer or ""] += 1
        return likely(words, one)

    engine = Scripted(dry_answer, logprobs=counted)
    first, again = made_answers(gallery), made_answers(gallery)
    assert read_on(first, engine, gallery, tmp_path / "read.npz", lambda done, total: None)
    before = asked.total()
    assert before == len(first) * len(CONDITIONS)
    assert read_on(again, engine, gallery, tmp_path / "read.npz", lambda done, total: None)
    assert asked.total() == before
    for one, other in zip(first, again, strict=True):
        assert one.logprobs is not None
        assert other.logprobs is not None
        assert np.allclose(one.logprobs, other.logprobs)


def test_what_was_read_of_other_answers_is_not_taken(tmp_path: Path) -> None:
    gallery, engine = Gallery(), Scripted(dry_answer, logprobs=likely)
    first, others = made_answers(gallery), made_answers(gallery)
    read_on(first, engine, gallery, tmp_path / "read.npz", lambda done, total: None)
    others[-1].text = "Something else, a red one."
    read_on(others, engine, gallery, tmp_path / "read.npz", lambda done, total: None)
    assert first[-1].logprobs is not None
    assert others[-1].logprobs is not None
    assert first[-1].logprobs.shape != others[-1].logprobs.shape


def test_answers_that_a_model_cannot_be_asked_about_are_counted_and_left_out(tmp_path: Path) -> None:
    gallery = Gallery()
    answers = made_answers(gallery)
    engine = Scripted(dry_answer, logprobs=None)
    assert read_on(answers, engine, gallery, tmp_path / "read.npz", lambda done, total: None)
    assert all(one.failed and one.logprobs is None for one in answers)


def test_a_model_that_gives_no_likelihoods_makes_no_reward_model(tmp_path: Path) -> None:
    order = Making("storybook", ScriptedConfig(), number=60)
    with pytest.raises(InputRefused, match="too few answers"):
        make(order, tmp_path, lambda what: lambda done, total: None)


def test_a_folder_holds_what_was_made_for_one_order(tmp_path: Path) -> None:
    for number in (60, 72):
        order = Making("storybook", ScriptedConfig(), number=number)
        with pytest.raises(InputRefused, match="too few answers" if number == 60 else "another reward model"):
            make(order, tmp_path, lambda what: lambda done, total: None)


# ---- the figures


def judged(ways: Sequence[Way], number: int = 300) -> list[Answer]:
    """Return answers beside references, whose logprobs are made up so that `Signs` reads their way off them."""
    rng, answers = Random(2), []
    for at in range(number):
        reference = Answer(at, f"scene {at // 3}", CLEAN, "", request(), is_reference=True, logprobs=signed(CLEAN))
        way = rng.choice(list(ways))
        answers += [reference, replace(reference, way=way, is_reference=False, logprobs=signed(way))]
    return answers


def signed(way: Way) -> Floats:
    return np.full((len(CONDITIONS), 3), -float(WAYS.index(way)))


class Signs(Network):
    """Gives every answer what its way deserves, which it reads off the mean logprob."""

    def scores(self, of: Floats, beside: Floats) -> Floats:
        ways = [WAYS[round(-row[0])] for row in of]
        return np.array([scores_of(way) for way in ways], dtype=np.float64)


class Flat(Network):
    """Gives every answer the same."""

    def scores(self, of: Floats, beside: Floats) -> Floats:
        return np.full((len(of), 8), 7.0)


def test_who_knows_the_truth_has_no_error_and_full_correlation() -> None:
    found = figures_of(Signs({}), judged([way for way in WAYS if way != "empty"]))
    for lines in found.lines.values():
        assert lines[OVERALL].ratios.mae.value == pytest.approx(0)
        assert lines[OVERALL].ratios.pearson.value == pytest.approx(1)
        assert lines[OVERALL].scores.mae.value == pytest.approx(0)
    assert all(one.auc == 1 and one.below == 1 for one in found.ways.values())


def test_who_says_the_same_of_all_has_the_error_of_a_constant_and_tells_nothing_apart() -> None:
    found = figures_of(Flat({}), judged([CLEAN, "wrong colour"]))
    lines = found.lines["ways it was fitted on, and clean"]
    assert lines["fluency"].ratios.mae.value == pytest.approx(0)
    assert lines["response_accuracy"].ratios.pearson.value is None
    assert 0.2 < lines["response_accuracy"].constant < 0.5
    assert found.ways["wrong colour"].auc == 0.5
    assert found.ways["wrong colour"].below == 0


def test_ways_kept_back_stand_apart_and_references_in_no_figure() -> None:
    answers = judged(["wrong colour", "parrot"])
    found = figures_of(Signs({}), answers)
    assert {*found.lines} == {"ways it was fitted on, and clean", "ways kept back"}
    assert sum(found.n.values()) == len(answers) / 2
    assert sum(lines["fluency"].ratios.items for lines in found.lines.values()) == len(answers) / 2


def test_a_models_own_replies_are_true_or_false_by_what_they_claim() -> None:
    gallery = Gallery()
    exams = papers(Order("storybook", engine_config("scripted"), 12, 5), False, lambda what: lambda done, total: None)
    gold = {paper.exam.request.seed: paper.gold for paper in exams}
    lie = "Three purple windmills, at night, in fog, I say!"
    engine = Scripted(lambda one: gold[one.seed] if one.seed % 2 else lie)
    replies = own_replies(exams, engine, "storybook", gallery, lambda done, total: None)
    assert replies
    for one in replies:
        one.logprobs = signed("wrong colour" if one.text == lie else CLEAN)
    found = told_apart(Signs({}), replies, exams, {at: features(signed(CLEAN)) for at in range(len(exams))})
    assert found.true > 3
    assert found.false > 3
    assert found.auc["image_text_relevance"] == 1
