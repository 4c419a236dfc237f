"""`rolestage interview`: a question to a character of a stored episode, in private and without a trace in the run."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.character import Character
from agents.interview import answer
from sandbox.engines.engine import Engine
from sandbox.errors import SOME_FAILED
from sandbox.gallery import Gallery
from sandbox.launch import engine_config, facts_of_run, started_for
from sandbox.models import most_pictures
from sandbox.replay import Past, explained, past_of
from sandbox.run_folder import IMAGES
from sandbox.screen import Screen, print_json, safe
from sandbox.tape import Diverged, OffRecord
from scenes.chat import CallFailed, Completion, Request
from scenes.clean import one_line
from scenes.event import Draft
from scenes.names import named
from scenes.problem import refuse
from scenes.references import unknown
from scenes.scenario import can_be_told_apart
from scenes.scene import Scene

MOST_LETTERS = 20_000
"""Of a question, as of those in a scenario."""


@dataclass(frozen=True)
class Question:
    """Something to ask of somebody in a stored episode."""

    episode: int
    name: str
    text: str
    choices: Sequence[str] = ()
    turn: int | None = None
    """After which it is asked; by default the last."""
    model: str | None = None
    """Instead of the one that played the character."""
    engine: str | None = None
    """Instead of the kind with which the run was played."""


def interview(folder: Path, question: Question, policy: str | None, as_json: bool) -> int:
    """Print what the character answers; 1 if there is no answer, or none of the choices. Raises `InputRefused`."""
    if not 0 < len(question.text.strip()) <= MOST_LETTERS:
        raise refuse(f"a question has between 1 and {MOST_LETTERS:,} characters; write one.")
    if question.choices and (len(question.choices) < 2 or not can_be_told_apart(question.choices)):
        raise refuse("--choice is given twice or more, each time with another answer, never blank.")
    with past_of(folder, policy) as past:
        kind = question.engine
        config = engine_config(kind) if kind else engine_config(**facts_of_run(past.record)["engine"])
        turn = _turn(past, question)
        scene, character = _found(past, question, turn)
        pictures = sum(most_pictures(leg.variant.scenario) for leg in past.legs(question.episode))
    gallery = Gallery()
    gallery.keep_in(folder / IMAGES)
    model = question.model or character.request("interview").model
    try:
        with started_for([model], config, gallery, pictures) as engines:
            given = asyncio.run(_answered(scene, character, question, engines[model]))
    except CallFailed as failure:
        print(one_line(str(failure), 1_000), file=sys.stderr)
        return SOME_FAILED
    if as_json:
        where = {"run": str(folder), "episode": question.episode, "turn": turn, "name": character.view.me.name}
        print_json(where | {"question": question.text, "choices": [*question.choices], "model": model} | _told(given))
    else:
        Screen().print(safe(given.text or "(no answer that can be read)"), soft_wrap=True)
    return 0 if given.text else SOME_FAILED


def _told(given: Draft) -> dict[str, Any]:
    flags = given.flags.model_dump(mode="json") if given.flags else None
    return {"answer": given.text or None, "flags": flags}


def _turn(past: Past, question: Question) -> int:
    """Return the turn after which the question is asked. Raises `InputRefused` if the record does not hold it."""
    run = str(past.record.folder)
    if past.record.state(question.episode) is None:
        count = len(past.record.states())
        raise refuse(f"there is no episode {question.episode}; this run has {count}, counted from 0.", run)
    last = past.record.settled(question.episode)
    if last < 0:
        raise refuse(f"of episode {question.episode} not even the opening was played.", run)
    if question.turn is not None and question.turn > last:
        raise refuse(f"episode {question.episode} has no turn {question.turn}; on record it is up to {last}.", run)
    return last if question.turn is None else question.turn


def _found(past: Past, question: Question, turn: int) -> tuple[Scene, Character]:
    """Return the scene as it was after `turn`, and who is asked. Raises `InputRefused` if that cannot be."""
    run = str(past.record.folder)
    try:
        scene, performance = asyncio.run(past.at(question.episode, turn))
    except Diverged as diverged:
        raise refuse(f"play is no longer what is on record: {explained(diverged, past.record)}", run) from None
    except OffRecord as missing:
        raise refuse(str(missing), run) from None
    index = named(question.name, scene.setting.profiles)
    if index is None:
        raise refuse(unknown("character", question.name, scene.names), run)
    name = scene.names[index]
    if name not in scene.present and not scene.view(name).past:
        raise refuse(f"{one_line(name)} was not on the stage up to turn {turn}; ask somebody who was.", run)
    return scene, performance.character(name)


async def _answered(scene: Scene, character: Character, question: Question, engine: Engine) -> Draft:
    """Return what the character answers, the `engine` speaking for it. Raises `CallFailed`."""

    async def ask(key: str, request: Request) -> Completion:
        return await engine.complete(request)

    key = f"interview/asked/{scene.keys[character.view.me.name]}"
    return await answer(character, ask, key, question.text, question.choices or None)
