"""What the narrator finds to come of a deed: whom it touches and how, and where and how those concerned are then."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, create_model

from agents.decision import Offered, Phrase, Sentence
from scenes.event import Change

NOBODY = "nobody"


class Touch(Offered):
    """One whom a deed reaches, and how."""

    who: str
    how: Sentence = ""


class Outcome(Offered):
    """Where and how one is after a deed: of `place`, `position` and `state` what its form asks for; None is as before.

    Each form has fields of its own, in the order in which a model is held to them.
    """

    who: str

    def change(self) -> Change:
        """Return the change of the world that this is; an empty word changes nothing."""
        return Change(**{name: value or None for name, value in self})


Named = TypeVar("Named", Touch, Outcome)


def first_of_each(judged: Iterable[Named]) -> list[Named]:
    """Return `judged` without what is said of anybody a second time."""
    kept: dict[str, Named] = {}
    for one in judged:
        kept.setdefault(one.who, one)
    return list(kept.values())


class Judgement(Offered):
    """Whom a deed touches, and how those concerned are then."""

    touched: tuple[Touch, ...] = ()
    after: tuple[Outcome, ...] = ()


class Touched(Offered):
    """The short form for small models: one name, or nobody."""

    touched: str


@lru_cache(maxsize=1_000)
def judgement_form(others: tuple[str, ...], concerned: tuple[str, ...], places: tuple[str, ...]) -> type[Judgement]:
    """Return the form for a deed that may reach `others`; `concerned` are these and who did it."""
    other: Any = Literal[others]
    one: Any = Literal[concerned]
    place: dict[str, Any] = {"place": (Literal[places] | None, None)} if places else {}
    touch = create_model("Touch", __base__=Touch, who=(other, ...), how=(Sentence, ...))
    how: dict[str, Any] = place | dict.fromkeys(("position", "state"), (Phrase | None, None))
    outcome = create_model("Outcome", __base__=Outcome, who=(one, ...), **how)
    touches: Any = Annotated[tuple[touch, ...], Field(max_length=3)]
    outcomes: Any = Annotated[tuple[outcome, ...], Field(max_length=4)]
    return create_model("Judgement", __base__=Judgement, touched=(touches, ...), after=(outcomes, ...))


@lru_cache(maxsize=1_000)
def touched_form(others: tuple[str, ...]) -> type[Touched]:
    """Return the short form for a deed that may reach `others`."""
    offered: Any = Literal[(*others, NOBODY)]
    return create_model("Touched", __base__=Touched, touched=(offered, ...))
