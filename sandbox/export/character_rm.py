"""The format `characterrm`: verdicts of the scorer `characterbox` as training records of CharacterRM (Alpaca style).

A record is the one-call prompt about a character in an episode and seven lines of scores, whatever form the judge was
asked in: so CharacterRM was trained on what a larger judge said after a critique (CharacterBox, arXiv:2412.05631).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sandbox.export.row import CallOrigin, Kind, Played, Row
from sandbox.export.text import plain, words
from scenes.chat import Segment
from scenes.clean import one_line
from scenes.event import NARRATOR
from scorers.base import Case, Score
from scorers.characterbox.character import IDLE, ROUNDS
from scorers.characterbox.metrics import CHARACTER
from scorers.characterbox.reading import read
from scorers.characterbox.records import character_rm_record, one_call_prompt

NOT_ALL = "characters of whom not all seven scores could be read"
OFF_SCALE = "characters with a score that is not from 1 to 5"
_NAMES = {criterion.name for criterion in CHARACTER}


class AlpacaRecord(BaseModel):
    """A training record, with the keys of the release in their order."""

    model_config = ConfigDict(extra="forbid", strict=True)

    language: str = Field(min_length=2)
    title: str
    narrator: str
    model: str
    criteria: Literal[", ".join(criterion.label for criterion in CHARACTER)]  # type: ignore[valid-type]
    instruction: str = Field(pattern=r"(?s)^<Scene>\n.*\n<Character>\n.*\n<Actions>\n.*\n<Note>\n.*\n<Score>:$")
    input: Literal[""]
    output: str
    history: list[str] = Field(max_length=0)

    @model_validator(mode="after")
    def _reads_back(self) -> "AlpacaRecord":
        if read(self.output, CHARACTER).values.keys() != _NAMES or len(self.output.splitlines()) != len(_NAMES):
            raise ValueError("the output is not seven lines of scores")
        return self


class CharacterRm:
    """One record for each character and episode that was judged."""

    name: ClassVar[str] = "characterrm"
    scorer: ClassVar[str | None] = "characterbox"
    kind: ClassVar[Kind] = "json"
    schema: ClassVar[type[BaseModel]] = AlpacaRecord

    def rows(self, played: Played) -> Iterator[Row]:
        """Yield the records of an episode, one for each of its cast."""
        by_name: dict[str, list[Score]] = {}
        for score in played.scores():
            if score.metric in _NAMES and score.character:
                by_name.setdefault(score.character, []).append(score)
        names = [profile.name for profile in played.case.variant.profiles]
        for name, scores in by_name.items():
            why = _unfit(scores)
            if why:
                played.leave_out(why, 1)
            else:
                yield _row(played, names.index(name), scores)

    def told(self, body: Mapping[str, Any]) -> str:
        """Return what is asked and what is learned."""
        return f"<user> {body['instruction']}\n<assistant learned> {body['output']}"

    def places(self, body: Mapping[str, Any]) -> int:
        """Return 0: records hold no pictures."""
        return 0

    def texts(self, body: Mapping[str, Any]) -> Iterator[str]:
        """Yield every text."""
        yield from (body[key] for key in ("title", "narrator", "model", "instruction", "output"))


def _unfit(scores: Iterable[Score]) -> str | None:
    values = {score.metric: score.value for score in scores}
    known = [value for value in values.values() if value is not None]
    if not known and any(IDLE in (score.reason or "") for score in scores):
        return f"characters without a verdict: {one_line(IDLE)}"
    if len(known) < len(_NAMES):
        return NOT_ALL
    return None if all(1 <= value <= 5 for value in known) else OFF_SCALE


def _row(played: Played, index: int, scores: list[Score]) -> Row:
    case, scenario = played.case, played.case.variant.scenario
    asked = one_call_prompt(case, index, _rounds(played))
    body = character_rm_record(
        map(_safe, asked.segments()),
        {score.metric: score.value for score in scores if score.value is not None},
        language=scenario.language,
        title=plain(scenario.title),
        narrator=plain(case.model_of(NARRATOR)) if scenario.narrator else "",
        model=plain(case.model_of(case.variant.profiles[index].name)),
    )
    calls = dict.fromkeys(key for score in scores for key in score.calls)
    answers = played.record.judgements(case.trajectory.episode)
    prompts = [CallOrigin(key=key, prompt=answers[key].node.hex()) for key in calls if key in answers]
    origin = played.origin(case.variant.profiles[index].name, played.judge(), prompts)
    origin = origin.model_copy(update={"turns": _turns(case, scores)})
    learned = words(body["output"])
    return Row(body, (), origin, words(body["instruction"]) + learned, learned)


def _turns(case: Case, scores: Iterable[Score]) -> list[int]:
    judged = {index for score in scores for index in score.events}
    return sorted({event.turn for event in case.trajectory.events if event.index in judged})


def _rounds(played: Played) -> int:
    """Return how many rounds were judged, which is an option of the scorer."""
    facts = next(json.loads(row.facts) for row in played.record.scorers() if row.id in played.verdicts)
    return int(facts["options"].get("rounds", ROUNDS))


def _safe(segment: Segment) -> Segment:
    """Return a section with what others wrote in it made plain; headings and instructions are ours."""
    if segment.stability == "instruction":
        return segment
    heading, _, rest = segment.text.partition("\n")
    return replace(segment, text=f"{heading}\n{plain(rest)}")
