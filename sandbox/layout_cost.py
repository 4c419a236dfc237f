"""What each layout costs a scenario, and which is the cheapest of those that suit it.

A layout's cost is how many prompt tokens an engine has to compute that keeps the attention state of prompt prefixes, as
vLLM does. It is found without a model and without a formula: the scene is played with made-up lines of a stated length,
and its prompts go through a cache of block hashes, with words for tokens. The seed of the scenario has no part in it.

With A characters who speak in turn, T turns, I pictures of v tokens in sight of all, a scene of s tokens, for each
character p tokens of its own and q of it in a cast that all read, a turn of u with its header, an instruction and
standing of i, and a name of h, that comes to (g, the rules, is computed once for a whole run):

- `images-first`: Iv + s + Ap + (AT - A(A+1)/2)u + Ti. Everybody reads every turn before its own last one. Also its own,
  which stood behind the instruction when it was written, and the others' only once, though each asked more often.
- `mmrole`: Iv + Ap + (AT - A(A+3)/2)u + (T-1)u + Ti. The last words are read in the instruction, and again in the
  history. Only the pictures are shared, so p holds scene and partners.
- `compact`: A(p + Iv) + (AT - A(A+1)/2 - (T-A))u. Nothing is shared; but neither the last words nor one's own reply are
  moved, so that both lie where they are wanted next.
- `cast-first`: Iv + s + Aq + (T-1)u + Ti. One text for all, and each turn is read once.
- `script`: Iv + s + Aq + Th. The reply goes on where it stays.

After performance theory B3 of the design, which has (A-1)Tu for images-first: there, one's own replies lie where they
are wanted. Blocks add up to BLOCK - 1 tokens to each request.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from agents.player import PERSON, turns_of
from agents.prompts.layout import Layout
from agents.prompts.layouts import LAYOUTS, privacy_breaks
from sandbox.engines.form import instance, read_form
from sandbox.engines.word_blocks import WordBlocks
from sandbox.models import learned_compact
from sandbox.play import play
from sandbox.purpose import INTERVIEW, purpose_of
from scenes.chat import Completion, Request, Segment, Stability
from scenes.loading import Source
from scenes.matrix import with_values
from scenes.scenario import LayoutName, Range, Scenario
from scenes.scene import Scene, Setting

BLOCK = 16
"""Tokens whose state is kept together; vLLM's on a GPU."""
PICTURE_TOKENS = 1_024
"""Of one picture: about a megapixel to models of the Qwen2-VL kind."""
LINE_WORDS = 25
"""Of a reply, where `max_tokens` does not make it shorter."""
MOST_REPLIES = 100
"""Played; a longer scene goes on as it has become by then."""
TIE = 1.01
"""What costs no more than this times the least is as cheap."""
AT_THE_END: tuple[Stability, ...] = ("now", "instruction")
"""What ends every prompt, and gives way to what has come since; any other class should have stayed where it was."""
NARRATOR_KEY = "narrator"
UNREADABLE = "…"
"""What the narrator decides: nothing, so that the scene goes on in order."""


@dataclass(frozen=True, slots=True)
class Break:
    """Where prompts ceased to go on from the one before, though text behind that place stayed the same."""

    times: int
    tokens: int
    """Read before, and computed again."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a layout costs in one episode, in words for tokens. What the narrator reads is the same in all."""

    turns: int
    prompt_tokens: int
    """Of all requests to the cast and to a player that is a model."""
    computed: int
    """Those of them that the cache did not hold."""
    first: int
    """Those computed before the second turn."""
    breaks: Mapping[Stability, Break]
    """By the class of the segment that gave way."""

    @property
    def per_turn(self) -> float:
        """Tokens computed in a turn on average, the first included."""
        return self.computed / max(1, self.turns)

    @property
    def later(self) -> float:
        """Tokens computed in each turn after the first, on average."""
        return (self.computed - self.first) / max(1, self.turns - 1)

    @property
    def cached(self) -> float:
        """The share of the prompt tokens that came from the cache."""
        return 1 - self.computed / self.prompt_tokens if self.prompt_tokens else 0.0


