"""What layouts cost: by replay, against formulas, and that `auto` takes the cheapest one that may be taken."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from commanding import commanded
from playing import STORY, written
from staging import performed

from agents.prompts.layouts import LAYOUTS, privacy_breaks
from sandbox import layout_cost
from sandbox.engines.word_blocks import WordBlocks, header
from sandbox.layout_cost import (
    BLOCK,
    LINE_WORDS,
    PICTURE_TOKENS,
    PREFERRED,
    Cost,
    cheapest,
    cost,
    settings_of,
    settled,
    unsuited,
)
from sandbox.run_folder import SCENARIO, new_run_folder
from scenes.chat import Request, Stability
from scenes.loading import Source, load
from scenes.scenario import LayoutName
from scenes.scene import Scene, Setting

MODEL = "some/model"
ALL: tuple[LayoutName, ...] = ("mmrole", "images-first", "cast-first", "script", "compact")
NAMES = ("Ada", "Bea", "Cyd", "Dot", "Eve", "Fay", "Gil", "Hal")


def person(name: str, words: int = 40) -> dict[str, Any]:
    return {
        "character": {"name": name, "role": "a clerk", "introduction": " ".join(f"{name}{at}" for at in range(words))}
    }


def source_of(folder: Path, characters: int = 3, **changes: Any) -> Source:
    cast = [person(name) for name in NAMES[:characters]]
    return load(written(folder, **{"model": MODEL, "cast": cast, "turns": 9} | changes))


def setting_of(folder: Path, characters: int = 3, **changes: Any) -> Setting:
    return settings_of(source_of(folder, characters, **changes))[0]


def first_requests(setting: Setting, layout: LayoutName) -> list[Request]:
    """Return the requests of an episode in order, with one-word lines."""
    return list(performed(Scene(setting, 0), layout, lambda key, request: "Aye.").values())


def tokens(request: Request, *classes: Stability) -> int:
    sizes = WordBlocks(1, PICTURE_TOKENS)
    return sum(sizes.size(one) - len(header(one.role)) for one in request.prompt.segments() if one.stability in classes)


ROLE = len(header("user"))
TITLE = 4
"""The words "The conversation so far:"."""
LINE = LINE_WORDS + 1
"""A line of the history: its words, behind a name."""


def images_first(requests: list[Request], cast: int) -> int:
    opening = ROLE + tokens(requests[0], "images", "scene")
    own = sum(tokens(one, "persona") for one in requests[:cast])
    asked = sum(tokens(one, "now", "instruction") + ROLE for one in requests)
    turns, history = len(requests), 0
    for last in range(turns - cast, turns):
        replies = sum(1 for turn in range(last) if turn % cast == last % cast)
        history += (last - replies) * LINE + replies * (LINE_WORDS + 2 * ROLE)
    return opening + own + asked + history


def mmrole(requests: list[Request], cast: int) -> int:
    opening = ROLE + tokens(requests[0], "images")
    own = sum(tokens(one, "persona") for one in requests[:cast])
    fixed = sum(tokens(one, "instruction") + ROLE for one in requests)
    quoted = (len(requests) - 1) * (LINE_WORDS - 1)
    turns = len(requests)
    history = sum((last - 1) * LINE + TITLE for last in range(turns - cast, turns))
    return opening + own + fixed + quoted + history


def compact(requests: list[Request], cast: int) -> int:
    own = sum(ROLE + tokens(one, "persona") + ROLE + PICTURE_TOKENS for one in requests[:cast])
    begin, turns, history = tokens(requests[0], "instruction"), len(requests), 0
    for first in range(cast):
        history += first * LINE + ROLE
        later = len(range(first + cast, turns, cast))
        history += later * (ROLE + (cast - 1) * LINE + ROLE)
    return own + begin + history


def cast_first(requests: list[Request], cast: int) -> int:
    opening = ROLE + tokens(requests[0], "images", "scene", "cast")
    asked = sum(tokens(one, "instruction") + ROLE for one in requests)
    return opening + asked + (len(requests) - 1) * LINE


def script(requests: list[Request], cast: int) -> int:
    return ROLE + tokens(requests[0], "images", "scene", "cast") + ROLE + len(requests)


FORMULAS: dict[LayoutName, tuple[Callable[[list[Request], int], int], str]] = {
    "images-first": (images_first, "Your character is"),
    "mmrole": (mmrole, "Step into the role of"),
    "compact": (compact, "<end> <start> <role> system You are"),
    "cast-first": (cast_first, ""),
    "script": (script, ""),
}
"""With the words that everybody's own part begins with, which are computed for the first alone."""


