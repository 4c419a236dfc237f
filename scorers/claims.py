"""What a line says of a drawing, claim by claim, and whether it is so; apart from the scorer, for it needs no episode.

The rules are patterns over the line's shape (`scorers.shape`). What is not clearly a claim is none: nothing is guessed.

- A mention of a thing claims that it is there, how many of it there are (the number said in the line, or else one by a
  singular and more than one by a plural), and the colour and the side that are said of it.
- A thing that is denied (`no boat`, `no red boat`) is a claim that it, or it with the one attribute, is not there. What
  is said of none (`no boat is red`, `none of the boats are red`, `neither the boat nor …`) is denied of the thing, and
  nothing is said of what is only supposed (`if the boat is red`) or not of all (`not all the boats are red`).
- A question claims only what it takes for granted: `the boat` in `What say you of the boat?`, not `Is that a boat?`.
- What one likes, wishes, remembers, compares with, owns or would do is no claim, but `the boat` there still is one,
  except in a memory. A bare plural (`Cats are proud`) is a claim only if it is seen, placed or exclaimed.
- `It is red`, `Three of them`, `On the left` are about the only thing that the line has named, or, where it has named
  none, the only one in the line that it answers; `it` is first of all the only one of its sentence. After a yes or a
  no, what that line asked is claimed or denied.
- The sea and the sky are in many pictures: only `at sea` or `the open sea` says that the place is the sea. Where a
  thing stands beside another (`left of the house`) is not judged.
"""

import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

from scenes.storybook.drawing import BACKDROPS, Drawing, Group, Kind, Weather
from scorers.lexicon import SUPPOSED
from scorers.shape import Line, read

About = Literal["object", "number", "colour", "position", "place", "weather", "time"]
ABOUT: tuple[About, ...] = get_args(About)

_SEEN: dict[Weather, tuple[Weather, ...]] = {"rain": ("rain", "cloudy"), "snow": ("snow", "cloudy")}
"""What can truly be said of a weather, where it is more than its name: rain and snow are painted with clouds."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that a line says: `boat`, `boat not red`, `cat >1`, `not fog`."""

    about: About
    value: str
    words: str
    """Where it says so, in lower case."""
    kind: Kind | None = None
    """The thing that it is about, if it is not the picture as a whole."""
    denied: bool = False
    implied: bool = False
    """Whether only the grammar says so: one by a singular, more than one by a plural."""

    @property
    def said(self) -> str:
        """Return the claim in a few words."""
        value = f"not {self.value}" if self.denied else self.value
        return value if self.about == "object" or not self.kind else f"{self.kind} {value}"


def is_true(claim: Claim, drawings: Iterable[Drawing]) -> bool | None:
    """Return whether a claim is true of one of the drawings at least; None if none of them can tell."""
    verdicts = [verdict for drawing in drawings if (verdict := _holds(claim, drawing)) is not None]
    return any(verdicts) if verdicts else None


def _holds(claim: Claim, drawing: Drawing) -> bool | None:
    group = next((group for group in drawing.groups if group.kind == claim.kind), None)
    if _is_backdrop(claim, drawing, group):
        return None
    return claim.denied != (_is_of_group(claim, group) if claim.kind else _is_of_whole(claim, drawing))


def _is_backdrop(claim: Claim, drawing: Drawing, group: Group | None) -> bool:
    """Return whether a claim is of what a place is painted with, such as the houses of a street."""
    return group is None and claim.kind == BACKDROPS.get(drawing.place, "") and claim.about != "colour"


def _is_of_group(claim: Claim, group: Group | None) -> bool:
    if group is None:
        return False
    match claim.about:
        case "number":
            return group.number > int(claim.value[1:]) if claim.value[0] == ">" else group.number == int(claim.value)
        case "colour":
            return group.colour == claim.value
        case "position":
            return group.position == claim.value
    return True


def _is_of_whole(claim: Claim, drawing: Drawing) -> bool:
    match claim.about:
        case "weather":
            return claim.value in _SEEN.get(drawing.weather, (drawing.weather,))
        case "time":
            return claim.value == drawing.time
    return claim.value == drawing.place


