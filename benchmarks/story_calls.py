"""What a round of a story asks of a model: calls, calls one after another, words; CharacterBox's calls beside.

Every call takes one unit of a time that nothing else takes, so the time of a turn is how many of its calls had to wait
for each other. The scenes are made up, of two to six people. In one play nobody is touched by what others do, in one
some are by lot, in one as many as can be every time; a row spreads from the cheapest round to the dearest.

CharacterBox makes its calls one by one (arXiv 2412.05631, and its published code). With one model in all roles its
paper counts 69,786 tokens of prompts for three rounds, 23,262 a round, in scenes of two to four.
"""

import asyncio
import json
import re
import selectors
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from agents.prompts.layout import Layout
from agents.prompts.layouts import LAYOUTS
from benchmarks.measure import Measure
from narrator.steering import PICK
from sandbox.engines.form import instance, members, read_form
from sandbox.play import play
from scenes.chat import Completion, Prompt, Request
from scenes.event import NARRATOR, Event
from scenes.loading import load
from scenes.scene import Scene

Answer = Callable[[str, Request], str]
"""Gets the key of a call and its request."""

SCENE = Path(__file__).parents[1] / "scenarios" / "harbour"
ROUNDS = 3
LAYOUT = LAYOUTS["images-first"]
POLICIES = ("round_robin", "narrator", "simultaneous")
LINE = "(leans on the rail and looks out) I have told you before and I tell you again: that boat will not come tonight."
KEEPER = {"name": "Wren", "role": "who keeps the lamp", "personality": "Quiet, and awake when others sleep."}
CAST = ("storybook/brack", "storybook/pip", "storybook/moss", "storybook/odile", "storybook/vale", KEEPER)
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+|[^\w\s]")
"""A word, a Chinese or Japanese letter, or a mark: near to what tokenizers make of a text, and the same everywhere."""


def characterbox_calls(people: int, acting: int, influenced: int) -> int:
    """Return CharacterBox's calls in a round of N `people`, of whom m act and k of these touch somebody.

    2N + 3 + 4m + 3k prompts, and 2m + 6k more that rate how important what is remembered is (its `simulator.py`).
    """
    prompts = 2 * people + 3 + 4 * acting + 3 * influenced
    return prompts + 2 * acting + 6 * influenced


def characterbox_acting(order: Sequence[str], touched: Sequence[Sequence[str]]) -> tuple[int, int]:
    """Return how many act in CharacterBox, where the first who is touched loses its turn, and how many touch somebody.

    `order` is who would act in a round, `touched` whom each of them would touch.
    """
    acted: set[str] = set()
    acting = influenced = 0
    for name, targets in zip(order, touched, strict=True):
        if name not in acted:
            acting += 1
            influenced += bool(targets)
            acted |= {name, *targets[:1]}
    return acting, influenced


class _Waves(selectors.SelectSelector):
    """Never waits: where nothing is left to do, the time of the next timer has come."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise RuntimeError("the scene waits for what never comes")
        self.now += max(0.0, timeout)
        return super().select(0)


class _WaveLoop(asyncio.SelectorEventLoop):
    """An event loop in the time of its `_Waves`, which is the same on every machine."""

    def __init__(self) -> None:
        self._waves = _Waves()
        super().__init__(self._waves)

    def time(self) -> float:
        return self._waves.now


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn asked, how many of these calls stood one after another, and what happened in it."""

    asked: dict[str, Request]
    depth: int
    events: Sequence[Event]


def played(scene: Scene, layout: Layout, answer: Answer) -> list[Turn]:
    """Play `scene`, which has no interview, and return its turns: first what is before them."""
    turns: list[Turn] = []
    asked: dict[str, Request] = {}

    async def call(key: str, request: Request) -> Completion:
        asked[key] = request
        await asyncio.sleep(1)
        return Completion(text=answer(key, request))

    def keep(events: Sequence[Event]) -> None:
        depth = round(asyncio.get_running_loop().time()) - sum(turn.depth for turn in turns)
        turns.append(Turn(dict(asked), depth, events))
        asked.clear()

    with asyncio.Runner(loop_factory=_WaveLoop) as runner:
        runner.run(play(scene, layout, call, keep))
    return turns


def rounds(turns: Sequence[Turn], people: int) -> list[list[Turn]]:
    """Return the turns by rounds, in each of which as many act as there are `people`."""
    found: list[list[Turn]] = []
    acted = people
    for turn in turns[1:]:
        if acted >= people:
            found.append([])
            acted = 0
        found[-1].append(turn)
        acted += len(actors(turn))
    return found


def actors(turn: Turn) -> list[str]:
    """Return who had a turn of its own; what others do in answer is none."""
    return list(dict.fromkeys(event.actor for event in turn.events if event.call and event.call.endswith("/speak")))


def touched(turn: Turn) -> list[str]:
    """Return whom the narrator says that the turn touches, each once."""
    told = (event for event in turn.events if event.actor == NARRATOR and event.kind == "narration")
    return list(dict.fromkeys(name for event in told for name in event.to))


