"""Scenarios for lessons, by lot: all kinds of scenes, casts, pictures, layouts and minds that the sandbox plays.

What the embedded model plays is `compact`, so most lessons are; the others come often enough to be followed.
Nothing of what is held out is in any of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from agents.prompts.layout import Layout
from agents.prompts.layouts import LAYOUTS
from sandbox.storybook.lessons.person import NAMES, false_remark, kinds_for_tastes, lines, true_remark
from sandbox.storybook.teacher.sight import Crop, Sight
from sandbox.storybook.voices.made_up import ADDRESSES, CATCHPHRASES, made_up
from scenes.profile import CharacterProfile
from scenes.scenario import CastMember, Scenario
from scenes.scene import Setting, Shown
from scenes.storybook.cast import shipped_profiles
from scenes.storybook.drawing import SEEDS, Drawing, sample

_LAYOUTS = {"compact": 92, "images-first": 4, "mmrole": 2, "cast-first": 2}
_KINDS = {"human-role": 50, "inter-role": 36, "comment": 4, "story": 10}
_SIZES = {2: 50, 3: 35, 4: 15}
_HALVES: dict[str, Crop] = {"left": (0.0, 0.5), "right": (0.5, 1.0)}
_PLACES = ("pier", "inn", "tower", "market", "cellar", "bridge", "yard", "attic", "station", "workshop")
_STATES = ("tired", "wide awake", "out of breath", "in high spirits", "hungry", "lost in thought", "a little cross")
_POSITIONS = ("on a bench", "by the door", "on a barrel", "under the lamp", "at the window", "on the steps")
_SECRETS = (
    "{me} has hidden {thing} and must not tell anybody.",
    "Nobody may know that {me} took the {kind}.",
    "{me} knows who painted the {kind}, and keeps it secret.",
    "{me} broke the {kind} and has told no one.",
    "{me} is planning a surprise with {thing}; nobody may hear of it.",
)


@dataclass(frozen=True)
class Planned:
    """A scene to be played."""

    setting: Setting
    layout: Layout
    seed: int
    sights: Mapping[str, Sight]
    """What is to be seen in each picture, by its id."""


def planned(rng: Random, held_out: bool = False) -> Planned:
    """Return the next scene of `rng`; a `held_out` one is for evaluation, with combinations that no lesson has."""
    drawing = sample(rng, held_out)
    kind = _chosen(_KINDS, rng)
    size = 1 if kind in ("human-role", "comment") else _chosen(_SIZES, rng)
    profiles = tuple(_profile(drawing, rng) for _ in range(size))
    if len({profile.name for profile in profiles}) < size:
        return planned(rng, held_out)
    return _Plan(rng, drawing, kind, profiles).made()


def _chosen(weights: Mapping[Any, int], rng: Random) -> Any:
    return rng.choices(list(weights), list(weights.values()))[0]


class _Plan:
    """A scene while it is planned."""

    def __init__(self, rng: Random, drawing: Drawing, kind: str, profiles: tuple[CharacterProfile, ...]) -> None:
        self._rng, self._drawing, self._kind, self._profiles = rng, drawing, kind, profiles
        self._id = f"{rng.randrange(1 << 48):012x}"
        self._sights = {f"{self._id}/first": Sight(drawing)}
        self._has_secret = rng.random() < 0.12
        layout = _chosen(_LAYOUTS, rng)
        self._layout = "compact" if layout == "cast-first" and self._has_secret else layout

    def made(self) -> Planned:
        """Return the scene."""
        sees = self._seen()
        scenario = Scenario.model_validate(self._scenario())
        gallery = {name: Shown(f"{self._id}/{name}") for name in scenario.images}
        setting = Setting(scenario, self._profiles, sees, gallery)
        layout = LAYOUTS[scenario.layout]  # type: ignore[index]
        return Planned(setting, layout, self._rng.randrange(SEEDS), self._sights)

    def _seen(self) -> tuple[tuple[Shown, ...], ...]:
        """Return what each sees: mostly the same picture, else one only half of it, or another that comes later."""
        sees: list[tuple[Shown, ...]] = [(Shown(f"{self._id}/first"),) for _ in self._profiles]
        chance, at = self._rng.random(), self._rng.randrange(len(sees))
        if self._layout == "cast-first":
            return tuple(sees)
        if chance < 0.08:
            half = self._rng.choice(list(_HALVES))
            sees[at] = (self._shown(half, Sight(self._drawing, _HALVES[half])),)
        elif chance < 0.14:
            sees[at] += (self._shown("second", Sight(sample(self._rng)), self._rng.randint(1, 3)),)
        return tuple(sees)

    def _shown(self, name: str, sight: Sight, from_turn: int = 1) -> Shown:
        self._sights[f"{self._id}/{name}"] = sight
        return Shown(f"{self._id}/{name}", from_turn=from_turn)

    def _scenario(self) -> dict[str, Any]:
        rng, drawing = self._rng, self._drawing.model_dump()
        names = ["first", *(["second"] if f"{self._id}/second" in self._sights else [])]
        images = {name: {"storybook": drawing} for name in names}
        scenario: dict[str, Any] = {
            "schema_version": 1, "title": "Lesson", "kind": self._kind, "images": images, "layout": self._layout,
            "cast": [self._member(profile) for profile in self._profiles], "turns": self._turns(),
        }  # fmt: skip
        if rng.random() < 0.05 and self._layout != "cast-first":
            scenario |= {"mind": "bdi"}
        return scenario | (self._asked() if self._kind in ("human-role", "comment") else self._among_themselves())

    def _member(self, profile: CharacterProfile) -> CastMember:
        rng = self._rng
        kept = self._secret(profile) if self._has_secret and rng.random() < 0.7 else None
        state = rng.choice(_STATES) if rng.random() < 0.12 else None
        position = rng.choice(_POSITIONS) if rng.random() < 0.1 else None
        return CastMember(character=profile, secret=kept, state=state, position=position)

    def _secret(self, profile: CharacterProfile) -> str:
        about = sample(self._rng) if self._rng.random() < 0.6 else self._drawing
        group = self._rng.choice(about.groups)
        return self._rng.choice(_SECRETS).format(
            me=profile.name, thing=f"the {group.colour} {group.kind}", kind=group.kind
        )

    def _turns(self) -> int:
        return self._rng.randint(10, 16) if self._rng.random() < 0.08 else self._rng.randint(5, 9)

    def _asked(self) -> dict[str, Any]:
        rng, me = self._rng, self._profiles[0]
        if self._kind == "comment":
            return {"player": {"questions": ("Comment on the picture.",) * rng.randint(1, 3)}}
        person = rng.choice(NAMES)
        asked = lines(self._drawing, rng, person, rng.choice((me.name, *me.aliases)), self._has_secret)
        return {"player": {"name": person, "questions": asked}}

    def _among_themselves(self) -> dict[str, Any]:
        rng, names = self._rng, [profile.name for profile in self._profiles]
        is_story = self._kind == "story"
        policy = rng.choice(
            ("narrator", "round_robin") if is_story else ("round_robin", "round_robin", "random", "mention")
        )
        told: dict[str, Any] = {"turn_policy": policy}
        if is_story or rng.random() < 0.12:
            told["narrator"] = {}
        if rng.random() < 0.35:
            told["opening"] = [{rng.choice(names): self._opening()}]
        if rng.random() < 0.06:
            told["interview"] = [self._interview()]
        return told

    def _opening(self) -> str:
        remark = false_remark if self._rng.random() < 0.55 else true_remark
        return remark(self._drawing, self._rng)

    def _interview(self) -> dict[str, Any]:
        free = ({"ask": "What do you see?"}, {"ask": "Who are you?"}, {"ask": "What is the weather like?"})
        chosen = ({"ask": "Whom do you trust?", "choices": "cast"}, {"ask": "Who spoke first?", "choices": "cast"})
        return dict(self._rng.choice((*free, *chosen)))


def _profile(drawing: Drawing, rng: Random) -> CharacterProfile:
    """Return one of the cast or somebody made up, mostly with tastes and words of its own, to be read and not known."""
    own = rng.choice(shipped_profiles()) if rng.random() < 0.55 else made_up(rng.randrange(SEEDS))
    if own.introduction and own.life_story and rng.random() < 0.35:
        return own
    liked, hated = kinds_for_tastes(drawing, rng)
    told = {
        "likes": (liked,), "hates": (hated,), "address": rng.choice(ADDRESSES),
        "catchphrases": (rng.choice(CATCHPHRASES),), "private": None,
    }  # fmt: skip
    kept = {"life_story": None, "relationships": None} if rng.random() < 0.7 else {}
    return own.model_copy(update=told | kept)