@pytest.mark.parametrize(("characters", "turns"), [(2, 10), (3, 9), (5, 20), (8, 16)])
@pytest.mark.parametrize("layout", ALL)
def test_the_replay_computes_what_the_formula_says(
    layout: LayoutName, characters: int, turns: int, tmp_path: Path
) -> None:
    """To the token where every token is a block; with real blocks, but for the rounding of each request."""
    setting = setting_of(tmp_path, characters, turns=turns, memory={"words": 100_000})
    requests = first_requests(setting, layout)
    formula, alike = FORMULAS[layout]
    said = formula(requests, characters) - (characters - 1) * len(alike.split())
    if layout != "compact":  # the rules are there before, and with them what ends their message
        said -= ROLE - 1
    assert cost(setting, LAYOUTS[layout], block=1).computed == said
    in_blocks = cost(setting, LAYOUTS[layout])
    assert said <= in_blocks.computed <= said + (len(requests) + 1) * (BLOCK - 1)
    assert in_blocks.turns == len(requests) == turns


def test_a_cost_depends_on_no_seed(tmp_path: Path) -> None:
    costs = {
        str(cost(setting_of(tmp_path, turn_policy="random", seed=seed), LAYOUTS["images-first"])) for seed in range(4)
    }
    assert len(costs) == 1


def test_shares_add_up(tmp_path: Path) -> None:
    spent = cost(setting_of(tmp_path), LAYOUTS["images-first"])
    assert spent.first + spent.later * (spent.turns - 1) == pytest.approx(spent.per_turn * spent.turns)
    assert spent.prompt_tokens * (1 - spent.cached) == pytest.approx(spent.computed)
    assert spent.first > PICTURE_TOKENS > spent.later


def test_a_past_that_is_forgotten_breaks_the_prefix_at_the_history(tmp_path: Path) -> None:
    whole, forgetting = (
        cost(setting_of(tmp_path, turns=30, memory={"words": words}), LAYOUTS["cast-first"]) for words in (10_000, 200)
    )
    assert whole.breaks.keys() <= {"instruction"}
    # a line counts two words more; the first 200 words fit, and then about a hundred leave at each stroke
    assert forgetting.breaks["history"].times == pytest.approx((30 * (LINE_WORDS + 2) - 200) / 100, abs=2)
    assert forgetting.breaks["history"].tokens > 0
    assert forgetting.computed > whole.computed


def test_beliefs_break_off_what_stands_at_the_end_and_no_more(tmp_path: Path) -> None:
    spent = cost(setting_of(tmp_path, mind="bdi"), LAYOUTS["images-first"])
    assert spent.breaks.keys() == {"now"}


def test_a_picture_that_comes_late_breaks_nothing(tmp_path: Path) -> None:
    late = [{**person(name), "sees": [{"image": "harbour", "from_turn": 4}]} for name in NAMES[:2]]
    spent = cost(setting_of(tmp_path, cast=late), LAYOUTS["images-first"])
    assert spent.breaks.keys() <= {"instruction"}
    assert spent.prompt_tokens > 4 * PICTURE_TOKENS


SECRET = {**person("Ada"), "secret": "The safe is open."}
FORBIDDING: dict[str, dict[str, Any]] = {
    "a secret": {"cast": [SECRET, person("Bea"), person("Cyd")]},
    "thoughts": {"mind": "bdi"},
    "a whisper": {"opening": [{"Ada": "(whispers to Bea) Psst."}]},
    "pictures of its own": {"cast": [{**person("Ada"), "sees": []}, person("Bea"), person("Cyd")]},
    "a secret in another variant": {
        "vary": {"cast.0.secret": [None, "The safe is open."]},
        "cast": [{**person("Ada"), "secret": None}, person("Bea"), person("Cyd")],
    },
    "Chinese": {"language": "zh"},
}


