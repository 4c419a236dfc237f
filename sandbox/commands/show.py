"""`rolestage list` and `rolestage show`: what was played, as overview, as transcript, as exact prompts."""

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from rich.table import Table

from sandbox.episode import legs_of
from sandbox.errors import StoreDamaged
from sandbox.prompt_text import prompt_text
from sandbox.purpose import first_asked, is_of_interview
from sandbox.record import Record, StoredCall, StoredPicture
from sandbox.rows import EpisodeRow
from sandbox.run_folder import SCENARIO, run_folders
from sandbox.screen import Screen, print_json, safe
from sandbox.shard import shard_of
from sandbox.transcript import Stage, Transcript, caption, is_unseen, there_at_first, varied
from scenes.clean import one_line
from scenes.event import Event
from scenes.loading import Variant, load
from scenes.names import named
from scenes.problem import refuse
from scenes.profile import CharacterProfile
from scenes.references import unknown

COLUMNS = ("run", "title", "model", "done", "failed", "planned")


def list_all(parent: Path, as_json: bool) -> int:
    """Print a line for every run below `parent`, newest first; one that cannot be read does not hide the others."""
    rows = [_run_row(folder) for folder in run_folders(parent)[::-1]]
    if as_json:
        print_json(rows)
    elif rows:
        Screen().print(_table(COLUMNS, (_cells(row) for row in rows)))
    else:
        Screen().print(safe(f"no runs in {parent}; play one with: rolestage run scenarios/harbour"))
    return 0


