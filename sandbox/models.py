"""What the name of a model stands for."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agents.player import PERSON
from agents.prompts.layout import Layout
from agents.prompts.layouts import LAYOUTS
from sandbox.engines.adapter import read_adapter
from sandbox.engines.openai_address import is_address, served
from scenes.clean import one_line
from scenes.problem import refuse
from scenes.scenario import LayoutName, Scenario

STORYBOOK = "storybook"
TEACHER = "storybook-teacher"
"""No model, but the rules that the storybook model learns from: it knows the truth of every drawing."""
REWARD = "storybook+rm"
"""No model that plays, but a judge over the storybook model: how likely it finds an answer tells how good that is."""
CHECKPOINT = Path(__file__).parent / "storybook" / "checkpoint"
ADAPTERS = Path(__file__).parent / "storybook" / "adapters"


@dataclass(frozen=True)
class Model:
    """What one name stands for."""

    base: str
    """A folder with a checkpoint, a Hugging Face id, or servers."""
    adapter: str | None = None
    """A folder with what is added to the weights of `base`."""


def model_of(name: str) -> Model:
    """Return what the model called `name` is, `BASE+ADAPTER` where it has an adapter. Raises `InputRefused`.

    Servers are named as `sandbox.engines.openai_address` says, such as `http://host:8000/v1#name`. A folder may have a
    plus in its own name.
    """
    if is_address(name):
        served(name)
        return Model(name)
    if name == REWARD:
        return Model(_checkpoint(STORYBOOK))
    base, plus, adapter = name.partition("+")
    if not plus or Path(name).expanduser().is_dir():
        return Model(_checkpoint(name))
    if not base or not adapter:
        raise refuse(f'"{one_line(name)}" names half a model; write it as MODEL+FOLDER, the folder with an adapter.')
    return Model(_checkpoint(base), read_adapter(_adapter(base, adapter)).folder)


def reference(name: str) -> str:
    """Return the folder, the Hugging Face id or the servers of the model called `name`. Raises `InputRefused`."""
    return model_of(name).base


def by_base(names: Iterable[str]) -> dict[str, dict[str, str | None]]:
    """Return the models called `names`, those of one base together, each with its adapter. Raises `InputRefused`."""
    models: dict[str, dict[str, str | None]] = {}
    for name in sorted(names):
        model = model_of(name)
        models.setdefault(model.base, {})[name] = model.adapter
    return models


def _checkpoint(name: str) -> str:
    if name.startswith(("/", ".", "~")) and not Path(name).expanduser().is_dir():
        raise refuse(f'there is no folder "{one_line(name)}"; name one with a checkpoint, or a Hugging Face id.')
    if name == STORYBOOK:
        return str(CHECKPOINT)
    return str(Path(name).expanduser()) if name.startswith("~") else name


def _adapter(base: str, name: str) -> str:
    """Return the folder of an adapter; the embedded model may have some of its own, which go by their names."""
    own, folder = ADAPTERS / name, Path(name).expanduser()
    if base == STORYBOOK and Path(name).name == name and own.is_dir():
        return str(own)
    if not folder.is_dir():
        raise refuse(f'there is no folder "{one_line(name)}" with an adapter for {one_line(base)}; name one.')
    return str(folder)


def learned_compact(model: str) -> bool:
    """Return whether a model is the embedded one, with an adapter or without, or its teacher."""
    return model.partition("+")[0] in (STORYBOOK, TEACHER)


def layout_of(scenario: Scenario) -> Layout:
    """Return the layout to play with: the embedded model was trained on `compact`, all others read a conversation."""
    suiting: LayoutName = "compact" if learned_compact(scenario.model) else "images-first"
    return LAYOUTS[suiting if scenario.layout == "auto" else scenario.layout]


def most_pictures(scenario: Scenario) -> int:
    """Return the most pictures that one request of an episode may hold, and at least one.

    A narrator may have all of the scenario, and a character those it sees and those that the narrator shows.
    """
    shown = sum(image.reserve for image in scenario.images.values())
    own = [len(member.sees) + shown for member in scenario.cast if member.sees is not None]
    return max(1, len(scenario.images), *own)


def models_of(scenario: Scenario) -> list[str]:
    """Return the names of all models that an episode of `scenario` asks."""
    names = [scenario.model]
    if scenario.narrator and scenario.narrator.model:
        names.append(scenario.narrator.model)
    if scenario.player:
        names += [PERSON] if scenario.player.person else [scenario.player.model or scenario.model]
    return list(dict.fromkeys(names))
