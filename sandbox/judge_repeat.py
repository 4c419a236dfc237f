"""Asking a judge again: the same scorer once more with other seeds, or in both orders, under an identity of its own.

A repeat is the scorer's own class with one more option, so its verdicts are kept apart from the first ones like those
of any other options, and a pass that was killed goes on where it was.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import create_model

from sandbox.judge_sources import REPEAT, options_of
from sandbox.rows import ScorerRow
from sandbox.score import ScoringSummary, ScoringTally, ready_to_judge, score_run
from sandbox.scorer_names import scorers_named, scorers_of
from sandbox.scoring import Chosen
from scenes.chance import seed_for
from scenes.chat import Call, Completion, Request
from scenes.clean import one_line
from scenes.problem import refuse
from scorers.base import Case, Scorer

TELL_EVERY_S = 5.0
BOTH_ORDERS = "both_orders"
"""The option of scorers that can show two answers in the other order too."""


def rebuilt(row: ScorerRow, named: Sequence[str], folder: Path) -> Chosen:
    """Return the scorer that a run keeps in `row`, fit to judge; one of the user's own as the command line names it.

    Raises `InputRefused`.
    """
    options = {name: value for name, value in options_of(row).items() if name != REPEAT}
    own = [one for one in scorers_named([name for name in named if ":" in name], []) if one.scorer.name == row.name]
    if own:
        made = type(own[0].scorer)(**options)
        return Chosen(made, own[0].code)
    if _is_own(row):
        mend = f"code is run only where you name it: --scorer FILE.py:{row.name}"
        raise refuse(f"{one_line(row.id)} is a scorer of your own, and {mend}.", str(folder))
    return scorers_of([{"scorer": row.name, **options}])[0]


def _is_own(row: ScorerRow) -> bool:
    return '"code"' in row.facts


def in_both_orders(chosen: Chosen) -> Chosen | None:
    """Return the scorer that judges in both orders; None if it has no such option."""
    if BOTH_ORDERS not in type(chosen.scorer).model_fields:
        return None
    return Chosen(_with(chosen.scorer, type(chosen.scorer), **{BOTH_ORDERS: True}), chosen.code)


def repeated(chosen: Chosen, nth: int) -> Chosen:
    """Return the scorer that asks all that `chosen` asks once more, with seeds of its own."""
    kind = type(chosen.scorer)

    def score(self: Scorer, case: Case, call: Call) -> Any:
        async def again(key: str, request: Request) -> Completion:
            return await call(key, replace(request, seed=seed_for(request.seed, f"repeat {nth}")))

        return kind.score(self, case, again)

    make: Callable[..., type[Scorer]] = create_model
    made = make(kind.__name__, __base__=kind, **{REPEAT: (int, 0)})
    made.score = score  # type: ignore[method-assign]
    return Chosen(_with(chosen.scorer, made, **{REPEAT: nth}), chosen.code)


def _with(scorer: Scorer, kind: type[Scorer], **changes: Any) -> Scorer:
    return kind(**(scorer.model_dump(exclude_defaults=True) | changes))


def asked_again(folder: Path, chosen: Sequence[Chosen], engine: str | None) -> ScoringSummary:
    """Have `chosen` judge what they have not judged of the run at `folder`, telling on the error stream how far it is.

    Raises what `sandbox.errors` lists.
    """
    with ready_to_judge(folder, chosen, engine) as plan:
        return asyncio.run(score_run(plan, _Lines()))


class _Lines:
    """Says now and then on the error stream how far it is."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def shown(self, tally: ScoringTally) -> None:
        if time.monotonic() - self._last > TELL_EVERY_S:
            self._last = time.monotonic()
            print(f"asked again: {tally.done} of {tally.planned} verdicts", file=sys.stderr, flush=True)
