"""The names of models: with an adapter or without, and those of one base together."""

from pathlib import Path

import pytest
from lora import adapter

from sandbox.models import CHECKPOINT, Model, by_base, model_of, reference
from scenes.problem import InputRefused


def test_a_name_with_a_plus_is_a_model_and_the_folder_of_its_adapter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = adapter(tmp_path / "brack", seed=1)
    assert model_of(f"storybook+{folder}") == Model(str(CHECKPOINT), folder)
    monkeypatch.chdir(tmp_path)
    assert model_of("some/vlm+brack") == Model("some/vlm", "brack")
    assert reference("storybook+./brack") == str(CHECKPOINT)


def test_a_folder_may_have_a_plus_in_its_name(tmp_path: Path) -> None:
    (tmp_path / "a+b").mkdir()
    assert model_of(str(tmp_path / "a+b")) == Model(str(tmp_path / "a+b"))


def test_a_server_is_asked_for_its_own_adapters() -> None:
    assert model_of("http://localhost:8000/v1#vlm+brack") == Model("http://localhost:8000/v1#vlm+brack")


def test_models_of_one_base_stand_together(tmp_path: Path) -> None:
    one, two = adapter(tmp_path / "one", seed=1), adapter(tmp_path / "two", seed=2)
    names = ["storybook", f"storybook+{one}", f"storybook+{two}", "judge/vlm"]
    assert by_base(names) == {
        "judge/vlm": {"judge/vlm": None},
        str(CHECKPOINT): {"storybook": None, f"storybook+{one}": one, f"storybook+{two}": two},
    }


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("storybook+", "half a model"),
        ("+brack", "half a model"),
        ("storybook+nowhere", 'no folder "nowhere" with an adapter for storybook'),
        ("./nowhere+brack", r'no folder "\./nowhere"'),
        ("storybook+\x1b[2Jbrack", "no folder"),
    ],
)
def test_half_a_name_and_a_folder_that_is_missing_are_refused(name: str, said: str) -> None:
    with pytest.raises(InputRefused, match=said) as refusal:
        model_of(name)
    assert "\x1b" not in str(refusal.value)


def test_a_folder_without_an_adapter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=r"adapter_config\.json"):
        model_of(f"storybook+{tmp_path}")
