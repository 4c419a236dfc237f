"""One episode, as an ordinary coroutine: a pure function of the scenario, the seed and what its calls bring back."""

from collections.abc import Callable, Sequence

from agents.character import Character, Voice
from agents.player import PERSON, Player, player_of, turns_of
from agents.prompts.layout import Layout
from agents.reply import read_reply
from narrator.narrator import open_scene
from narrator.turn_policy import Policy, policy_of
from scenes.chance import chance
from scenes.chat import Call
from scenes.event import NARRATOR, Draft, Event
from scenes.references import named
from scenes.scene import Scene

Keep = Callable[[Sequence[Event]], None]
"""Takes the events of a turn that is over, to be stored together with the calls behind them."""


async def play(scene: Scene, layout: Layout, call: Call, keep: Keep) -> None:
    """Play `scene` to its end. Raises `CallFailed` when a call has no answer; the turns before it are kept."""
    cast = {name: Character(scene.view(name), _voice(scene, layout), scene.seed) for name in scene.names}
    player, policy = _player(scene, layout), policy_of(scene.setting.scenario)
    await _open(scene, layout, call, keep)
    for turn in range(1, turns_of(scene.setting.scenario) + 1):
        scene.turn = turn
        keep(await _turn(scene, cast, policy, player, call))


def _voice(scene: Scene, layout: Layout, model: str | None = None) -> Voice:
    scenario = scene.setting.scenario
    return Voice(model or scenario.model, layout, scenario.sampling)


def _player(scene: Scene, layout: Layout) -> Player | None:
    spec = scene.setting.scenario.player
    if spec is None:
        return None
    return player_of(scene, spec, _voice(scene, layout, PERSON if spec.person else spec.model))


async def _open(scene: Scene, layout: Layout, call: Call, keep: Keep) -> None:
    scenario, events = scene.setting.scenario, []
    if scenario.narrator:
        narration = await open_scene(scene, _voice(scene, layout, scenario.narrator.model), call)
        events += scene.add(NARRATOR, narration)
    for line in scenario.opening:
        for name, text in line.items():
            events += _say(scene, name, text)
    keep(events)


def _say(scene: Scene, name: str, text: str) -> list[Event]:
    """Let somebody say a line that the scenario gives."""
    index = named(name, scene.setting.profiles)
    if index is None:
        return scene.add(NARRATOR, [Draft(kind="narration", text=text)])
    return scene.add(
        scene.names[index], [Draft(kind=kind, text=words) for kind, words in read_reply(text, [name], []).parts]
    )


async def _turn(
    scene: Scene, cast: dict[str, Character], policy: Policy, player: Player | None, call: Call
) -> list[Event]:
    """Play one turn: pictures come into sight, the player asks if there is one, one of the cast replies."""
    events = _new_pictures(scene)
    spec = scene.setting.scenario.player
    if player and spec:
        events += scene.add(spec.name, await player(call, scene.turn))
    speaker = policy(scene, chance(scene.seed, f"t{scene.turn:02d}/policy"))
    key = f"t{scene.turn:02d}/{scene.keys[speaker]}/speak"
    return events + scene.add(speaker, await cast[speaker].speak(call, key))


def _new_pictures(scene: Scene) -> list[Event]:
    events: list[Event] = []
    for name, sights in zip(scene.names, scene.setting.sights, strict=True):
        for shown in sights:
            if shown.from_turn == scene.turn > 1:
                events += scene.show(name, shown)
    return events