def claims_in(text: str, before: str = "") -> list[Claim]:
    """Return what `text` claims, each claim once; `before` is the line that it answers, as its speaker heard it."""
    line, heard = read(text), _last_question(before)
    asked = _Asked(_only(_kinds(read(before))), _asked_about(heard))
    return _each_once([*_answers(line, heard), *_claims(line, asked)])


def _each_once(claims: Sequence[Claim]) -> list[Claim]:
    counted = {claim.kind for claim in claims if claim.about == "number" and not claim.implied}
    kept = [claim for claim in claims if not (claim.implied and claim.kind in counted)]
    return [*{claim.said: claim for claim in kept}.values()]


# ---- things


class _Sentence(NamedTuple):
    start: int
    end: int
    asks: bool
    things: list[re.Match[str]]
    sides: dict[int, list[int]]
    """Where the words for a side stand that belong to a thing, by where its noun ends."""


class _Mention(NamedTuple):
    sentence: _Sentence
    kind: Kind
    start: int
    end: int
    denied: bool


_SENTENCE = re.compile(r"[^.!?]+[.!?]?")
_THING = re.compile(
    r"(?P<det>[DAMZ]{0,3})(?P<number>[No]?)(?P<like>(?:[wCPMc]|(?<=[wC])[,&](?=[wC])){0,4})(?P<noun>[OS])(?!H|[OS])"
)
_BREAK = re.compile(r"[;bj]|,(?=[RIDtFQ])|&(?=[RIDtQ])")
_SEES = re.compile(r"F|tw?B|Bt|B$")
_END = re.compile(r"[.!?;,bj&]")
_DENIES = re.compile(r"X(?![wA]*C)")


def _sentences(line: Line) -> Iterator[_Sentence]:
    for found in _SENTENCE.finditer(line.shape):
        start, end = found.span()
        things = [*_THING.finditer(line.shape, start, end)]
        yield _Sentence(start, end, line.shape[end - 1] == "?", things, _owned(line.shape, start, end, things))


def _owned(shape: str, start: int, end: int, things: Sequence[re.Match[str]]) -> dict[int, list[int]]:
    starts = [thing.start() for thing in things]
    sides: dict[int, list[int]] = {}
    for at in range(start, end):
        if things and shape[at] == "P":
            next_one = bisect(starts, at)
            sides.setdefault(_owner(shape, at, start, things[max(next_one - 1, 0) : next_one + 1]), []).append(at)
    return sides


def _owner(shape: str, at: int, start: int, near: Sequence[re.Match[str]]) -> int:
    """Return where the noun ends that a side belongs to: the next one if it opens the clause, else the last one."""
    after = next((thing for thing in near if thing.start() > at), None)
    inside = after is not None and after.start() == at + 1 and not after["det"] and shape[at - 1] in "DAN"
    opens = at == start or shape[at - 1] in ",;&" or (shape[at - 1] in "fD" and at - 1 == start)
    if after and (inside or (opens and re.fullmatch(r",?[tBFwRI]{0,3}", shape[at + 1 : after.start()]))):
        return after.end()
    return near[0].end() if near[0].start() <= at else 0


def _clause(shape: str, start: int, at: int) -> str:
    """Return what stands before a place in its clause."""
    breaks = [found.end() for found in _BREAK.finditer(shape, start, at + 1) if found.end() <= at]
    return shape[breaks[-1] if breaks else start : at]


def _rest(shape: str, at: int) -> str:
    """Return what follows a place in its clause."""
    found = _END.search(shape, at)
    return shape[at : found.start() if found else len(shape)]


def _mentions(line: Line, sentences: Iterable[_Sentence]) -> Iterator[_Mention]:
    """Yield the things that a line says are there, or are not."""
    denied = False
    for sentence in sentences:
        for found in sentence.things:
            joined = line.shape[found.start() - 1 : found.start()] == "&" and not found["det"]
            verdict = _standing(line.shape, found, sentence)
            denied = (denied and joined) or verdict == "denied"
            if verdict:
                kind: Kind = line.tokens[found.end() - 1].means  # type: ignore[assignment]
                yield _Mention(sentence, kind, *found.span(), denied)


