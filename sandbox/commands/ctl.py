"""`rolestage ctl`: steer a run that another process plays."""

from pathlib import Path

from sandbox.control import Order, give
from sandbox.screen import Screen, print_json, safe
from scenes.problem import refuse


def steer(folder: Path, what: str, episode: int | None, as_json: bool) -> int:
    """Give an order to the run in `folder`, and print how it stands then. Raises `InputRefused`."""
    if (what == "cancel") != (episode is not None):
        raise refuse("to cancel, name an episode, and name none otherwise: rolestage ctl RUN cancel 3", "ctl")
    standing = give(folder, Order.model_validate({"do": what, "episode": episode}))
    if as_json:
        print_json(standing.model_dump(mode="json", exclude={"refused"}))
        return 0
    numbers = ", ".join(map(str, standing.under_way)) or "none"
    state = "paused" if standing.paused else "going on"
    Screen().print(safe(f"{state}; being played: {numbers}; waiting: {standing.waiting}"), soft_wrap=True)
    return 0