def _table(columns: Iterable[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(*columns, box=None, pad_edge=False)
    for cells in rows:
        table.add_row(*(safe(one_line(cell, 200)) for cell in cells))
    return table


def _cells(row: dict[str, Any]) -> list[str]:
    return [row["run"], row["damage"]] if row["damage"] else [str(row[name]) for name in COLUMNS]


def _run_row(folder: Path) -> dict[str, Any]:
    row = {"run": folder.name, "title": "", "model": "", "done": 0, "failed": 0, "playing": 0, "planned": 0}
    try:
        with closing(Record(folder)) as record:
            meta, states = record.meta(), record.states()
    except StoreDamaged as damage:
        return row | {"damage": f"damaged: {damage}"}
    count, branches = Counter(state.status for state in states), sum(state.parent is not None for state in states)
    facts = {"title": meta.get("title", ""), "model": ", ".join(meta.get("engines", {}))}
    counts = {status: count[status] for status in ("done", "failed", "playing")}
    planned = len(shard_of(meta).episodes(meta["planned"])) if "planned" in meta else count.total() - branches
    return row | facts | counts | {"planned": planned + branches, "damage": None}


def show_run(folder: Path, episode: int | None, calls: bool, viewer: str | None, as_json: bool) -> int:
    """Print the run's episodes, or the transcript of one, or what was asked and answered. Raises `InputRefused`.

    With a `viewer` only what that character perceived, was shown and was asked.
    """
    with closing(Record(folder)) as record:
        states = record.states()
        chosen = [state for state in states if episode in (None, state.id)]
        if episode is not None and not chosen:
            raise refuse(f"there is no episode {episode}; this run has {len(states)}, counted from 0.", str(folder))
        if as_json:
            shown = [_episode_json(record, state, calls, viewer) for state in chosen]
            whole = {"run": str(folder), **record.meta(), "sessions": record.sessions()}
            print_json(shown[0] if episode is not None else {**whole, "episodes": shown})
        elif not chosen:
            Screen().print("no episode of this run was begun")
        elif calls:
            _calls(record, chosen, viewer)
        elif len(chosen) == 1 or viewer:
            for state in chosen:
                _transcript(record, state, viewer)
        else:
            _overview(folder, record, chosen)
    return 0


def _overview(folder: Path, record: Record, states: Sequence[EpisodeRow]) -> None:
    screen = Screen()
    screen.print(safe(f"{record.meta().get('title', '')} · {folder}", "bold"), soft_wrap=True)
    columns = ("episode", "status", "turns", "last words")
    screen.print(_table(columns, (_episode_cells(state, record.events(state.id)) for state in states)))
    screen.print(safe(f"read one: rolestage show {shlex.quote(str(folder))} 0", "dim"), soft_wrap=True)


def _episode_cells(state: EpisodeRow, events: Sequence[Event]) -> list[str]:
    turns = max((event.turn for event in events), default=0)
    said = [event for event in events if event.text and not (is_unseen(event) or is_of_interview(event))]
    last = f"{said[-1].actor}: {said[-1].text}" if said else ""
    return [f"{state.id}{varied(state)}", state.status, str(turns), one_line(state.error or last, 70)]


def _events(record: Record, state: EpisodeRow, viewer: str | None) -> list[Event]:
    """Return the events of an episode that `viewer` perceived. Raises `InputRefused` if nobody has that name."""
    if viewer is None:
        return list(record.events(state.id))
    return [event for _, event in _perceived(record, state, viewer)]


def _perceived(record: Record, state: EpisodeRow, viewer: str) -> Iterator[tuple[str, Event]]:
    """Yield what the part of `viewer` perceived, each event with the name that the part bore then."""
    legs = _legs(record, state, record.events(state.id))
    for name, leg in zip(_names(record, state, viewer), legs, strict=True):
        yield from ((name, event) for event in leg if name in event.visible_to)


def _names(record: Record, state: EpisodeRow, viewer: str) -> list[str]:
    """Return the name, leg by leg, of the part that goes by `viewer`, in the last leg first. Raises `InputRefused`."""
    legs = legs_of(load(record.folder / SCENARIO), state.id, record.branches())
    parts = [_parts(leg.variant) for leg in legs]
    for profiles in reversed(parts):
        index = named(viewer, profiles)
        if index is not None:
            return [profiles[index].name for profiles in parts]
    everybody = sorted({profile.name for profiles in parts for profile in profiles})
    raise refuse(unknown("character", viewer, everybody), str(record.folder))


def _parts(variant: Variant) -> list[CharacterProfile]:
    """Return the cast, and who asks from outside it."""
    player = variant.scenario.player
    outside = [CharacterProfile(name=player.name)] if player and player.plays is None else []
    return [*variant.profiles, *outside]


def _made_calls(record: Record, state: EpisodeRow, viewer: str | None) -> list[StoredCall]:
    """Return the calls of an episode, or those behind what `viewer` did, each time that it was asked."""
    if viewer is None:
        return list(record.calls(state.id))
    done = _perceived(record, state, viewer)
    own = {first_asked(event.call) for name, event in done if event.call and event.actor == name}
    return [call for call in record.calls(state.id) if first_asked(call.key) in own]


def _pictures(record: Record, state: EpisodeRow, viewer: str | None) -> list[StoredPicture]:
    """Return the pictures of an episode, or those that stood in a prompt of `viewer`."""
    asked = _made_calls(record, state, viewer) if viewer else []
    seen = {segment.image for call in asked for segment in call.request.prompt.segments()}
    return [picture for picture in record.pictures(state.id) if viewer is None or picture.id in seen]


def _episode_json(record: Record, state: EpisodeRow, calls: bool, viewer: str | None) -> dict[str, Any]:
    trajectory = record.trajectory(state).model_copy(update={"events": tuple(_events(record, state, viewer))})
    shown = trajectory.model_dump(mode="json") | {"parent": state.parent, "after": state.after}
    shown["pictures"] = [
        {"id": one.id, "name": one.name, "facts": one.facts.model_dump(mode="json")}
        for one in _pictures(record, state, viewer)
    ]
    made = _made_calls(record, state, viewer) if calls else []
    return shown | ({"calls": [_call_json(call) for call in made]} if calls else {})


def _call_json(call: StoredCall) -> dict[str, Any]:
    return {
        "key": call.key,
        "model": call.request.model,
        "prompt": prompt_text(call.request.prompt, _dropped(call)),
        "form": call.request.form,
        "completion": call.completion.model_dump(mode="json") if call.completion else None,
        "error": call.error,
        "seconds": call.seconds,
    }


def _dropped(call: StoredCall) -> int:
    return call.completion.dropped if call.completion else 0


def _transcript(record: Record, state: EpisodeRow, viewer: str | None) -> None:
    screen, events = Screen(), _events(record, state, viewer)
    pictures = {picture.id: picture.name for picture in record.pictures(state.id)}
    transcript = Transcript((), screen, pictures)
    legs = _legs(record, state, events)
    viewer = viewer and _names(record, state, viewer)[-1]
    screen.print(safe(f"episode {state.id}{varied(state)}; seed {state.seed}; {state.status}", "bold"))
    for picture in _pictures(record, state, viewer):
        size = f"  [{picture.width}×{picture.height}, {picture.id[:8]}]"
        screen.print(transcript.paragraph(caption(picture.facts).append(size)), soft_wrap=True)
    screen.print(transcript.paragraph(safe(_who_perceives(legs, viewer), "dim")), soft_wrap=True)
    for leg in legs:
        transcript.recast(() if viewer else there_at_first(leg))
        for line in filter(None, map(transcript.line, leg)):
            screen.print(line, soft_wrap=True)
    if state.error:
        screen.print(transcript.paragraph(safe(f"failed: {state.error}", "bold red")), soft_wrap=True)


def _legs(record: Record, state: EpisodeRow, events: Sequence[Event]) -> list[list[Event]]:
    """Return the events of an episode in the stretches between the turns at which it, or its parents, branched off."""
    states = {one.id: one for one in record.states()}
    after = []
    while state.parent is not None:
        after.append(state.after or 0)
        state = states[state.parent]
    leg = [sum(event.turn > turn or is_of_interview(event) for turn in after) for event in events]
    return [[event for event, at in zip(events, leg, strict=True) if at == number] for number in range(len(after) + 1)]


def _who_perceives(legs: Sequence[Sequence[Event]], viewer: str | None) -> str:
    if viewer is not None:
        return f"what {viewer} perceived, and nothing else"
    people = ", ".join(sorted({name for events in legs for event in events for name in event.visible_to}))
    for events in legs:
        stage = Stage(there_at_first(events))
        if any([stage.missed(event) for event in events]):
            return f"{people}; a line that not all perceived says who did"
    return f"{people} saw and heard everything but thoughts"


def _calls(record: Record, states: Sequence[EpisodeRow], viewer: str | None) -> None:
    screen = Screen()
    for state in states:
        screen.print(safe(f"episode {state.id}{varied(state)}; seed {state.seed}; {state.status}", "bold"))
        for call in _made_calls(record, state, viewer):
            _call(screen, call)


def _call(screen: Screen, call: StoredCall) -> None:
    sampling = call.request.sampling.model_dump_json(exclude_defaults=True)
    screen.print(safe(f"── {call.key}  {call.request.model} {sampling} seed {call.request.seed}", "bold"))
    screen.print(safe(prompt_text(call.request.prompt, _dropped(call))))
    if call.request.form:
        screen.print(safe(f"to be answered in this form: {call.request.form}", "dim"))
    if call.request.answer is not None:
        screen.print(safe(f"how likely is: {call.request.answer}", "dim"))
    if call.completion:
        usage = f"{call.completion.prompt_tokens}+{call.completion.output_tokens} tokens, {call.seconds:.2f} s"
        screen.print(safe(f"→ {call.completion.text}", "bold green"))
        screen.print(safe(f"  {call.completion.finish_reason}, {usage}", "dim"))
    else:
        screen.print(safe(f"→ failed: {call.error}", "bold red"))
