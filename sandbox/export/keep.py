"""Which lines are learned: those of which scorers said what is asked for, such as `grounding.true_share=1`."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import eq, ge, le
from pathlib import Path

from sandbox.record import Record
from scenes.clean import one_line
from scenes.problem import refuse
from scorers.base import Score

OPTION = "--keep"
NOT_KEPT = f"lines that {OPTION} leaves: there to be read, and not learned"
_RULE = re.compile(r"(?P<scorer>[^<>=]+?)(?:\.(?P<metric>\w+))?(?P<sign>>=|<=|=)(?P<value>-?\d+(?:\.\d+)?)")
_SIGNS: dict[str, Callable[[float, float], bool]] = {"=": eq, ">=": ge, "<=": le}

Keeps = Callable[[int, Sequence[int]], bool]
"""Whether the line that came of some events of an episode, by their indexes, is learned."""


@dataclass(frozen=True)
class Rule:
    """What scores must be."""

    scorer: str
    """Its name or identity."""
    metric: str | None
    """All of the scorer's without one."""
    sign: str
    value: float

    def allows(self, score: Score) -> bool:
        """Return whether a score is as it must be; one without a value is not."""
        return score.value is not None and _SIGNS[self.sign](score.value, self.value)


def rule(text: str) -> Rule:
    """Return the rule `SCORER.METRIC=VALUE`, or with `>=` or `<=`. Raises `InputRefused`."""
    found = _RULE.fullmatch(text.strip())
    if not found:
        raise refuse(f'"{one_line(text)}" is no rule; write it as grounding.true_share=1, or faults<=0.', OPTION)
    return Rule(found["scorer"], found["metric"], found["sign"], float(found["value"]))


def keeps(record: Record, rules: Sequence[Rule], folder: Path) -> Keeps:
    """Return what says of a run which of its lines are learned. Raises `InputRefused` if a rule's scorer judged none.

    A line is learned if every rule has a score of it, and allows all that it has.
    """
    by_rule = [(one, _scorer(record, one, folder)) for one in rules]
    last: dict[int, list[tuple[Rule, tuple[Score, ...]]]] = {}

    def keep(episode: int, events: Sequence[int]) -> bool:
        if episode not in last:
            last.clear()
            last[episode] = [(one, record.scores(scorer, episode)) for one, scorer in by_rule]
        return all(_allowed(one, scores, {*events}) for one, scores in last[episode])

    return keep


def _allowed(one: Rule, scores: Sequence[Score], events: set[int]) -> bool:
    of_line = [score for score in scores if events.intersection(score.events)]
    meant = [score for score in of_line if one.metric in (None, score.metric)]
    return bool(meant) and all(map(one.allows, meant))


def _scorer(record: Record, one: Rule, folder: Path) -> str:
    """Return the identity of a rule's scorer."""
    given = record.scorers()
    wanted = [row.id for row in given if one.scorer in (row.id, row.name)]
    if len(wanted) == 1:
        return wanted[0]
    if wanted:
        raise refuse(f"several scorers of that name judged the run: {', '.join(wanted)}; name one of them.", OPTION)
    mend = f"judge it: rolestage score {folder} --scorer {one_line(one.scorer)}"
    raise refuse(f"the run has no verdicts of {one_line(one.scorer)}; {mend}", str(folder))
