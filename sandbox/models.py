"""What the name of a model stands for."""

from pathlib import Path

from agents.player import PERSON
from agents.prompts.layout import Layout
from agents.prompts.layouts import LAYOUTS
from sandbox.engines.openai_address import is_address, served
from scenes.clean import one_line
from scenes.problem import refuse
from scenes.scenario import LayoutName, Scenario

STORYBOOK = "storybook"
CHECKPOINT = Path(__file__).parent / "storybook" / "checkpoint"


def reference(name: str) -> str:
    """Return the folder, the Hugging Face id or the servers of the model called `name`. Raises `InputRefused`.

    Servers are named as `sandbox.engines.openai_address` says, such as `http://host:8000/v1#name`.
    """
    if is_address(name):
        served(name)
        return name
    if "+" in name:
        raise refuse(f'the model "{name}" has an adapter, which this version does not load; name the model alone.')
    if name.startswith(("/", ".", "~")) and not Path(name).expanduser().is_dir():
        raise refuse(f'there is no folder "{one_line(name)}"; name one with a checkpoint, or a Hugging Face id.')
    if name == STORYBOOK:
        return str(CHECKPOINT)
    return str(Path(name).expanduser()) if name.startswith("~") else name


def layout_of(scenario: Scenario) -> Layout:
    """Return the layout to play with: the embedded model was trained on `compact`, all others read a conversation."""
    suiting: LayoutName = "compact" if scenario.model == STORYBOOK else "images-first"
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
