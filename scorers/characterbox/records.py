"""Verdicts as training data of a judge, in the shape of CharacterBox's records for CharacterRM (Alpaca style).

Two things that are wrong in the published records are right here: `language` is the language of the record, and
`criteria` names all seven metrics, not the last of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scenes.chat import Prompt, Segment, message_text, messages
from scorers.base import Case
from scorers.characterbox.character import ROUNDS, single
from scorers.characterbox.material import is_chinese, steps_of
from scorers.characterbox.metrics import CHARACTER, LEAST, MOST, Criterion
from scorers.characterbox.prompt import in_lines


def one_call_prompt(case: Case, index: int, rounds: int = ROUNDS) -> Prompt:
    """Return what the one-call form asks about the member of the cast at `index`, in whatever form it was judged.

    So CharacterRM was trained: to say at once what a larger judge said after a critique. Nothing is asked of it but the
    scores, no mark either.
    """
    profile, language = case.variant.profiles[index], case.variant.scenario.language
    steps = [step for step in steps_of(case, profile.name) if step.round <= rounds]
    return single(case, index, steps).then(in_lines(CHARACTER, is_chinese(language), mark=""))


def character_rm_record(
    prompt: Iterable[Segment],
    scores: Mapping[str, float],
    *,
    language: str,
    title: str,
    narrator: str,
    model: str,
) -> dict[str, Any]:
    """Return the record of one verdict on a character: `scores` by metric, as they answer the one-call `prompt`.

    `narrator` and `model` are the models that narrated and that played. Raises `ValueError` where a score is missing or
    is none from 1 to 5, or where the prompt is more than one message of words, which that of `one_call_prompt` is.
    """
    asked = messages(prompt)
    if len(asked) != 1 or any(segment.image for segment in asked[0].parts):
        raise ValueError("a record holds one message of words; take the prompt of `one_call_prompt`")
    return {
        "language": language,
        "title": title,
        "narrator": narrator,
        "model": model,
        "criteria": ", ".join(criterion.label for criterion in CHARACTER),
        "instruction": message_text(asked[0], str),
        "input": "",
        "output": score_lines(scores),
        "history": [],
    }


def score_lines(scores: Mapping[str, float], criteria: Sequence[Criterion] = CHARACTER) -> str:
    """Return the lines `Metric: n` in the published order. Raises `ValueError` where one is missing or off scale."""
    for criterion in criteria:
        if not LEAST <= scores.get(criterion.name, 0) <= MOST:
            raise ValueError(f"no score from {LEAST} to {MOST} for {criterion.label}; leave this verdict out")
    return "\n".join(f"{criterion.label}: {scores[criterion.name]:g}" for criterion in criteria)