def _standing(shape: str, found: re.Match[str], sentence: _Sentence) -> str:
    """Return "said", "denied", or nothing where the mention claims nothing."""
    before, after, det = _clause(shape, sentence.start, found.start()), _rest(shape, found.end()), found["det"]
    definite = det.endswith("D")
    if "M" in det or "M" in found["like"] or _is_elsewhere(before, after, definite):
        return ""
    if sentence.asks:
        return "said" if definite else ""
    if _is_denied(shape, found, before, after):
        return "denied"
    if definite:
        return "said"
    return "said" if not _is_unreal(before, after, det) and _is_shown(shape, found, sentence.start, before) else ""


def _is_elsewhere(before: str, after: str, definite: bool) -> bool:
    if "E" in before or "e" in before:
        return True
    return bool(re.match(r"w?I[wf]{0,2}[eEw]$" if definite else r"[^FU]*e", after))


def _is_unreal(before: str, after: str, det: str) -> bool:
    said = before.rfind("F") > before.rfind("U") and not re.search(r"U[IRw]*U?[IRw]*F", before)
    generic = det == "A" and re.match(r"U|B(?:[ZA]|wA)|Bw?U", after) is not None
    return ("U" in before and not said) or generic


def _is_denied(shape: str, found: re.Match[str], before: str, after: str) -> bool:
    if re.match(r"[Bf]?w?a|,Z[.,]", shape[found.end() : found.end() + 4]):
        return True
    if found["det"].endswith("D"):
        return bool(re.search(r"XF[wf]*$", before))
    nots = len(_DENIES.findall(before)) + found["det"].count("Z") + before.endswith("Z")
    return nots % 2 == 1 and "U" not in before


def _is_shown(shape: str, found: re.Match[str], start: int, before: str) -> bool:
    """Return whether a thing without an article is one that is there, and not one of its like."""
    if found["det"] or found["number"] or _SEES.search(before):
        return True
    if "P" in found["like"] or re.match(r"[PL]|,P|,N[.,;]|C[.,;&!]", shape[found.end() :]):
        return True
    alone = shape[found.start() - 1 : found.start()] in ("", ".", ",", ";", "!", "?", "&") or found.start() == start
    address = re.match(r",[^,;.!?]*,B", shape[found.end() :])
    return alone and not address and bool(re.match(r"[.,;!?&]|$|f", shape[found.end() :]))


# ---- what is said of them

_OF_THING = re.compile(
    r"(?P<right>C)(?=[.,;!&?]|$)|(?:,w)?,[wRo]{0,2}(?P<apart>C)(?=[.,;!&Ufj]|$)|[wPLfT,]{0,4}?B(?P<is>[wXZ&bCc,]*)"
)
_OF_NONE = re.compile(r"(?:^|(?<=[,;&.!?w]))Zh?B(?P<is>[wXZ&bCc,]*)")
_OF_IT = re.compile(r"(?:R|o(?=B))[wBfUj]{0,3}?(?P<is>[wXZ&b,]*C[wXZ&bC,]*)")


class _Asked(NamedTuple):
    """What a line answers."""

    kind: Kind | None = None
    """The only thing that the line before named."""
    about: str = ""
    """What was asked of it: a kind of claim, or nothing that is known."""


_NOTHING = _Asked()


def _claims(line: Line, asked: _Asked) -> Iterator[Claim]:
    sentences = [*_sentences(line)]
    mentions = [*_mentions(line, sentences)]
    for mention in mentions:
        yield from _of_mention(line, mention)
    for sentence in sentences:
        if not sentence.asks:
            yield from _of_sentence(line, sentence, mentions, asked)
        yield from _of_whole(line, sentence, asked.about)


