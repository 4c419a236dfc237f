"""The scorer `characterbox`: seven scores from 1 to 5 of each character of an episode (CharacterBox, evaluation).

Like the published judge it reads what a character perceived and did, round by round, and writes a critique before it
scores. Unlike it, what cannot be read is not asked for again in the same words, and is no reason to drop a character.
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from scenes.chat import Call, CallFailed, Prompt, Segment, together
from scenes.scenario import Scenario
from scorers.base import Case, Metric, Score, Scorer
from scorers.characterbox import prompt as words
from scorers.characterbox.asking import Judge, Judged, judge_of
from scorers.characterbox.material import Step, character_text, is_chinese, scene_text, steps_of, told_steps
from scorers.characterbox.metrics import CHARACTER, GROUPS, Criterion, mean_of, metrics_of

AVERAGE = mean_of("average", "The mean of the seven scores of a character")
ROUNDS = 5
"""Of an episode, that CharacterBox judges."""
IDLE = "it said and did nothing"


class CharacterBox(Scorer):
    """Asks a judge how each of the cast is played: seven metrics from 1 to 5, and their mean."""

    name: ClassVar[str] = "characterbox"
    metrics: ClassVar[tuple[Metric, ...]] = (
        *metrics_of(CHARACTER, "a character in an episode", GROUPS),
        AVERAGE,
    )

    judge: str | None = None
    """Who judges; None is the scenario's own model, which then judges itself."""
    form: Literal["critique", "single"] = "critique"
    """A critique and then the scores, or the one call on which CharacterRM was trained."""
    rounds: int = Field(default=ROUNDS, ge=1)
    """Rounds of an episode that are judged; later ones are cut, as published."""

    def models(self, scenario: Scenario) -> Iterable[str]:
        """Return the judge."""
        return (self.judge or scenario.model,)

    async def score(self, case: Case, call: Call) -> list[Score]:
        """Return eight scores of each of the cast, in its order; all are judged at once."""
        judge = judge_of(case, call, self.judge)
        judged = await together(*(self._scored(case, at, judge) for at in range(len(case.variant.profiles))))
        return [score for scores in judged for score in scores]

    async def _scored(self, case: Case, index: int, judge: Judge) -> list[Score]:
        name = case.variant.profiles[index].name
        done = steps_of(case, name)
        kept = [step for step in done if step.round <= self.rounds]
        judged = await self._judged(case, index, kept, judge) if kept else Judged.without(CHARACTER, IDLE)
        note, about = _cut(done, self.rounds), {"character": name, "events": _events(case, name, kept)}
        return [*judged.scores(CHARACTER, note, **about), judged.mean(AVERAGE.name, CHARACTER, note, **about)]

    async def _judged(self, case: Case, index: int, steps: Sequence[Step], judge: Judge) -> Judged:
        key, name = f"c{index:02d}", case.variant.profiles[index].name
        if self.form == "single":
            return await judge.scored(
                f"{key}/scores", single(case, index, steps), CHARACTER, words.in_lines, in_form=False
            )
        shown, critique = played(case, index, steps), f"{key}/critique"
        try:
            text = await judge.criticised(critique, shown, words.criticise("actions", judge.is_chinese, name))
        except CallFailed as error:
            return Judged.without(CHARACTER, f"no critique: {error}", critique)
        judged = await judge.scored(f"{key}/scores", shown, CHARACTER, after_critique, text)
        return judged.resting_on(critique)


def after_critique(criteria: Sequence[Criterion], is_chinese: bool, mark: str) -> Segment:
    """Return what asks for scores after a critique."""
    return words.in_json(criteria, is_chinese, mark, with_critique=True)


def played(case: Case, index: int, steps: Sequence[Step]) -> Prompt:
    """Return what a judge is shown of how one of the cast is played."""
    in_chinese = is_chinese(case.variant.scenario.language)
    return Prompt().then(
        words.rules(in_chinese),
        words.part("scene", scene_text(case), in_chinese, "scene"),
        words.part("character", character_text(case, index), in_chinese, "persona"),
        words.part("actions", told_steps(steps, with_rounds=True), in_chinese, "now"),
    )


def single(case: Case, index: int, steps: Sequence[Step]) -> Prompt:
    """Return the same in the sections of CharacterRM's one-call form."""
    parts: Iterable[Segment] = words.in_sections(
        scene_text(case), character_text(case, index), told_steps(steps, with_rounds=False)
    )
    return Prompt().then(*parts)


def _events(case: Case, name: str, steps: Sequence[Step]) -> tuple[int, ...]:
    """Return the indexes of what `name` did in `steps`."""
    calls = {step.call for step in steps}
    return tuple(event.index for event in case.trajectory.events if event.actor == name and event.call in calls)


def _cut(steps: Sequence[Step], rounds: int) -> str | None:
    last = max((step.round for step in steps), default=0)
    return f"judged up to round {rounds} of {last}" if last > rounds else None
