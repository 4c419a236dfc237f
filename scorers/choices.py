"""Which answers were chosen among some that were offered: nobody's own words, which tell neither voice nor sight.

It is apart because several scorers leave them out, and must leave out the same.
"""

from scenes.event import Event
from scorers.base import Case


def is_chosen(event: Event, case: Case) -> bool:
    """Return whether an event is the answer to a question of the interview that came with choices."""
    what, _, rest = (event.call or "").partition("/")
    if what != "interview":
        return False
    asked, number = case.variant_at(event.turn).scenario.interview, int(rest.split("/")[0])
    return number <= len(asked) and asked[number - 1].choices is not None