@dataclass
class Replay:
    """An endless cache of blocks, through which the requests of one episode go."""

    layout: Layout
    block: int
    prompt_tokens: int = 0
    computed: dict[int, int] = field(default_factory=Counter)
    """By turn."""
    times: dict[Stability, int] = field(default_factory=Counter)
    tokens: dict[Stability, int] = field(default_factory=Counter)
    _held: dict[str, set[bytes]] = field(default_factory=dict)
    """The blocks that each model holds."""
    _before: dict[str, list[Segment]] = field(default_factory=dict)
    """What each asker was last asked; in a shared layout all are one."""

    def __post_init__(self) -> None:
        self._blocks = WordBlocks(self.block, PICTURE_TOKENS)

    def ask(self, asker: str, turn: int, request: Request, reply: str) -> None:
        """Let the cache read a request, and keep it and its `reply`."""
        held = self._held.get(request.model) or self._held.setdefault(request.model, self._rules(request))
        prompt = self._blocks.of(request.prompt)
        hashes = prompt.all_hashes()
        hits = next((at for at, block in enumerate(hashes) if block not in held), len(hashes))
        held.update(hashes)
        held.update(self._blocks.then(prompt, reply.split()).hashes)
        self.prompt_tokens += prompt.length
        # An engine computes the last token of a prompt in any case, and with it its block.
        self.computed[turn] += prompt.length - self.block * min(hits, (prompt.length - 1) // self.block)
        self._note_break("" if self.layout.shared else asker, request.prompt.segments())

    def _rules(self, request: Request) -> set[bytes]:
        """Return the blocks of the rules, which every episode of a run begins with."""
        rules = (node for node in request.prompt.nodes() if node.segment and node.segment.stability == "global")
        return {block for node in rules for block in self._blocks.of(node).all_hashes()}

    def _note_break(self, asker: str, new: list[Segment]) -> None:
        old = self._before.get(asker, [])
        self._before[asker] = new
        pairs = zip(old, new, strict=False)
        same = next((at for at, (was, now) in enumerate(pairs) if was != now), min(len(old), len(new)))
        known = set(old[same:])
        again = sum(self._blocks.size(segment) for segment in new[same:] if segment in known)
        if again:
            self.times[old[same].stability] += 1
            self.tokens[old[same].stability] += again


def cost(setting: Setting, layout: Layout, block: int = BLOCK) -> Cost:
    """Return what `layout` costs in an episode of `setting`, where state is kept in blocks of so many tokens."""
    scenario = setting.scenario
    at_once = len(scenario.cast) if scenario.turn_policy == "simultaneous" else 1
    turns = min(turns_of(scenario), max(2, MOST_REPLIES // at_once))
    shortened = scenario.model_copy(update={"turns": turns})
    scene, replay = Scene(replace(setting, scenario=shortened), seed=0), Replay(layout, block)

    async def call(key: str, request: Request) -> Completion:
        reply = _reply(key, request)
        if request.model != PERSON and _asker(key) != NARRATOR_KEY:
            turn = scene.turn + (purpose_of(key) == INTERVIEW)
            replay.ask(_asker(key), turn, request, reply)
        return Completion(text=reply)

    asyncio.run(play(scene, layout, call, lambda events: None))
    first = sum(tokens for turn, tokens in replay.computed.items() if turn <= 1)
    breaks = {stability: Break(times, replay.tokens[stability]) for stability, times in replay.times.items()}
    return Cost(max(1, scene.turn), replay.prompt_tokens, sum(replay.computed.values()), first, breaks)


def _asker(key: str) -> str:
    """Return who is asked under `key`, as keys name it."""
    return key.split("/")[2 if purpose_of(key) == INTERVIEW else 1]


def _reply(key: str, request: Request) -> str:
    """Return a line that nobody else says, or a form filled in."""
    if request.form is not None:
        narrated = _asker(key) == NARRATOR_KEY
        return UNREADABLE if narrated else json.dumps(instance(read_form(request.form), Random(0)))
    words = min(LINE_WORDS, request.sampling.max_tokens)
    said = key.replace("/", "-")
    return " ".join(f"{said}-{at}" for at in range(words))


def unsuited(name: LayoutName, settings: Sequence[Setting]) -> str | None:
    """Return why `auto` does not take a layout for what is played in `settings`, the ways that a run has; None if not.

    One that a scenario names is taken whatever is said here, but for what it would give away.
    """
    lost = next((reason for setting in settings for reason in _losses(name, setting)), None)
    is_embedded = learned_compact(settings[0].scenario.model)
    if lost or is_embedded == (name == "compact"):
        return lost or (None if name != "mmrole" else "for models trained on MMRole; name it for one")
    return "the embedded model is trained on compact" if is_embedded else "for the embedded model, trained on it"


def _losses(name: LayoutName, setting: Setting) -> Iterator[str]:
    """Yield what of a setting a layout would give away, or could not tell."""
    yield from (message for _, message in privacy_breaks(LAYOUTS[name], setting))
    scenario = setting.scenario
    if LAYOUTS[name].shared and scenario.language.split("-")[0] == "zh":
        yield "its own words are in English only"
    if name == "script" and _tells_how_all_are(scenario):
        yield "it cannot tell where and how anybody is"
    if name == "script" and scenario.model.startswith(("http://", "https://")):
        yield "not every endpoint goes on in the middle of a message"


def _tells_how_all_are(scenario: Scenario) -> bool:
    return scenario.kind == "story" or any(one.place or one.position or one.state for one in scenario.cast)


def priced(setting: Setting) -> dict[LayoutName, Cost]:
    """Return what each layout costs that gives nothing of `setting` away."""
    kept = (layout for layout in LAYOUTS.values() if not privacy_breaks(layout, setting))
    return {layout.name: cost(setting, layout) for layout in kept}


def cheapest(settings: Sequence[Setting]) -> LayoutName:
    """Return the layout that costs least in the first of `settings` among those that suit all; of equals the first."""
    suited: list[LayoutName] = [name for name in PREFERRED if unsuited(name, settings) is None]
    if len(suited) == 1:
        return suited[0]
    costs = {name: cost(settings[0], LAYOUTS[name]).computed for name in suited}
    return next(name for name in suited if costs[name] <= TIE * min(costs.values()))


PREFERRED: tuple[LayoutName, ...] = ("images-first", "compact", "mmrole", "cast-first", "script")
"""All layouts; of two that cost the same the earlier is taken."""


def settled(source: Source) -> Source:
    """Return `source` with the layout of its run in the place of `auto`.

    One is taken for all its variants, so that they can be compared. Where the model or the layout is varied, each
    variant keeps to `sandbox.models.layout_of`.
    """
    if source.scenario.layout != "auto" or {"model", "layout"} & source.scenario.vary.keys():
        return source
    layout = cheapest(settings_of(source))
    scenario = source.scenario.model_copy(update={"layout": layout})
    return replace(source, data=with_values(source.data, {"layout": layout}), scenario=scenario)


def settings_of(source: Source) -> list[Setting]:
    """Return what is played in the first variant of `source`, and with every further value of an axis by itself.

    Pictures and ranges of numbers are left out: they change nothing of what a layout may tell.
    """
    first = source.matrix.values(0)
    variants = [source.variant(0)]
    for path, axis in source.scenario.vary.items():
        if not isinstance(axis, Range) and not path.startswith("images."):
            variants += (source.variant_with({**first, path: value}) for value in axis[1:])
    return [source.setting(variant, lambda picture, facts: None) for variant in variants]
