"""How many requests a server is given at once, and when none: a state machine without a clock of its own.

It grows by one for as many answers as it is wide and halves when the server says that it has too much to do, as
congestion control does (Chiu and Jain 1989, Analysis of the Increase and Decrease Algorithms, section 3); then the
server rests. One that fails again and again is left out and tried with a single request after longer and longer rests:
what else a server says of its health is not to be trusted.
"""

from dataclasses import dataclass, field

FIRST_REST_S = 0.5
LONGEST_REST_S = 30.0
LONGEST_REST_WISHED_S = 300.0
"""A server that wants to be left alone for longer is asked all the same."""
FAILURES = 20
"""In a row, that show a server to be down."""


def pause(number: int, chance: float) -> float:
    """Return how many seconds to wait before trial `number` + 1; `chance` in 0 to 1 keeps trials apart."""
    return float(min(LONGEST_REST_S, FIRST_REST_S * 2 ** min(number, 10))) * (0.5 + chance / 2)


@dataclass(slots=True)
class Window:
    """One server's. Times are in seconds, of whatever clock the caller has."""

    most: int
    """Requests at once, however well it goes."""
    limit: float = field(init=False)
    busy: int = 0
    """Requests under way."""
    rests_until: float = float("-inf")
    down_since: float | None = None
    bursts: int = 0
    """How often it was narrowed. A request knows how often that was when it was sent, and speaks for that time only."""
    _failures: int = 0
    _rests: int = 0
    """In a row, without an answer between them."""

    def __post_init__(self) -> None:
        self.limit = float(self.most)

    def room(self, now: float) -> int:
        """Return how many requests may be sent now; one for a trial if the server was down."""
        if now < self.rests_until:
            return 0
        return (1 if self.down_since is not None else int(self.limit)) - self.busy

    def answered(self, burst: int) -> None:
        """Note an answer to a request sent in `burst`."""
        self.down_since = None
        self._failures = self._rests = 0
        if burst == self.bursts and self.limit < self.most:
            self.limit = min(float(self.most), self.limit + 1 / self.limit)

    def throttled(self, now: float, burst: int, wished: float | None, chance: float) -> None:
        """Note that the server has too much to do; it may have `wished` for so many seconds of rest."""
        if wished is not None:
            self._rest(now + min(wished, LONGEST_REST_WISHED_S))
        if burst != self.bursts:
            return  # it was sent before the last narrowing, which has answered it
        self.limit = max(1.0, min(self.limit, self.busy) / 2)
        self.bursts += 1
        if wished is None:
            self._rest(now + pause(self._rests, chance))
        self._rests += 1
        self._fail(now, at_once=False, chance=chance)

    def failed(self, now: float, gone: bool, chance: float) -> None:
        """Note a failure that is the server's own; `gone` if it cannot be reached or has lost its engine."""
        self._fail(now, gone, chance)

    def _fail(self, now: float, at_once: bool, chance: float) -> None:
        self._failures += 1
        if self.down_since is not None and now < self.rests_until:
            return  # one of those that were under way when it went down
        if at_once or self._failures >= FAILURES or self.down_since is not None:
            self.down_since = now if self.down_since is None else self.down_since
            self._rest(now + pause(self._rests, chance))
            self._rests += 1

    def _rest(self, until: float) -> None:
        self.rests_until = max(self.rests_until, until)
