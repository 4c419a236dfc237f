"""The scorer `characterbox-scene`: five scores from 1 to 5 of the scene itself, as it was written and not as played."""

from collections.abc import Iterable
from typing import ClassVar

from scenes.chat import Call, CallFailed, Prompt
from scenes.scenario import Scenario
from scorers.base import Case, Metric, Score, Scorer
from scorers.characterbox import prompt as words
from scorers.characterbox.asking import Judged, judge_of
from scorers.characterbox.character import after_critique
from scorers.characterbox.material import written_scene
from scorers.characterbox.metrics import SCENE, metrics_of


class CharacterBoxScene(Scorer):
    """Asks a judge for a critique of the scene, and then for five scores."""

    name: ClassVar[str] = "characterbox-scene"
    metrics: ClassVar[tuple[Metric, ...]] = metrics_of(SCENE, "the scene of an episode, as written")

    judge: str | None = None
    """Who judges; None is the scenario's own model."""

    def models(self, scenario: Scenario) -> Iterable[str]:
        """Return the judge."""
        return (self.judge or scenario.model,)

    async def score(self, case: Case, call: Call) -> list[Score]:
        """Return five scores of the scene of an episode."""
        judge = judge_of(case, call, self.judge)
        scene = words.part("scene", written_scene(case), judge.is_chinese, "scene")
        shown = Prompt().then(words.rules(judge.is_chinese), scene)
        try:
            text = await judge.criticised("critique", shown, words.criticise("scene", judge.is_chinese))
        except CallFailed as error:
            return list(Judged.without(SCENE, f"no critique: {error}", "critique").scores(SCENE))
        judged = await judge.scored("scores", shown, SCENE, after_critique, text)
        return list(judged.resting_on("critique").scores(SCENE))
