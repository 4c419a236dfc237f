"""`rolestage list` and `rolestage show`: what was played, as overview, as transcript, as exact prompts."""

from collections import Counter
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from sandbox.commands.out import console, print_json
from sandbox.display import caption
from sandbox.prompt_text import prompt_text
from sandbox.record import Record, StoredCall
from sandbox.rows import EpisodeRow
from sandbox.run_folder import run_folders
from sandbox.transcript import Transcript
from scenes.clean import clean, one_line
from scenes.event import Event
from scenes.problem import refuse


def list_all(parent: Path, as_json: bool) -> int:
    """Print a line for every run below `parent`."""
    rows = [_run_row(folder) for folder in run_folders(parent)[::-1]]
    if as_json:
        print_json(rows)
        return 0
    table = Table("run", "scenario", "model", "done", "failed", "planned", box=None)
    for row in rows:
        table.add_row(*(Text(clean(str(row[name]))) for name in ("run", "title", "model", "done", "failed", "planned")))
    console().print(table if rows else f"no runs in {parent}; play one with: rolestage run scenarios/harbour")
    return 0


def _run_row(folder: Path) -> dict[str, Any]:
    record = Record(folder)
    meta, states = record.meta(), record.states()
    record.close()
    count = Counter(state.status for state in states)
    models = ", ".join(meta.get("engines", {}))
    return {
        "run": folder.name,
        "title": meta.get("title", ""),
        "model": models,
        "done": count["done"],
        "failed": count["failed"],
        "playing": count["playing"],
        "planned": meta.get("planned", len(states)),
    }


def show_run(folder: Path, episode: int | None, calls: bool, as_json: bool) -> int:
    """Print the run's episodes, or the transcript of one, or its calls."""
    record = Record(folder)
    try:
        states = record.states()
        if episode is None and len(states) == 1:
            episode = states[0].id
        if episode is None:
            return _overview(folder, record, states, as_json)
        chosen = [state for state in states if state.id == episode]
        if not chosen:
            raise refuse(f"this run has no episode {episode}; it has {len(states)}, from 0.", str(folder))
        if as_json:
            print_json(_episode_json(record, chosen[0], calls))
        elif calls:
            _calls(record, episode)
        else:
            _transcript(record, chosen[0])
        return 0
    finally:
        record.close()


def _overview(folder: Path, record: Record, states: list[EpisodeRow], as_json: bool) -> int:
    if as_json:
        print_json([record.trajectory(state).model_dump(mode="json", exclude_defaults=True) for state in states])
        return 0
    out, meta = console(), record.meta()
    out.print(Text(f"{clean(str(meta.get('title', '')))} · {folder}", style="bold"))
    table = Table("episode", "variant", "status", "turns", "last words", box=None)
    for state in states:
        events = record.events(state.id)
        turns = max((event.turn for event in events), default=0)
        values = clean(state.values) if state.values != "{}" else ""
        note = state.error or (f"{events[-1].actor}: {events[-1].text}" if events else "")
        cells = (str(state.id), f"{state.variant_id} {values}", state.status, str(turns), one_line(note, 70))
        table.add_row(*map(Text, cells))
    out.print(table)
    out.print(Text(f"read one: rolestage show {folder} 0", style="dim"))
    return 0


def _episode_json(record: Record, state: EpisodeRow, calls: bool) -> dict[str, Any]:
    shown = record.trajectory(state).model_dump(mode="json", exclude_defaults=True)
    shown["pictures"] = [
        {"id": one.id, "name": one.name, "facts": one.facts.model_dump(mode="json", exclude_defaults=True)}
        for one in record.pictures(state.id)
    ]
    if calls:
        shown["calls"] = [_call_json(call) for call in record.calls(state.id)]
    return shown


def _call_json(call: StoredCall) -> dict[str, Any]:
    return {
        "key": call.key,
        "model": call.request.model,
        "prompt": prompt_text(call.request.prompt, _dropped(call)),
        "completion": call.completion.model_dump(mode="json") if call.completion else None,
        "error": call.error,
        "seconds": call.seconds,
    }


def _dropped(call: StoredCall) -> int:
    return call.completion.dropped if call.completion else 0


def _transcript(record: Record, state: EpisodeRow) -> None:
    out, events = console(), record.events(state.id)
    heading = f"episode {state.id}, variant {state.variant_id}, seed {state.seed}: {state.status}"
    out.print(Text(heading, style="bold"))
    for picture in record.pictures(state.id):
        out.print(Text(f"{caption(picture.facts)}  [{picture.width}×{picture.height}, {picture.id[:8]}]", style="dim"))
    names = sorted({name for event in events for name in event.visible_to})
    out.print(Text(_who_perceives(events, names), style="dim"))
    transcript = Transcript(names)
    for event in events:
        out.print(transcript.line(event), soft_wrap=True)
    if state.error:
        out.print(Text(f"failed: {clean(state.error)}", style="bold"))


def _who_perceives(events: tuple[Event, ...], names: list[str]) -> str:
    shared = all(set(event.visible_to) >= set(names) for event in events if event.kind != "thought")
    people = clean(", ".join(names))
    if shared:
        return f"{people} saw and heard everything but thoughts"
    return f"{people}; a line that not all perceived says who did"


def _calls(record: Record, episode: int) -> None:
    out = console()
    for call in record.calls(episode):
        sampling = call.request.sampling.model_dump_json(exclude_defaults=True)
        out.print(
            Text(
                f"── {clean(call.key)}  {clean(call.request.model)} {clean(sampling)} seed {call.request.seed}",
                style="bold",
            )
        )
        out.print(Text(clean(prompt_text(call.request.prompt, _dropped(call)))))
        if call.completion:
            usage = f"{call.completion.prompt_tokens}+{call.completion.output_tokens} tokens, {call.seconds:.2f} s"
            out.print(Text(f"→ {clean(call.completion.text)}", style="bold green"))
            out.print(Text(f"  {call.completion.finish_reason}, {usage}", style="dim"))
        else:
            out.print(Text(f"→ failed: {clean(call.error or '')}", style="bold red"))
