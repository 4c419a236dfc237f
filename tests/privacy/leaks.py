"""Faults planted in the core, one at a time, to see that the witness finds them: leaks, and gaps.

Each replaces something by what a mistake could make of it. This is the only place where tests replace anything.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

import scenes.scene
from agents.memory import Memory
from agents.prompts.layouts import LAYOUTS
from narrator.chronicle import Audience, Chronicle
from scenes.chat import Prompt, Segment
from scenes.event import Change, Draft, Event, EventKind, How
from scenes.perception import Perception
from scenes.scenario import Notes
from scenes.scene import PastTurn, Scene, Shown, View

Fault = Callable[[pytest.MonkeyPatch], None]


def _with_view(patch: pytest.MonkeyPatch, changed: Callable[[Scene, View], dict[str, Any]]) -> None:
    """Change the views of the cast."""
    original = Scene.view

    def view(scene: Scene, name: str) -> View:
        right = original(scene, name)
        return replace(right, **changed(scene, right)) if name in scene.names else right

    patch.setattr(Scene, "view", view)
    patch.setattr(_Right, "view", original)


class _Right:
    """What was replaced, for faults that need it of another."""

    view = Scene.view


def _before(scene: Scene, view: View) -> View:
    """Return the view of the one before in the cast."""
    return _Right.view(scene, scene.names[scene.names.index(view.me.name) - 1])


def _with_drafts(patch: pytest.MonkeyPatch, changed: Callable[[Scene, Draft], Draft]) -> None:
    """Change what enters the scene."""
    original = Scene.add

    def add(scene: Scene, actor: str, drafts: Sequence[Draft]) -> list[Event]:
        return original(scene, actor, [changed(scene, draft) for draft in drafts])

    patch.setattr(Scene, "add", add)


def _with_kinds(patch: pytest.MonkeyPatch, kind: EventKind, other: EventKind) -> None:
    """Let events of one kind be perceived by those who perceive events of the other."""
    original = Perception.of

    def of(perception: Perception, what: EventKind, actor: str, to: Sequence[str] = ()) -> dict[str, How]:
        right, wrong = original(perception, what, actor, to), original(perception, other, actor, to)
        return {name: right.get(name, how) for name, how in wrong.items()} if what == kind else right

    patch.setattr(Perception, "of", of)


def _with_layouts(patch: pytest.MonkeyPatch, **parts: Callable[..., Any]) -> None:
    """Change parts of every layout; each gets what the layout's own part is, and what that would get."""
    for name, layout in LAYOUTS.items():
        changed: dict[str, Any] = {part: _given(getattr(layout, part), change) for part, change in parts.items()}
        patch.setitem(LAYOUTS, name, replace(layout, **changed))


