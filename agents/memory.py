"""What a character remembers of the turns that have fallen out of its prompt, and which of them matter now.

No model rates a memory and none embeds it: how important it is follows from what happened in it, and how relevant from
the words that it shares with the present. So remembering costs no call, and the same story remembers the same.
"""

import re
import sqlite3
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from heapq import nlargest
from itertools import accumulate, pairwise

from scenes.event import Event
from scenes.names import folded, names_in, names_of
from scenes.profile import CharacterProfile
from scenes.scene import PastTurn

RECENCY, IMPORTANCE, RELEVANCE = 0.5, 2.0, 3.0
"""The weights of the three scores. Generative Agents' paper has 1 for each; these are those of its published code
(`retrieve.py`, `gw`). With equal weights the newest memories crowd out an old one that answers the question."""
DECAY = 0.995
"""What is left of recency from one turn to the next; theirs, where it is per hour of the story."""
LOOKED_UP = 32
"""How many tokens of a cue are looked up at most, the rarest."""
READ = 256
"""In how many memories they may be, all together; so a recall costs the same however long the story is."""

_UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    r"\u3005-\u3007\u3040-\u30ff"  # Japanese kana
    r"\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese characters
    r"\uac00-\ud7af"  # Korean
)
"""Scripts that do not part words by spaces, or, as Korean, put particles behind them without one."""
_MARKS = r"\u0300-\u036f\u0900-\u0963\u0966-\u0dff"
"""Accents that stand alone, and the scripts of India: to `re` their vowel signs are no letters."""
_TOKEN = re.compile(rf"([{_UNSPACED}]+)|(?:[^\W_{_UNSPACED}]|[{_MARKS}])+")


class Memory:
    """The forgotten turns of one character, each as its view held it."""

    def __init__(self, me: CharacterProfile) -> None:
        self._me = me
        self._kept: list[tuple[PastTurn, float]] = []
        """Every memory with its importance, oldest first."""
        self._alike: dict[float, list[int]] = {}
        """The places of the memories of each importance, oldest first."""
        self._spread: Counter[str] = Counter()
        """In how many memories each token is."""
        self._index: sqlite3.Connection | None = None

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, turn: PastTurn) -> None:
        """Remember `turn`, which comes after all that are kept."""
        at, weight = len(self._kept), importance(turn, self._me)
        self._kept.append((turn, weight))
        self._alike.setdefault(weight, []).append(at)
        tokens = list(_tokens("\n".join((turn.actor, *(event.text for event in turn.events)))))
        self._spread.update(dict.fromkeys(tokens, 1))
        index = self._index or self._opened()
        index.execute("INSERT INTO memory (rowid, tokens) VALUES (?, ?)", (at, " ".join(tokens)))

    def recall(self, cue: str, now: int, count: int) -> list[PastTurn]:
        """Return the `count` memories that matter most in turn `now`, where the talk is of `cue`, oldest first.

        The score is that of Generative Agents (Park et al. 2023, arXiv 2304.03442, section 4.1): recency + importance
        + relevance, each from 0 to 1 and with the weight that it has in their code. Recency is `DECAY` to the power of
        the turns since it happened (theirs: since it was last recalled; here recalling changes nothing). Relevance is
        BM25 over that of the best match (theirs: cosine similarity, scaled from its lowest to its highest).
        """
        if count < 1:
            return []
        relevance = self._relevance(cue)
        # Of memories that are alike in importance and not relevant, only the newest can be among the best.
        newest = (at for places in self._alike.values() for at in places[-count:])
        best = nlargest(count, {*relevance, *newest}, key=lambda at: (self._score(at, now, relevance.get(at, 0.0)), at))
        return [self._kept[at][0] for at in sorted(best)]

    def _score(self, at: int, now: int, relevance: float) -> float:
        turn, weight = self._kept[at]
        recency = DECAY ** max(0, now - turn.turn)
        # Rounded, since the last bits of a float are not the same on every machine.
        return round(RECENCY * recency + IMPORTANCE * weight + RELEVANCE * relevance, 6)

    def _relevance(self, cue: str) -> dict[int, float]:
        """Return the BM25 of every memory that shares a telling token with `cue`, as a share of the highest."""
        asked = self._telling(cue)
        if not asked or self._index is None:
            return {}
        match = " OR ".join(f'"{token}"' for token in asked)
        # SQLite's bm25() is smaller the better a row matches, and below 0.
        rows = self._index.execute("SELECT rowid, -bm25(memory) FROM memory WHERE memory MATCH ?", (match,)).fetchall()
        highest = max(bm25 for _, bm25 in rows)
        return {at: bm25 / highest for at, bm25 in rows}

    def _telling(self, cue: str) -> list[str]:
        """Return the tokens of `cue` that tell memories apart, rarest first, as many as are worth their cost."""
        some = (token for token in dict.fromkeys(_tokens(cue)) if 0 < self._spread[token] <= len(self) / 2)
        rarest = sorted(some, key=self._spread.__getitem__)[:LOOKED_UP]
        read = accumulate(map(self._spread.__getitem__, rarest))
        return [token for token, rows in zip(rarest, read, strict=True) if rows <= READ]

    def _opened(self) -> sqlite3.Connection:
        # Closed when the memory is let go, which may be by the garbage collector, and that runs in any thread.
        self._index = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._index.close)
        # An index without the texts. This tokenizer parts at blanks, and takes all that is not ASCII for letters.
        self._index.execute("CREATE VIRTUAL TABLE memory USING fts5(tokens, content='', tokenize='ascii')")
        return self._index


