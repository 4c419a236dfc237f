"""The episodes of a run as scorers are given them."""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType

from sandbox.episode import Leg, legs_of
from sandbox.gallery import Gallery
from sandbox.record import Record, StoredCall
from sandbox.rows import EpisodeRow
from scenes.chat import Completion, Request
from scenes.loading import Source, Variant
from scorers.base import Case

VARIANTS = 256
"""How many are kept: episodes of one variant follow each other."""


@dataclass(frozen=True)
class _Calls:
    """The calls of an episode, read when one is asked for."""

    record: Record
    episode: int

    @cached_property
    def _by_key(self) -> Mapping[str, StoredCall]:
        return {call.key: call for call in self.record.calls(self.episode)}

    def asked(self, key: str) -> Request:
        return self._by_key[key].request

    def prompt(self, key: str) -> bytes:
        return self._by_key[key].request.prompt.id

    def answered(self, key: str) -> Completion:
        completion = self._by_key[key].completion
        if completion is None:
            raise KeyError(key)
        return completion


class Cases:
    """Reads the episodes of a run one at a time, from a record that may still grow."""

    def __init__(self, record: Record, source: Source, gallery: Gallery) -> None:
        self._record, self._source, self._gallery = record, source, gallery
        self._variant: Callable[[int], Variant] = lru_cache(VARIANTS)(source.variant)
        self._replies: Callable[[str], Mapping[bytes, str]] = lru_cache(None)(_replies)

    def case(self, episode: int) -> Case:
        """Return an episode that was begun. Raises `StoreDamaged`, and `InputRefused` if its variant cannot be."""
        state = self._record.state(episode)
        assert state is not None, "only what was begun is judged"
        calls, pictures = _Calls(self._record, episode), self._record.pictures(episode)
        for picture in pictures:  # the teacher may be asked about them
            self._gallery.know(picture.id, picture.facts)
        return Case(
            trajectory=self._record.trajectory(state),
            legs=tuple((leg.after, leg.variant) for leg in self._legs(state)),
            pictures=MappingProxyType({picture.id: picture.facts for picture in pictures}),
            sizes=MappingProxyType({picture.id: (picture.width, picture.height) for picture in pictures}),
            asked=calls.asked,
            answered=calls.answered,
            keep=self._gallery.add,
            beside=lambda folder, key: self._replies(folder).get(calls.prompt(key)),
        )

    def _legs(self, state: EpisodeRow) -> list[Leg]:
        if state.parent is None:
            return [Leg(self._variant(state.variant), state.seed)]
        return legs_of(self._source, state.id, self._record.branches())


def _replies(folder: str) -> Mapping[bytes, str]:
    """Return what another run replied, by the prompt; where it was asked one twice, the first time.

    Raises `InputRefused` and `StoreDamaged`.
    """
    with closing(Record(Path(folder))) as record:
        return record.replies()