def _given(original: Callable[..., Any], change: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *given: change(original, *given)


def _with_prompts(patch: pytest.MonkeyPatch, changed: Callable[[Chronicle, Prompt], Prompt]) -> None:
    """Change what the narrator is told."""
    original = Chronicle.prompt

    def prompt(chronicle: Chronicle, audience: Audience, task: str) -> Prompt:
        return changed(chronicle, original(chronicle, audience, task))

    patch.setattr(Chronicle, "prompt", prompt)


# Leaks


def a_layout_tells_a_secret_to_all(patch: pytest.MonkeyPatch) -> None:
    secret = Segment("persona", "user", "secret-of-Brack")
    _with_layouts(patch, opening=lambda original, view: [*original(view), secret])


def a_view_has_the_past_of_another(patch: pytest.MonkeyPatch) -> None:
    _with_view(patch, lambda scene, view: {"past": _before(scene, view).past})


def a_view_has_the_secret_of_another(patch: pytest.MonkeyPatch) -> None:
    _with_view(patch, lambda scene, view: {"secret": f"{view.secret} {_before(scene, view).secret}"})


def a_view_has_the_beliefs_of_another(patch: pytest.MonkeyPatch) -> None:
    _with_view(patch, lambda scene, view: {"now": _before(scene, view).now})


def a_view_has_the_profile_of_who_is_in_reserve(patch: pytest.MonkeyPatch) -> None:
    _with_view(patch, lambda scene, view: {"others": scene.setting.profiles})


def a_view_has_every_picture(patch: pytest.MonkeyPatch) -> None:
    _with_view(patch, lambda scene, view: {"pictures": tuple(scene.setting.gallery.values())})


def a_part_of_a_picture_comes_with_its_notes(patch: pytest.MonkeyPatch) -> None:
    notes = Notes(scene="note-on-wreck")
    _with_view(patch, lambda scene, view: {"pictures": tuple(replace(one, notes=notes) for one in view.pictures)})


def a_picture_comes_into_the_sight_of_another(patch: pytest.MonkeyPatch) -> None:
    original = Scene.show

    def show(scene: Scene, name: str, shown: Shown) -> list[Event]:
        return original(scene, scene.names[scene.names.index(name) - 1], shown)

    patch.setattr(Scene, "show", show)


def a_whisper_is_heard_by_all(patch: pytest.MonkeyPatch) -> None:
    original = Perception.of
    patch.setattr(Perception, "of", lambda perception, kind, actor, to=(): original(perception, kind, actor))


def a_whisper_is_not_seen_to_be_one(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("sandbox.performance.directed", lambda scene, actor, drafts: list(drafts))


def a_deed_is_heard_next_door(patch: pytest.MonkeyPatch) -> None:
    _with_kinds(patch, "action", "speech")


def words_are_heard_everywhere(patch: pytest.MonkeyPatch) -> None:
    _with_kinds(patch, "speech", "narration")


def a_thought_is_spoken(patch: pytest.MonkeyPatch) -> None:
    _with_kinds(patch, "thought", "speech")


def who_has_left_still_perceives(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Perception, "take_away", lambda perception, name: None)


def a_belief_is_seen(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Change, "is_private", lambda change: False)


def an_answer_in_private_is_heard_by_all(patch: pytest.MonkeyPatch) -> None:
    _with_drafts(patch, lambda scene, draft: _for_all(scene, draft) if draft.kind == "speech" else draft)


def what_the_narrator_tells_is_told_to_all(patch: pytest.MonkeyPatch) -> None:
    _with_drafts(patch, lambda scene, draft: _for_all(scene, draft) if draft.kind == "narration" else draft)


def _for_all(scene: Scene, draft: Draft) -> Draft:
    """Return what is for a few so that it is for all on the stage."""
    return draft if draft.audience is None else draft.model_copy(update={"audience": (*draft.audience, *scene.present)})


def a_way_is_told_in_words_that_were_not_for_those_it_leads_to(patch: pytest.MonkeyPatch) -> None:
    def told(scene: Scene, draft: Draft) -> Draft:
        is_judged = "judge" in (draft.call or "") and draft.change and draft.change.place
        return draft.model_copy(update={"text": f"{draft.text} state-0"}) if is_judged else draft

    _with_drafts(patch, told)


def what_the_narrator_thinks_is_told(patch: pytest.MonkeyPatch) -> None:
    told = {"kind": "narration"}
    _with_drafts(patch, lambda scene, draft: draft.model_copy(update=told) if draft.kind == "system" else draft)


def the_narrator_is_told_for_nobody(patch: pytest.MonkeyPatch) -> None:
    original = Chronicle.prompt
    patch.setattr(Chronicle, "prompt", lambda chronicle, audience, task: original(chronicle, None, task))


def the_narrator_is_always_told_secrets(patch: pytest.MonkeyPatch) -> None:
    original = Chronicle.__init__

    def init(chronicle: Chronicle, scene: Scene, is_short: bool, knows_secrets: bool) -> None:
        original(chronicle, scene, is_short, knows_secrets=True)

    patch.setattr(Chronicle, "__init__", init)


def the_narrator_is_told_its_summary_for_all(patch: pytest.MonkeyPatch) -> None:
    _with_prompts(patch, lambda chronicle, right: right.then(Segment("now", "user", chronicle.summary)))


def a_memory_is_shared(patch: pytest.MonkeyPatch) -> None:
    kept: list[PastTurn] = []
    original = Memory.keep

    def keep(memory: Memory, turn: PastTurn) -> None:
        kept.append(turn)
        original(memory, turn)

    patch.setattr(Memory, "keep", keep)
    patch.setattr(Memory, "recall", lambda memory, cue, now, count: kept[-count:])


def a_fork_mixes_up_the_parts(patch: pytest.MonkeyPatch) -> None:
    def renamed(event: Event, now: Mapping[str, str]) -> Event:
        right = original(event, now)
        return right.model_copy(update={"visible_to": event.visible_to | right.visible_to})

    original = scenes.scene._renamed
    patch.setattr(scenes.scene, "_renamed", renamed)


LEAKS: tuple[Fault, ...] = (
    a_layout_tells_a_secret_to_all,
    a_view_has_the_past_of_another,
    a_view_has_the_secret_of_another,
    a_view_has_the_beliefs_of_another,
    a_view_has_the_profile_of_who_is_in_reserve,
    a_view_has_every_picture,
    a_part_of_a_picture_comes_with_its_notes,
    a_picture_comes_into_the_sight_of_another,
    a_whisper_is_heard_by_all,
    a_whisper_is_not_seen_to_be_one,
    a_deed_is_heard_next_door,
    words_are_heard_everywhere,
    a_thought_is_spoken,
    who_has_left_still_perceives,
    a_belief_is_seen,
    an_answer_in_private_is_heard_by_all,
    what_the_narrator_tells_is_told_to_all,
    a_way_is_told_in_words_that_were_not_for_those_it_leads_to,
    what_the_narrator_thinks_is_told,
    the_narrator_is_told_for_nobody,
    the_narrator_is_always_told_secrets,
    the_narrator_is_told_its_summary_for_all,
    a_memory_is_shared,
    a_fork_mixes_up_the_parts,
)


# Gaps


def a_layout_leaves_out_others(patch: pytest.MonkeyPatch) -> None:
    def own(original: Callable[..., Any], view: View, turn: PastTurn, first: bool) -> Any:
        return original(view, turn, first) if turn.actor == view.me.name else []

    _with_layouts(patch, past=own)


def a_layout_leaves_out_later_pictures(patch: pytest.MonkeyPatch) -> None:
    def words(original: Callable[..., Any], view: View, turn: PastTurn, first: bool) -> Any:
        return [segment for segment in original(view, turn, first) if not segment.image]

    _with_layouts(patch, past=words)


def a_layout_leaves_out_how_things_are(patch: pytest.MonkeyPatch) -> None:
    _with_layouts(patch, now=lambda original, view, recalled: [])


def the_past_is_forgotten_early(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("agents.prompts.layout._length", lambda turn: 1_000)


def a_secret_is_kept_from_its_owner(patch: pytest.MonkeyPatch) -> None:
    _with_view(patch, lambda scene, view: {"secret": None})


def words_are_not_heard_next_door(patch: pytest.MonkeyPatch) -> None:
    _with_kinds(patch, "speech", "action")


def narration_is_not_heard(patch: pytest.MonkeyPatch) -> None:
    _with_kinds(patch, "narration", "system")


def the_narrator_misses_what_happens(patch: pytest.MonkeyPatch) -> None:
    def without(chronicle: Chronicle, right: Prompt) -> Prompt:
        return Prompt().then(*(segment for segment in right.segments() if segment.stability != "history"))

    _with_prompts(patch, without)


GAPS: tuple[Fault, ...] = (
    a_layout_leaves_out_others,
    a_layout_leaves_out_later_pictures,
    a_layout_leaves_out_how_things_are,
    the_past_is_forgotten_early,
    a_secret_is_kept_from_its_owner,
    words_are_not_heard_next_door,
    narration_is_not_heard,
    the_narrator_misses_what_happens,
)