@pytest.mark.parametrize("changes", FORBIDDING.values(), ids=FORBIDDING)
def test_auto_takes_no_text_for_all_where_somebody_has_something_of_its_own(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    assert settled(source_of(tmp_path / "open", turns=20)).scenario.layout == "script"
    assert settled(source_of(tmp_path / "kept", turns=20, **changes)).scenario.layout == "images-first"


def test_auto_tells_how_all_are_where_the_scenario_says_so(tmp_path: Path) -> None:
    cast = [{**person(name), "state": "tired"} for name in NAMES[:5]]
    assert settled(source_of(tmp_path, cast=cast, turns=20)).scenario.layout == "cast-first"


@pytest.mark.parametrize(
    ("changes", "layout"),
    [
        ({"model": "storybook"}, "compact"),
        ({"layout": "mmrole"}, "mmrole"),
        ({"vary": {"model": [MODEL, "storybook"]}}, "auto"),
        ({"vary": {"layout": ["script", "mmrole"]}}, "auto"),
        ({"model": "http://127.0.0.1:9/v1#name"}, "cast-first"),
        ({"kind": "comment", "cast": [person("Ada")]}, "images-first"),
    ],
    ids=["embedded", "named", "models varied", "layouts varied", "an endpoint", "as good as equal"],
)
def test_auto_suits_the_model(changes: dict[str, Any], layout: str, tmp_path: Path) -> None:
    assert settled(source_of(tmp_path, **{"turns": 20, "characters": 5} | changes)).scenario.layout == layout


def test_the_layout_that_was_settled_is_in_the_run(tmp_path: Path) -> None:
    source = settled(source_of(tmp_path / "scenario", turns=20))
    folder = new_run_folder(tmp_path / "runs", source)
    assert load(folder / SCENARIO).scenario.layout == "script"


def random_scenario(rng: Random) -> dict[str, Any]:
    cast = [person(name, rng.choice([5, 60, 300])) for name in NAMES[: rng.randint(2, 8)]]
    if rng.random() < 0.3:
        rng.choice(cast)["secret"] = "The safe is open."
    if rng.random() < 0.3:
        rng.choice(cast)["state"] = "tired"
    return {
        "model": MODEL,
        "cast": cast,
        "kind": "inter-role",
        "premise": " ".join(["fog"] * rng.choice([1, 150])),
        "images": {f"p{at}": {"storybook": {"seed": at}} for at in range(rng.randint(0, 3))} or None,
        "mind": rng.choice(["none", "none", "bdi"]),
        "turns": rng.randint(1, 40),
        "turn_policy": rng.choice(["round_robin", "random", "mention", "simultaneous"]),
        "memory": {"words": rng.choice([150, 3_000])},
        "sampling": {"max_tokens": rng.choice([12, 80])},
    }


def within_a_fiftieth(settings: list[Setting]) -> LayoutName:
    """Check that what is taken costs at most 1.02 times the best that may be taken, and return it."""
    taken = cheapest(settings)
    may = [name for name in PREFERRED if unsuited(name, settings) is None]
    assert taken in may
    assert not privacy_breaks(LAYOUTS[taken], settings[0])
    costs = {name: cost(settings[0], LAYOUTS[name]).computed for name in may}
    assert costs[taken] <= 1.02 * min(costs.values())
    return taken


def test_auto_is_within_a_fiftieth_of_the_best_in_fifty_random_scenarios(tmp_path: Path) -> None:
    rng = Random(5)
    taken = {within_a_fiftieth(settings_of(load(written(tmp_path, **random_scenario(rng))))) for _ in range(50)}
    assert taken == {"images-first", "cast-first", "script"}


@pytest.mark.parametrize("folder", sorted(Path("scenarios").iterdir()), ids=lambda folder: folder.name)
@pytest.mark.parametrize("model", ["storybook", MODEL])
def test_auto_is_within_a_fiftieth_of_the_best_in_the_shipped_scenarios(folder: Path, model: str) -> None:
    within_a_fiftieth(settings_of(load(folder, settings={"model": model, "layout": "auto"})))


def test_a_scene_longer_than_is_played_goes_on_as_it_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cast = [{**person(name), "state": "tired"} for name in NAMES[:3]]
    settings = [setting_of(tmp_path, cast=cast, turns=300)]
    taken = cheapest(settings)
    monkeypatch.setattr(layout_cost, "MOST_REPLIES", 300)
    costs = {name: cost(settings[0], LAYOUTS[name]) for name in ("images-first", "cast-first")}
    assert costs[taken].turns == 300
    assert costs[taken].computed <= 1.02 * min(spent.computed for spent in costs.values())


def test_a_story_with_all_in_it_costs_something_in_every_layout_that_keeps_secrets(tmp_path: Path) -> None:
    costs: dict[LayoutName, Cost] = layout_cost.priced(settings_of(load(written(tmp_path, **STORY)))[0])
    assert costs.keys() == {"images-first", "mmrole", "compact"}
    assert all(0 < spent.cached < 1 for spent in costs.values())


# The command line


def lines_of(out: str) -> dict[str, list[str]]:
    """Return the rows of the table by layout."""
    rows = (line.removeprefix("→").split() for line in out.splitlines())
    return {row[0]: row[1:] for row in rows if row and row[0] in LAYOUTS}


def test_lint_tells_what_each_layout_costs(tmp_path: Path) -> None:
    file = written(tmp_path, model=MODEL, cast=[SECRET, person("Bea")])
    shown, told = commanded("lint", file).out, json.loads(commanded("lint", file, "--json").out)
    rows = lines_of(shown)
    assert list(rows) == list(told["layouts"]) == list(LAYOUTS)
    assert "→ images-first" in shown
    assert told["layout"] == "images-first"
    assert rows["images-first"][0] == f"{told['layouts']['images-first']['computed_per_turn']:,.0f}"
    assert rows["script"][:4] == ["–"] * 4
    assert "cannot keep" in told["layouts"]["script"]["because"]


def test_lint_names_the_segments_at_which_prompts_begin_anew(tmp_path: Path) -> None:
    file = written(tmp_path, model=MODEL, cast=[SECRET, person("Bea")], turns=30, memory={"words": 200})
    assert "the prefix breaks at history" in commanded("lint", file).out
    assert "breaks at" not in commanded("lint", file, "--layout", "images-first").out.replace("breaks at history", "")
    assert (
        json.loads(commanded("lint", file, "--json").out)["layouts"]["images-first"]["breaks"]["history"]["times"] > 3
    )


def test_preview_tells_what_its_layout_costs(tmp_path: Path) -> None:
    file = written(tmp_path, model=MODEL)
    for one, other in pairwise(["mmrole", "images-first", "compact"]):
        assert list(lines_of(commanded("preview", file, "--layout", one).out)) == [one]
        assert list(lines_of(commanded("preview", file, "--layout", other).out)) == [other]
