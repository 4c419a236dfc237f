"""`rolestage scores --confusion`: who was taken for whom by the scorer `voice`."""

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sandbox.record import Record
from sandbox.score_text import Column, print_table
from sandbox.screen import Screen, print_json, safe
from scenes.problem import refuse
from scorers.voice import Voice, confusion


def show_confusions(folders: Sequence[Path], as_json: bool) -> None:
    """Print, for every run, who was taken for whom. Raises `InputRefused`."""
    found = {str(folder): _confusion(folder) for folder in folders}
    if as_json:
        print_json(found)
        return
    screen = Screen()
    for run, taken in found.items():
        names = list(dict.fromkeys([*taken, *(name for counts in taken.values() for name in counts)]))
        columns = [Column("lines of"), *(Column(f"taken for {name}", number=True) for name in names)]
        screen.print(safe(run, "bold"), soft_wrap=True)
        print_table(screen, columns, [[name, *(str(taken[name][other]) for other in names)] for name in taken])


def _confusion(folder: Path) -> dict[str, Counter[str]]:
    with closing(Record(folder)) as record:
        judged = [scorer.id for scorer in record.scorers() if scorer.name == Voice.name]
        if not judged:
            raise refuse("nobody's voice was judged here; do it with: rolestage score RUN --scorer voice", str(folder))
        whole = max(judged, key=lambda scorer: len(record.judged(scorer)))  # a run that grew has several
        scores = [score for state in record.states() for score in record.scores(whole, state.id)]
    return confusion(scores)
