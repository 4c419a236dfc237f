"""RoleScape's two published characters, with photos and full profiles, played by the scripted engine and by vLLM."""

import asyncio
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from playing import last_words, played, written
from records import data_folder, rolescape_profile, rolescape_scenario

from sandbox.record import Record
from sandbox.replay import replay_all
from scenes.chat import Request
from scenes.image import open_picture
from scenes.image_file import read_picture
from scenes.loading import load

pytestmark = pytest.mark.data

NAMES = ["Butin", "Wukong"]
LAYOUTS = ["images-first", "mmrole"]


@pytest.fixture(scope="module", autouse=True)
def published() -> None:
    """Skip before anything is built for nothing."""
    data_folder("rolescape")


def requests_of(run: Path) -> dict[str, Request]:
    """Return every request of the first episode of a run by its key."""
    record = Record(run)
    try:
        return {call.key: call.request for call in record.calls(0)}
    finally:
        record.close()


@pytest.mark.parametrize("name", NAMES)
def test_every_published_photo_passes_the_intake(name: str) -> None:
    photos = sorted(data_folder("rolescape").glob(f"*/{name}/*.png"))
    assert len(photos) == 10
    pictures = [read_picture(photo.name, photo.parent, photo.parent) for photo in photos]
    assert {open_picture(picture).mode for picture in pictures} == {"RGB"}
    assert len({picture.id for picture in pictures}) == 10


@pytest.mark.parametrize("dialogue", range(7))
@pytest.mark.parametrize("name", NAMES)
def test_every_published_dialogue_is_a_scenario(name: str, dialogue: int, tmp_path: Path) -> None:
    source = load(written(tmp_path, **rolescape_scenario(name, tmp_path, dialogue)))
    setting = source.setting(source.variant(0), lambda picture, facts: None)
    assert setting.profiles[0].introduction == rolescape_profile(name)
    assert [shown.image for shown in setting.sights[0]] == [setting.gallery["photo"].image]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NAMES)
def test_a_character_plays_with_its_photo_and_its_whole_profile(name: str, layout: str, tmp_path: Path) -> None:
    scenario = rolescape_scenario(name, tmp_path / "scenario")
    run = played(tmp_path, last_words, **scenario, layout=layout)
    requests = requests_of(run)
    assert list(requests) == [f"t0{turn}/{name.lower()}/speak" for turn in (1, 2, 3)]
    for request, question in zip(requests.values(), scenario["player"]["questions"], strict=True):
        segments = request.prompt.segments()
        (photo,) = [segment.image for segment in segments if segment.image]
        assert (run / "images" / f"{photo}.png").is_file()
        assert any(rolescape_profile(name) in segment.text for segment in segments)
        assert any(question in segment.text for segment in segments)


@pytest.fixture(scope="module")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model of the embedded one's architecture with a longer context, and weights that mean nothing."""
    import torch
    from transformers import Idefics3Config, Idefics3ForConditionalGeneration

    embedded = Path(str(files("sandbox.storybook") / "checkpoint"))
    folder = tmp_path_factory.mktemp("random") / "model"
    shutil.copytree(embedded, folder, ignore=shutil.ignore_patterns("*.safetensors", "config.json"))
    config = Idefics3Config.from_pretrained(embedded)
    config.text_config.max_position_embeddings = 8_192
    torch.manual_seed(0)
    Idefics3ForConditionalGeneration(config).save_pretrained(folder)
    return folder


@pytest.mark.vllm
@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_character_plays_on_vllm_with_weights_that_mean_nothing(
    name: str, random_model: Path, tmp_path: Path
) -> None:
    """In a process of its own: to close one vLLM engine breaks others that live beside it."""
    scenario = rolescape_scenario(name, tmp_path / "scenario")
    varied = {"vary": {"layout": LAYOUTS}, "sampling": {"max_tokens": 16}, "model": str(random_model)}
    file = written(tmp_path / "scenario", **scenario, **varied)
    runs = tmp_path / "runs"
    command = [sys.executable, "-m", "sandbox", "run", str(file), "--engine", "vllm", "--out", str(runs), "--json"]
    subprocess.run(command, check=True, timeout=300)
    (run,) = runs.iterdir()
    replays = asyncio.run(replay_all(run))
    assert [(one.calls, one.difference) for one in replays] == [(3, None)] * len(LAYOUTS)
    for request in requests_of(run).values():
        assert [segment.stability for segment in request.prompt.segments() if segment.image] == ["images"]