def _of_mention(line: Line, mention: _Mention) -> Iterator[Claim]:
    words = line.words(mention.start, mention.end)
    parts = [claim for claim in _parts(line, mention, words)]
    if mention.denied and all(part.implied for part in parts) and (of_none := _of_none(line, mention)):
        yield from of_none
        return
    if mention.denied:
        parts = [claim for claim in [*parts, *_sides(line, mention)] if not claim.implied]
        yield from _denial(mention, words, parts)
        return
    yield Claim("object", mention.kind, words, mention.kind)
    yield from parts
    if _is_of_none(line, mention):
        yield from _of_none(line, mention)
    elif not _is_unclear(line, mention):
        yield from _sides(line, mention)
        yield from _predicates(line, mention)


_NOR = r"(?:,?Z[DA]?[No]?[wC]{0,2}[OS]){0,3}"
_OF_NO_THING = re.compile(rf"{_NOR}[wPLfTt]{{0,3}}?D?B(?P<is>[wXZ&bCc,]*)(?:f?(?P<side>P))?")


def _is_of_none(line: Line, mention: _Mention) -> bool:
    """Return whether what is said of things that are there is denied: `none of the boats`, `neither the boat nor …`."""
    return line.shape[: mention.start].endswith("Zf") or line.words(mention.start, mention.start + 1) in _EITHER


_EITHER = ("neither", "nor")


def _of_none(line: Line, mention: _Mention) -> list[Claim]:
    """Return the colours and the side that no such thing has: `No boat is red` does not say that there is none."""
    found = _OF_NO_THING.match(line.shape, mention.end, mention.sentence.end)
    if not found or mention.sentence.asks:
        return []
    said = [*_colours(line, *found.span("is"), mention.start, mention.kind)]
    if found["side"]:
        words = line.words(mention.start, found.end())
        said.append(Claim("position", line.tokens[found.start("side")].means, words, mention.kind))
    return [replace(claim, denied=not claim.denied) for claim in said]


def _is_unclear(line: Line, mention: _Mention) -> bool:
    """Return whether what is said of a thing need not be so: `if the boat is red`, `not all the boats are red`."""
    return line.shape[: mention.start].endswith("X") or _is_supposed(line, mention.sentence, mention.start)


def _is_supposed(line: Line, sentence: _Sentence, at: int) -> bool:
    start = at - len(_clause(line.shape, sentence.start, at))
    turned = (
        at > sentence.start and line.words(sentence.start, sentence.start + 1) == "were" and start == sentence.start
    )
    return turned or any(token.means == SUPPOSED for token in line.tokens[start:at])


def _denial(mention: _Mention, words: str, parts: list[Claim]) -> Iterator[Claim]:
    """`no boat` denies the boat, `no red boat` its colour; what more denies is not clear."""
    if not parts:
        yield Claim("object", mention.kind, words, mention.kind, denied=True)
    elif len(parts) == 1 and parts[0].about != "number":
        yield replace(parts[0], denied=True)


def _parts(line: Line, mention: _Mention, words: str) -> Iterator[Claim]:
    """Yield number and colour as the noun phrase says them."""
    inside = range(mention.start, mention.end)
    numbers = [line.tokens[at].means for at in inside if line.shape[at] in "No"]
    colours = [line.tokens[at].means for at in inside if line.shape[at] == "C"]
    plural = ">1" if line.shape[mention.end - 1] == "S" else "1"
    number = next(iter([*numbers, *_number_after(line, mention.end), plural]))
    yield Claim("number", number, words, mention.kind, implied=number == plural and not numbers)
    if len(colours) == 1:
        yield Claim("colour", colours[0], words, mention.kind)


def _number_after(line: Line, at: int) -> list[str]:
    found = re.match(r",N(?=[.,;!h]|$)", line.shape[at : at + 3])
    return [line.tokens[at + 1].means] if found else []


def _predicates(line: Line, mention: _Mention) -> Iterator[Claim]:
    found = _OF_THING.match(line.shape, mention.end, mention.sentence.end)
    if not found or mention.sentence.asks:
        return
    group = found.lastgroup or "is"
    yield from _colours(line, *found.span(group), mention.start, mention.kind)


