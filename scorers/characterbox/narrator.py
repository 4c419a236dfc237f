"""The scorer `characterbox-narrator`: Grice's four maxims, from 1 to 5, for each call of the narrator.

What the narrator was given is the very prompt of that call, so a narration is true if it is true to that prompt.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import ClassVar

from scenes.chat import Call, Prompt, Segment, message_text, messages, together
from scenes.event import NARRATOR as NAME
from scenes.event import Event
from scenes.scenario import Scenario
from scorers.base import Case, Metric, Score, Scorer
from scorers.characterbox import prompt as words
from scorers.characterbox.asking import Judge, Judged, judge_of
from scorers.characterbox.metrics import NARRATOR, Criterion, mean_of, metrics_of

_MEAN = "The mean of the four scores of a call in which the narrator"
KINDS = {
    "open": mean_of("opening", f"{_MEAN} opens the scene"),
    "judge": mean_of(
        "influence",
        f"{_MEAN} says whom a deed touches and how those concerned are then, in CharacterBox two calls: action "
        "influence, and update of a character",
    ),
    "narrate": mean_of("result", f"{_MEAN} tells what comes of a deed (CharacterBox's result)"),
    "update": mean_of("scene_update", f"{_MEAN} says what of the scene itself is otherwise"),
    "switch": mean_of("switch", f"{_MEAN} takes the scene elsewhere or later"),
}
"""The kinds of calls that are judged, by what stands in their keys. What it decides unseen is none of them."""


class CharacterBoxNarrator(Scorer):
    """Asks a judge how good each call of the narrator is; only calls of which something came are known."""

    name: ClassVar[str] = "characterbox-narrator"
    metrics: ClassVar[tuple[Metric, ...]] = (*metrics_of(NARRATOR, "a call of the narrator"), *KINDS.values())

    judge: str | None = None
    """Who judges; None is the scenario's own model."""

    def models(self, scenario: Scenario) -> Iterable[str]:
        """Return the judge."""
        return (self.judge or scenario.model,)

    async def score(self, case: Case, call: Call) -> list[Score]:
        """Return five scores of each call, in order: the four, and their mean under the name of its kind."""
        calls = list(_narrated(case))
        if not calls:
            return list(Judged.without(NARRATOR, "the narrator was not asked").scores(NARRATOR, character=NAME))
        judge = judge_of(case, call, self.judge)
        judged = await together(*(_judged(case, key, judge) for key, _ in calls))
        return [score for told, of_it in zip(calls, judged, strict=True) for score in _scores(*told, of_it)]


def _narrated(case: Case) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the keys of the narrator's calls, each with the indexes of what came of it."""
    told = (event for event in case.trajectory.events if event.actor == NAME and _kind(event.call or "") in KINDS)
    calls: dict[str, list[int]] = {}
    for key, events in groupby(told, _call):
        calls.setdefault(key, []).extend(event.index for event in events)
    yield from ((key, tuple(indexes)) for key, indexes in calls.items())


def _call(event: Event) -> str:
    return event.call or ""


def _kind(key: str) -> str:
    """Return what a key such as `t03/narrator/judge-brack/again1` asks for: `judge`."""
    parts = key.split("/")
    return parts[2].partition("-")[0] if len(parts) > 2 and parts[1] == "narrator" else ""


async def _judged(case: Case, key: str, judge: Judge) -> Judged:
    given = "\n".join(
        message_text(message, lambda image: "(a picture)") for message in messages(case.asked(key).prompt.segments())
    )
    shown = Prompt().then(
        words.rules(judge.is_chinese),
        words.part("given", quoted(given), judge.is_chinese, "scene"),
        words.part("answer", quoted(case.answered(key).text), judge.is_chinese, "now"),
    )
    return await judge.scored(f"{key}/scores", shown, NARRATOR, without_critique)


def without_critique(criteria: Sequence[Criterion], is_chinese: bool, mark: str) -> Segment:
    """Return what asks for scores where there is no critique."""
    return words.in_json(criteria, is_chinese, mark, with_critique=False)


def quoted(text: str) -> str:
    """Return `text` with `>` before each line, so that none of them can pass for a line of the prompt or of a judge."""
    return "\n".join(f"> {line}" for line in text.splitlines()) or "> -"


def _scores(key: str, events: tuple[int, ...], judged: Judged) -> Iterator[Score]:
    kind = KINDS[_kind(key)].name
    yield from judged.scores(NARRATOR, kind, character=NAME, events=events)
    yield judged.mean(kind, NARRATOR, character=NAME, events=events)
