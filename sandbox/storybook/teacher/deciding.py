"""What is decided in a form, and what the narrator tells: the calls of the sandbox that are no line of a character."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

from narrator.judgement import NOBODY
from narrator.prompts.tasks import OPEN, SWITCH
from narrator.steering import END
from sandbox.storybook.teacher.heard import Heard, Said
from sandbox.storybook.teacher.saying import Move, Saying
from sandbox.storybook.teacher.sight import Sight

_DEED = re.compile(r"\(([^()]{3,80})\)")
_LONG = 8
"""Lines after which a scene may be ended."""
_GOES_ON = SWITCH.split("{")[0]


def narrated(heard: Heard, sights: Sequence[Sight], rng: Random) -> str:
    """Return what the narrator tells."""
    say = Saying(heard.me, None, [], rng)
    sight = next(iter(sights[-1:]), None)
    if heard.question.startswith(_GOES_ON) and sight:
        return say.words(Move("narrate_new", sight=sight))
    if heard.question == OPEN and sight:
        return say.words(Move("narrate_open", sight=sight))
    deed = _last_deed(heard.lines)
    if deed is None:
        return "Nobody moves."
    return say.words(Move("narrate_deed"), actor=deed.name, deed=deed.words)


def _last_deed(lines: Sequence[Said]) -> Said | None:
    """Return who did what last, as far as that is told in round brackets."""
    deeds = (Said(said.name, deeds[-1].rstrip(".")) for said in reversed(lines) if (deeds := _DEED.findall(said.words)))
    return next(deeds, None)


def decided(heard: Heard, rng: Random) -> str:
    """Return the answer to a question that has a form."""
    form = heard.form or {}
    decisions = {"answer": _choice, "touched": _touched, "decision": _steering}
    made = next((decide(heard, form, rng) for field, decide in decisions.items() if field in form), None)
    return json.dumps(made if made is not None else dict.fromkeys(form), ensure_ascii=False)


def _choice(heard: Heard, form: Mapping[str, Any], rng: Random) -> dict[str, Any]:
    """Choose what was spoken of most, by others than the one who is asked."""
    said = " ".join([heard.secret, *(line.words for line in heard.lines)]).casefold()
    return {"answer": _most(offered(form["answer"]), lambda one: said.count(one.casefold()), rng)}


def _touched(heard: Heard, form: Mapping[str, Any], rng: Random) -> dict[str, Any]:
    deed = _last_deed(heard.lines)
    if form["touched"].get("type") != "array":
        return {"touched": next(iter(_named(deed, offered(form["touched"]))), NOBODY)}
    touched = _named(deed, offered(form["touched"]["items"]["properties"]["who"]))
    how = f"{deed.name} {deed.words}." if deed else ""
    return {"touched": [{"who": name, "how": how[:120]} for name in touched[:3]], "after": []}


def _named(deed: Said | None, names: Iterable[str]) -> list[str]:
    """Return those of `names` of which a word stands in a deed."""
    words = {*re.findall(r"\w+", deed.words)} if deed else set()
    return [name for name in names if name != NOBODY and words & {*name.split()}]


def _steering(heard: Heard, form: Mapping[str, Any], rng: Random) -> dict[str, Any]:
    """Let go on whom the last line names, or else who has been silent longest; a long talk may end."""
    decisions = offered(form["decision"])
    if END in decisions and len(heard.lines) >= _LONG and rng.random() < 0.4:
        return {"reason": "All is said.", "decision": END}
    people = {name: one for one in decisions if "pick_speaker" in one and (name := _picked(one))}
    last = heard.lines[-1] if heard.lines else None
    named = [name for name in _named(last, people) if last and name != last.name]
    if named:
        return {"reason": f"{named[0]} was spoken to.", "decision": people[named[0]]}
    silent = _most(list(people), lambda name: _silence(heard.lines, name), rng) if people else ""
    return {
        "reason": f"{silent} was silent." if silent else "It goes on.",
        "decision": people.get(silent, decisions[0]),
    }


def _picked(decision: str) -> str:
    return decision.replace("pick_speaker", "").strip(": ")


def _silence(lines: Sequence[Said], name: str) -> int:
    """Return how many lines ago somebody spoke."""
    return next((ago for ago, said in enumerate(reversed(lines)) if said.name == name), len(lines))


def offered(part: Mapping[str, Any]) -> list[str]:
    """Return the answers that a field of a form offers."""
    return list(part["enum"]) if "enum" in part else [part["const"]] if "const" in part else []


def _most(choices: Sequence[str], count: Any, rng: Random) -> str:
    best = max(map(count, choices))
    return rng.choice([choice for choice in choices if count(choice) == best])