def _colours(line: Line, start: int, end: int, since: int, kind: Kind) -> Iterator[Claim]:
    """Yield the colours of a predicate; `not red but blue` denies one and claims another."""
    for at in range(start, end):
        if line.shape[at] == "C" and line.shape[at + 1 : at + 2] not in ("O", "S", "n"):
            denied = bool(re.search(r"[XZ][wC&]{0,1}$", line.shape[start:at]))
            yield Claim("colour", line.tokens[at].means, line.words(since, at + 1), kind, denied=denied)


def _sides(line: Line, mention: _Mention) -> Iterator[Claim]:
    for at in mention.sentence.sides.get(mention.end, ()):
        if not mention.sentence.asks or at <= mention.end:
            words = line.words(min(at, mention.start), max(at + 1, mention.end))
            denied = "X" in line.shape[mention.end : at]
            yield Claim("position", line.tokens[at].means, words, mention.kind, denied=denied)


# ---- what is said of the only thing named


def _kinds(line: Line) -> Iterator[Kind]:
    """Yield all things named in a line, claimed or not."""
    return (line.tokens[at].means for at, part in enumerate(line.shape) if part in "OS")  # type: ignore[misc]


def _only(kinds: Iterable[Kind]) -> Kind | None:
    named = {*kinds}
    return named.pop() if len(named) == 1 else None


def _antecedent(named: list[_Mention], asked: _Asked, at: int) -> Kind | None:
    """Return the only thing named before a place in the line, or, where none is, the one that was asked about."""
    before = [mention.kind for mention in named if mention.start < at]
    return _only(before) if before else asked.kind


_ONES = re.compile(r"(?<!D)(?P<number>N(?=h|C))?(?P<colour>(?<!DN)C(?=n))?(?<=[NC])[hn]")
_COLOUR = re.compile(r"(?:^|(?<=[,;&.!?w]))(?P<colour>C)(?![OSn])")
_NUMBER = re.compile(r"(?:^|(?<=[,;wFB.!?]))(?P<number>N)(?=[.,;!]|$)")
_ANY_NUMBER = re.compile(r"(?P<number>N)")
_POSITION = re.compile(r"(?P<position>P)")


def _of_sentence(line: Line, sentence: _Sentence, named: list[_Mention], asked: _Asked) -> Iterator[Claim]:
    """Yield what a sentence says of the only thing named so far."""
    for found in _OF_IT.finditer(line.shape, sentence.start, sentence.end):
        here = [mention for mention in named if mention.sentence is sentence]
        it = _antecedent(here, _NOTHING, found.start()) or _antecedent(named, asked, found.start())
        if it and not _is_supposed(line, sentence, found.start()):
            yield from _colours(line, *found.span("is"), found.start(), it)
    for found in _OF_NONE.finditer(line.shape, sentence.start, sentence.end):
        if it := _antecedent(named, asked, found.start()):
            said = _colours(line, *found.span("is"), found.start(), it)
            yield from (replace(claim, denied=not claim.denied) for claim in said)
    kind = _antecedent(named, asked, sentence.end)
    if kind is None:
        return
    for found in _ONES.finditer(line.shape, sentence.start, sentence.end):
        yield from _read_off(line, found, "number", kind)
        yield from _read_off(line, found, "colour", kind)
    if not sentence.things:
        yield from _fragment(line, sentence, kind, asked.about)


def _read_off(
    line: Line, found: re.Match[str] | None, about: About, kind: Kind, denied: bool = False
) -> Iterator[Claim]:
    """Yield what the token says that a pattern found under the name of a kind of claim, if it found any."""
    at = found.start(about) if found else -1
    if found and at >= 0:
        words = line.words(found.start() if about == "number" else at, found.end())
        yield Claim(about, line.tokens[at].means, words, kind, denied=denied)