def characterbox_round(turns: Sequence[Turn], people: int) -> int:
    """Return CharacterBox's calls in a round of single turns, in each of which the same are touched."""
    order = [name for turn in turns for name in actors(turn)]
    return characterbox_calls(people, *characterbox_acting(order, [touched(turn) for turn in turns]))


class Words:
    """Counts the words of prompts, and those that no prompt before began with: what a cache of prefixes leaves."""

    def __init__(self) -> None:
        self._until = {b"": 0}
        """The words up to each node, by its id."""

    def __call__(self, prompt: Prompt) -> tuple[int, int]:
        """Return the words of `prompt` and how many of them are new. Pictures are none."""
        unseen = [node for node in prompt.nodes() if node.id not in self._until]
        known = (unseen[-1].parent or Prompt()).id if unseen else prompt.id
        words = self._until[known]
        for node in reversed(unseen):
            words += len(_TOKEN.findall(node.segment.text)) if node.segment else 0
            self._until[node.id] = words
        return words, words - self._until[known]


@dataclass(frozen=True, slots=True)
class Cost:
    """What some turns asked: calls, of these one after another, words of their prompts, and of these the new ones."""

    calls: int
    depth: int
    words: int
    new: int


def cost(turns: Sequence[Turn], count: Words) -> Cost:
    """Return what `turns` cost after all that `count` has seen."""
    sizes = [count(request.prompt) for turn in turns for request in turn.asked.values()]
    words, new = (sum(column) for column in zip(*sizes, strict=True))
    return Cost(len(sizes), sum(turn.depth for turn in turns), words, new)


def by_lot(key: str, request: Request) -> str:
    """Answer a form by lot, with the request's seed, and else with a line of the usual length."""
    if request.form is None:
        return LINE
    schema = read_form(request.form)
    if key.endswith("/steer"):  # whoever is picked: a scene that ends early or goes elsewhere has no full rounds
        offered = members(schema["properties"]["decision"]) or []
        picked = Random(request.seed).choice([one for one in offered if one.startswith(PICK)])
        return json.dumps({"reason": "It is time.", "decision": picked}, ensure_ascii=False)
    return json.dumps(instance(schema, Random(request.seed)), ensure_ascii=False)


def nobody_touched(key: str, request: Request) -> str:
    """Answer a judgement with nobody, and all else by lot."""
    return '{"touched": [], "after": []}' if "/judge" in key else by_lot(key, request)


def all_touched(key: str, request: Request) -> str:
    """Answer a judgement with as many as it may name, and all else by lot."""
    if "/judge" not in key or request.form is None:
        return by_lot(key, request)
    touches = read_form(request.form)["properties"]["touched"]
    names = members(touches["items"]["properties"]["who"]) or []
    told = [{"who": name, "how": "It reaches this one."} for name in names[: touches["maxItems"]]]
    return json.dumps({"touched": told, "after": []}, ensure_ascii=False)


ANSWERS: tuple[Answer, ...] = (nobody_touched, by_lot, all_touched)


def story(people: int, policy: str) -> Scene:
    """Return a scene of so many on the quay."""
    cast = [
        {"character": character, "position": f"{at + 2} steps from the water", "state": "cold and out of patience"}
        for at, character in enumerate(CAST[:people])
    ]
    settings = {
        "kind": "story",
        "premise": "The last boat is late, and everybody on the quay has a reason of its own to wait for it.",
        "cast": cast,
        "opening": [{"Brack": LINE}],
        "narrator": {},
        "mind": "bdi",
        "turn_policy": policy,
        "turns": ROUNDS if policy == "simultaneous" else ROUNDS * people,
        "layout": LAYOUT.name,
        "vary": {},
    }
    source = load(SCENE, settings=settings)
    return Scene(source.setting(source.variant(0), lambda picture, facts: None), 0)


def measures() -> Iterator[Measure]:
    """Measure each size of cast under each policy: all rounds but the last, after which nobody makes up its mind."""
    for people in range(2, len(CAST) + 1):
        singly = [played(story(people, "round_robin"), LAYOUT, answer) for answer in ANSWERS]
        theirs = [characterbox_round(one, people) for turns in singly for one in rounds(turns, people)[:-1]]
        for policy in POLICIES:
            yield from _rows(people, policy, f"CharacterBox {median(theirs):g}, {min(theirs)} to {max(theirs)}")


def _rows(people: int, policy: str, beside: str) -> Iterator[Measure]:
    costs: list[Cost] = []
    for answer in ANSWERS:
        turns, count = played(story(people, policy), LAYOUT, answer), Words()
        cost(turns[:1], count)
        costs += [cost(one, count) for one in rounds(turns, people)[:-1]]
    what = f"a round of {people}, {policy}"
    goal = {"round_robin": 3 * people, "narrator": 3 * people, "simultaneous": 6}[policy]
    yield Measure(f"{what}: calls", "", [one.calls for one in costs], f"- ({beside})")
    yield Measure(f"{what}: calls one after another", "", [one.depth for one in costs], f"<= {goal} ({beside})")
    yield Measure(f"{what}: words of prompts", "", [one.words for one in costs], "-")
    yield Measure(f"{what}: of these, new to a cache", "", [one.new for one in costs], "-")
