"""Training records of CharacterRM: the published keys in their order, and nothing that nobody judged."""

import json
from pathlib import Path

import pytest
from jsonschema import validate
from judging import case_of, verdicts

from scenes.chat import Completion, Request, Segment
from scorers.characterbox.character import CharacterBox
from scorers.characterbox.metrics import CHARACTER
from scorers.characterbox.reading import read
from scorers.characterbox.records import character_rm_record, one_call_prompt

TEXT = {"type": "string", "minLength": 1}
SCHEMA = {
    "type": "object",
    "properties": {
        "language": {"enum": ["en", "zh"]},
        "title": TEXT,
        "narrator": {"type": "string"},
        "model": TEXT,
        "criteria": TEXT,
        "instruction": {"type": "string", "pattern": "^<Scene>(.|\n)*<Score>:$"},
        "input": {"const": ""},
        "output": {"type": "string", "pattern": "^([A-Z][A-Za-z ]+: [1-5](\\.[0-9]+)?\n){6}[A-Z][A-Za-z ]+: [1-5]$"},
        "history": {"type": "array", "maxItems": 0},
    },
    "additionalProperties": False,
}
SCORES = {criterion.name: at % 5 + 1.0 for at, criterion in enumerate(CHARACTER)}
FACTS = {"title": "Two on the quay", "narrator": "storybook", "model": "storybook"}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_record_has_the_published_shape_and_its_output_reads_back(tmp_path: Path, language: str) -> None:
    case = case_of(tmp_path, language=language)
    record = character_rm_record(one_call_prompt(case, 1).segments(), SCORES, language=language, **FACTS)
    validate(json.loads(json.dumps(record)), SCHEMA | {"required": [*SCHEMA["properties"]]})
    assert [*record] == [*SCHEMA["properties"]]
    assert record["language"] == language
    assert record["criteria"].split(", ") == [criterion.label for criterion in CHARACTER]
    assert record["output"].splitlines()[0] == "Knowledge Accuracy: 1"
    assert read(record["output"], CHARACTER).values == SCORES
    sections = ["<Scene>", "<Character>", "<Actions>", "<Note>", "<Criteria>", "<Score>:"]
    assert [line for line in record["instruction"].splitlines() if line in sections] == sections


def test_a_record_asks_what_the_one_call_form_asks_and_no_round_more(tmp_path: Path) -> None:
    case, asked = case_of(tmp_path, turns=14), dict[str, Request]()

    async def call(key: str, request: Request) -> Completion:
        asked[key] = request
        return Completion(text="")

    verdicts(CharacterBox(form="single"), case, call)
    for index in (0, 1):
        assert one_call_prompt(case, index).id == asked[f"c{index:02d}/scores"].prompt.id
    assert one_call_prompt(case, 0, rounds=7).id != one_call_prompt(case, 0).id


@pytest.mark.parametrize("wrong", [{"immersion": 0.0}, {"immersion": 5.1}, {"immersion": None}])
def test_a_record_of_a_score_that_is_none_is_refused(wrong: dict[str, float | None]) -> None:
    scores = {name: value for name, value in (SCORES | wrong).items() if value is not None}
    with pytest.raises(ValueError, match="no score from 1 to 5 for Immersion"):
        character_rm_record([Segment("now", "user", "<Score>:")], scores, language="en", **FACTS)


@pytest.mark.parametrize(
    "prompt",
    [[], [Segment("global", "system", "Judge."), Segment("now", "user", "Well?")], [Segment("now", "user", image="x")]],
)
def test_a_prompt_that_is_more_than_one_message_of_words_is_refused(prompt: list[Segment]) -> None:
    with pytest.raises(ValueError, match="one message of words"):
        character_rm_record(prompt, SCORES, language="en", **FACTS)