def _fragment(line: Line, sentence: _Sentence, kind: Kind, asked: str) -> Iterator[Claim]:
    """Yield what a sentence without a thing says of the only one: `Yellow, plain as butter.`, `On the left, lad.`"""
    start, end = sentence.start, sentence.end
    if (colour := _COLOUR.search(line.shape, start, end)) and not re.search(
        r"[RBUE]", line.shape[start : colour.end() - 1]
    ):
        yield from _read_off(line, colour, "colour", kind)
    number = (_ANY_NUMBER if asked == "number" else _NUMBER).search(line.shape, start, end)
    if number and not re.search(r"[UE]|IB", line.shape[start : number.end() - 1]):
        yield from _read_off(line, number, "number", kind)
    for side in _POSITION.finditer(line.shape, start, end):
        before = line.shape[start : side.start()]
        if asked == "position" or "I" not in before:
            yield from _read_off(line, side, "position", kind, denied="X" in before)


# ---- the picture as a whole

_WHOLE: dict[str, About] = {"W": "weather", "T": "time", "L": "place", "c": "weather"}
_NOT_NOW = re.compile(r"[Ee]|M[wC]*$")
_NOT_SO = re.compile(r"Z[wCA]*$|X[BFwAtfZ]{0,3}$")
_GONE = re.compile(r"[Bf]?w?a")


def _of_whole(line: Line, sentence: _Sentence, asked: str) -> Iterator[Claim]:
    for at in range(sentence.start, sentence.end):
        part = line.shape[at]
        if part in _WHOLE and (part != "c" or asked == "weather") and (claim := _whole(line, sentence, at)):
            yield claim


def _whole(line: Line, sentence: _Sentence, at: int) -> Claim | None:
    before, after = _clause(line.shape, sentence.start, at), _rest(line.shape, at + 1)
    if _NOT_NOW.search(before) or after.startswith("e"):
        return None
    unreal = "U" in before
    definite = re.search(r"D[wCW]*$", before) and not (sentence.asks and unreal)
    generic = before.endswith("A") and re.match(r"B(?:[ZA]|wA)", after)
    if not definite and (generic or sentence.asks or unreal):
        return None
    denied = bool(_NOT_SO.search(before) or _GONE.match(after))
    words = line.words(max(sentence.start, at - 2), at + 1)
    return Claim(_WHOLE[line.shape[at]], line.tokens[at].means, words, denied=denied)


# ---- questions and their answers

_OPEN = re.compile(r"\b(?:what|which|how|why|who|whose|when)\b|^\W*where|[,.] where\b", re.IGNORECASE)
_ASKS = (
    ("colour", re.compile(r"\bcolou?r", re.IGNORECASE)),
    ("number", re.compile(r"\bhow many|\bcount\b", re.IGNORECASE)),
    ("position", re.compile(r"\bwhere\b|\bside\b", re.IGNORECASE)),
    ("weather", re.compile(r"\bweather\b|\bsky\b", re.IGNORECASE)),
)
_REPLIES = re.compile(r"^(?:[w,;.!]){0,4}?(?:(?P<yes>Y)|(?P<no>K|Z(?=[.,;!]|$)|Zw[.,;!]))")


def _last_question(before: str) -> str:
    """Return the question that a line ends with, or else the line."""
    said = before.rstrip()
    return f"{re.split('[.!?]', said[:-1])[-1]}?" if said.endswith("?") else said


def _asked_about(heard: str) -> str:
    return next((about for about, asks in _ASKS if asks.search(heard)), "")


def _answers(line: Line, heard: str) -> list[Claim]:
    """Return what a yes or a no at the start says: what the question asked, less what it took for granted."""
    reply = _REPLIES.match(line.shape)
    if not reply or "?" not in heard or _OPEN.search(heard):
        return []
    stated = _each_once(list(_claims(read(heard.replace("?", ".")), _Asked())))
    granted = {claim.said for claim in _claims(read(heard), _Asked())}
    open_ones = [c for c in stated if c.said not in granted and not c.implied]
    if reply["yes"]:
        return [replace(c, denied=False) for c in open_ones]
    return [replace(c, denied=True) for c in open_ones] if len(open_ones) == 1 else []