def _tokens(text: str) -> Iterator[str]:
    """Yield the words of `text`, folded; in a script without spaces every two characters that stand side by side."""
    for found in _TOKEN.finditer(folded(text)):
        run = found[1]
        if run is None or len(run) == 1:
            yield found[0]
        else:
            yield from map("".join, pairwise(run))


def importance(turn: PastTurn, me: CharacterProfile) -> float:
    """Return how much `turn` matters to `me` whatever the talk is of, from 0 to 1: the sum of its `SIGNS`, at most 1.

    A sign counts once in a turn. Generative Agents ask a model for this (section 4.1), which costs a call for each.
    """
    shown = (tenths for sign, tenths in SIGNS.items() if any(sign(event, me) for event in turn.events))
    return min(10, sum(shown)) / 10


def _is_for_me(event: Event, me: CharacterProfile) -> bool:
    return me.name in event.to or (bool(event.to) and event.actor == me.name)


def _befalls_me(event: Event, me: CharacterProfile) -> bool:
    return _changed(event) == me.name != event.actor


def _names_me(event: Event, me: CharacterProfile) -> bool:
    return event.actor != me.name and bool(names_in(folded(event.text), map(folded, names_of([me]))))


def _is_mine(event: Event, me: CharacterProfile) -> bool:
    return event.actor == me.name and (event.kind in ("action", "thought") or _changed(event) == me.name)


def _shows_a_picture(event: Event, me: CharacterProfile) -> bool:
    return event.image is not None


def _changes_the_scene(event: Event, me: CharacterProfile) -> bool:
    return _changed(event) not in (None, me.name)


def _asks(event: Event, me: CharacterProfile) -> bool:
    return event.kind == "speech" and any(mark in event.text for mark in "?？؟")


def _changed(event: Event) -> str | None:
    """Return what an event changed for all to see: somebody, or the scene, which has no name; None if nothing."""
    return (event.change.who or "") if event.change and not event.change.is_private() else None


SIGNS: Mapping[Callable[[Event, CharacterProfile], bool], int] = {
    _is_for_me: 4,  # whispered by the character or to it, or a deed that touches it
    _befalls_me: 4,  # somebody else changes how or where the character is
    _names_me: 3,  # somebody else speaks of it, or does something to it
    _is_mine: 2,  # it does, thinks or becomes something; its words alone do not count
    _shows_a_picture: 2,
    _changes_the_scene: 1,  # or somebody else in it
    _asks: 1,
}
"""What makes a turn worth remembering, and by how many tenths; one that shows none of it has importance 0."""
