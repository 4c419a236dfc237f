"""CharacterBox's published scenes as scenarios: event and description, cast, positions, states, initial actions.

The data are read where they lie and no text of theirs is here. What is odd in a scene is settled by a rule and counted.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from records import data_folder

ROUNDS = 3
LEAST, MOST = 2, 6
"""People of a story; CharacterBox has scenes of one to six."""
UNSAID = {"", "none", "无", "n/a", "null"}
_ROUND = str.maketrans("[]［］", "()（）")
_BARE = str.maketrans("", "", "()（）")
_CHINESE = re.compile(r"[\u3400-\u9fff]")

Scene = Mapping[str, Any]
Odd = Counter[str]


def characterbox_files() -> Iterator[tuple[str, str, list[Scene]]]:
    """Yield the published files: name, title of the book, scenes."""
    for file in sorted(data_folder("characterbox").glob("*.json")):
        data = json.loads(file.read_text(encoding="utf-8"))
        yield file.stem, data["title"].replace("_", " "), data["scenes"]


def is_story(scene: Scene) -> bool:
    """Return whether the scene has as many people as a story takes; one alone makes none, and is left out."""
    return LEAST <= len(scene["characters"]) <= MOST


def language_of(scene: Scene) -> str:
    """Return the language by CharacterBox's own rule: Chinese if its letters are in the event or in a name."""
    names = [character["name"] for character in scene["characters"]]
    return "zh" if _CHINESE.search("".join([scene["event"], *names])) else "en"


def characterbox_scenario(world: str, scene: Scene, odd: Odd) -> dict[str, Any]:
    """Return the scene as the top level of a scenario; what is odd in it goes into `odd`."""
    names = names_of(scene, odd)
    told = (scene[part].strip() for part in ("event", "location", "description"))
    return {
        "schema_version": 1,
        "title": f"{world} {scene['id']}",
        "kind": "story",
        "language": language_of(scene),
        "premise": "\n".join(text for text in told if text),
        "time": one_line(scene["time"]) or None,
        "images": None,
        "cast": [member(world, *one, odd) for one in zip(names, scene["characters"], strict=True)],
        "opening": [line for action in scene["actions"] for line in opening(action, scene, names, odd)],
        "narrator": {},
        "mind": "bdi",
        "layout": "images-first",
        "turns": ROUNDS * len(names),
    }


def names_of(scene: Scene, odd: Odd) -> list[str]:
    """Return the names of the cast on one line each; the second of one name is `NAME 2`."""
    names: list[str] = []
    for character in scene["characters"]:
        name = one_line(character["name"])
        odd["a name with blanks around or doubled"] += name != character["name"]
        again = names.count(name) + 1
        odd["a name that another has"] += again > 1
        names.append(f"{name} {again}" if again > 1 else name)
    return names


def member(world: str, name: str, character: Scene, odd: Odd) -> dict[str, Any]:
    """Return one of the cast."""
    own = {"position": one_line(character["position"]), "state": one_line(character["states"])}
    for what, text in own.items():
        odd[f"no {what}"] += not text
    profile = {"name": name, "world": world, "introduction": character["description"].strip() or None}
    return {"character": profile, **{what: text for what, text in own.items() if text}}


def opening(action: Scene, scene: Scene, names: list[str], odd: Odd) -> Iterator[dict[str, str]]:
    """Yield an initial action as a line of the opening: what is done in round brackets, then what is said.

    Square brackets, which stand for thoughts in a line, become round ones, and round ones within an action go. Whoever
    is not of the cast has its deed told by the narrator.
    """
    done, said = action["action"].strip(), action["dialogue"].strip()
    odd["square brackets"] += (done + said) != (done + said).translate(_ROUND)
    odd["an action in which nothing is said"] += (said := "" if said.casefold() in UNSAID else said) == ""
    actor = _actor(action, scene, names, odd)
    done = one_line(done.translate(_ROUND).translate(_BARE))
    said = said.translate(_ROUND)
    if not done and not said:
        odd["an action in which nothing is done or said"] += 1
    elif actor is None:
        yield {"Narrator": f"{one_line(action['character'])}: {done} {said}".strip()}
    else:
        yield {actor: f"({done}) {said}".strip() if done else said}


def _actor(action: Scene, scene: Scene, names: list[str], odd: Odd) -> str | None:
    """Return who acts: whom the action names, by its id where several are so called; None if it is not of the cast."""
    written = one_line(action["character"])
    named = [
        (name, character["id"])
        for name, character in zip(names, scene["characters"], strict=True)
        if one_line(character["name"]) == written
    ]
    by_id = [name for name, id in named if id == action["character_id"]]
    odd["an action by somebody not of the cast"] += not named
    odd["an id that is not that of the name"] += bool(named) and not by_id
    return next(iter([*by_id, *(name for name, _ in named)]), None)


def one_line(text: str) -> str:
    """Return `text` on one line."""
    return " ".join(text.split())
