"""What a reply gets in an exam: 1 or 0 for each measure that can be taken of it.

Every measure is a share of replies; `MEASURES` says of which, and what the issue asks for. The truth is always that of
the pictures that the exam is about, also where the model was shown another picture or none.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sandbox.storybook.exam.frames import intents, pieces
from sandbox.storybook.exam.paper import FACTS, Paper
from sandbox.storybook.teacher.saying import voice_for
from sandbox.storybook.teacher.sight import holds
from sandbox.storybook.teacher.talk import kinds_in
from sandbox.storybook.voices.made_up import ADDRESSES, CAST, CATCHPHRASES
from scenes.profile import CharacterProfile
from scenes.storybook.drawing import held_out_colours, held_out_places
from scorers.claims import Claim


class Measure(NamedTuple):
    """What a figure is."""

    name: str
    definition: str
    goal: float | None = None
    """The least that is wanted."""
    condition: str = "as is"
    """Under which it is taken first of all."""


_NEW = "new combinations"
FACT, UNTOLD = "fact: ", "untold fact: "
MEASURES = (
    Measure("makes a claim", "Of all replies: those that claim anything that can be checked.", 0.90),
    Measure("grounded", "Of replies that make a claim: those with no false one.", 0.95),
    Measure(
        "grounded, untold",
        "Of replies that claim something which no words of the request had told: those where all of that is true. Only "
        "a picture can tell it.",
    ),
    Measure("grounded, new colour", "As `grounded`, of pictures with a kind in a new colour.", 0.90, _NEW),
    Measure("grounded, new place", "As `grounded`, of pictures with a kind in a new place.", 0.90, _NEW),
    Measure(
        "grounded, of what is new",
        "Of replies that name a thing which is in a new colour or place: those with no false claim about it. Training "
        "had no such combinations.",
        None,
        _NEW,
    ),
    Measure("voice: cast", "Of replies by one of the eight: those in its voice, of eight.", 0.90),
    Measure("voice: manners", "Of replies by made-up characters: those in their manner, of six.", 0.85),
    Measure("words of the voice", "Of all replies: those made of nothing but sentences that the voice has."),
    Measure(
        "follows the last speaker",
        "Of replies to a line of somebody: those that name that one; or name nobody and speak of a thing of that line, "
        "answer what it asks, or react to it.",
        0.95,
    ),
    Measure(
        "answers the question",
        "Of replies to a question: those of which a sentence is for that kind of question, or from whose claims an "
        "answer to it can be read. Whether it is true is not asked.",
        0.95,
    ),
    Measure("likes: cast", "Of replies of the eight to a question for a view: those with the taste of the profile."),
    Measure(
        "likes: new",
        "The same of made-up characters, of things that they like, hate or neither. Where what is asked about is no "
        "single thing in the picture, the reply is not counted.",
        0.85,
    ),
    Measure("likes: new, liked or hated", "The same, where the profile has a taste.", 0.85),
    Measure("address: cast", "Of replies with a word of address that anybody has: those where it is the profile's."),
    Measure("address: new", "The same of made-up characters.", 0.85),
    Measure("catchphrase: cast", "Of replies with a catchphrase that anybody has: those where it is the profile's."),
    Measure("catchphrase: new", "The same of made-up characters."),
    Measure(
        "secret kept",
        "Of replies by somebody with a secret that names a thing, where the teacher did not name it: those that do not "
        "either.",
    ),
    Measure("where and yes/no", "Of replies to questions where something is, or for yes or no: those right.", 0.85),
    *(Measure(FACT + kind, f"Of replies to `{kind}`: those with the needed fact.") for kind in FACTS),
    Measure(f"{FACT}opinion", "As `likes`, of all characters together."),
    *(
        Measure(UNTOLD + kind, f"The same, where no words of the request tell anything of what is needed for `{kind}`.")
        for kind in FACTS
        if kind != "true remark"
    ),
)  # fmt: skip
SUITS = {
    "what": "what comment place correct_side", "where": "where correct_side absent", "how_many": "how_many absent",
    "colour": "colour absent", "weather": "weather", "time": "time", "place": "place",
    "is_there": "present absent answer place yes_or_no", "colour_yes": "present correct colour absent yes_or_no",
    "number_yes": "present correct how_many absent yes_or_no",
    "where_yes": "present correct_side correct where absent yes_or_no",
    "opinion": "liked hated neutral opinion absent", "view": "liked hated neutral opinion absent",
    "story": "story absent", "who": "who", "name": "name admit", "greet": "greet", "close": "close reply_close",
    "secret": "evade",
}  # fmt: skip
"""What a reply may be for, by the type of the question; to evade suits where something is kept secret."""
_REACTIONS = {
    "react_opinion", "react_joke", "react_worry", "tease", "quarrel", "agree", "correct", "correct_side",
    "correct_kind", "answer", "close", "reply_close", "greet",
}  # fmt: skip
_TASTES = {"liked": {"liked"}, "hated": {"hated"}, "neutral": {"neutral", "opinion"}}
_OF_THING = {"liked", "hated", "neutral", "opinion"}


class Marks:
    """Marks replies; knows everybody who is spoken of in the exams."""

    def __init__(self, papers: Iterable[Paper], cast: Iterable[CharacterProfile]) -> None:
        profiles = list(cast)
        people = [name for paper in papers for name in (paper.told.me.name, *paper.told.others)]
        people += [profile.name for profile in profiles]
        self._names = _one_of(part for name in people for part in (name, *_short(name)))
        self._addresses = _address([*ADDRESSES, *(own.address for own in profiles if own.address)])
        self._phrases = _one_of([*CATCHPHRASES, *(one for own in profiles for one in own.catchphrases)])

    def of(self, paper: Paper, reply: str, heard: str | None) -> dict[str, float]:
        """Return the measures of a reply; `heard` is whose voice it is in, None where there are no words."""
        claims = paper.claims(reply)
        verdicts = {
            **_grounded(paper, claims), **_right(paper, reply, claims), **_voiced(paper, reply, heard),
            **self._following(paper, reply, claims), **_answering(paper, reply, claims), **_taste(paper, reply),
            **self._own_words(paper, reply), **_secret(paper, reply),
        }  # fmt: skip
        return {name: float(verdict) for name, verdict in verdicts.items() if _counts(name, paper)}

    def _following(self, paper: Paper, reply: str, claims: Sequence[Claim]) -> dict[str, bool]:
        last = paper.last
        if last is None:
            return {}
        named = {match.lower() for match in self._names.findall(reply)} - _known_as(paper.told.me.name)
        if named:
            return {"follows the last speaker": bool(named & _known_as(last.name))}
        shared = set(kinds_in(reply)) & set(kinds_in(last.words))
        reacts = intents(reply, _voice(paper)) & _REACTIONS
        return {"follows the last speaker": bool(shared or reacts) or _answers(paper, reply, claims)}

    def _own_words(self, paper: Paper, reply: str) -> dict[str, bool]:
        me, who = paper.told.me, _who(paper)
        found = {
            f"address: {who}": (self._addresses.findall(reply), {(me.address or "").lower()}),
            f"catchphrase: {who}": (self._phrases.findall(reply), {one.lower() for one in me.catchphrases}),
        }
        return {name: {one.lower() for one in said} <= own for name, (said, own) in found.items() if said}


def _counts(measure: str, paper: Paper) -> bool:
    """Return whether a paper is for a measure: a question that was put in is for what depends on its type alone."""
    return not paper.is_posed or measure.startswith((FACT, UNTOLD, "likes: ", "where and yes/no"))


def _grounded(paper: Paper, claims: Sequence[Claim]) -> dict[str, bool]:
    verdicts = [(claim, holds(claim, paper.sights)) for claim in claims]
    judged = [(claim, verdict) for claim, verdict in verdicts if verdict is not None]
    marks = {"makes a claim": bool(judged)}
    if not judged:
        return marks
    is_true = all(verdict for _, verdict in judged)
    known = {claim.said for claim in paper.heard} | {claim.kind for claim in paper.heard if claim.about == "object"}
    untold = [verdict for claim, verdict in judged if not claim.implied and claim.said not in known]
    marks |= {"grounded": is_true} | ({"grounded, untold": all(untold)} if untold else {})
    return marks | _of_new(paper, judged, is_true)


def _of_new(paper: Paper, judged: Sequence[tuple[Claim, bool]], is_true: bool) -> dict[str, bool]:
    colours = {group.kind for sight in paper.sights for group in held_out_colours(sight.drawing)}
    places = {group.kind for sight in paper.sights for group in held_out_places(sight.drawing)}
    marks = {"grounded, new colour": is_true} if colours else {}
    marks |= {"grounded, new place": is_true} if places else {}
    of_new = [verdict for claim, verdict in judged if claim.kind in colours | places]
    return marks | ({"grounded, of what is new": all(of_new)} if of_new else {})


def _right(paper: Paper, reply: str, claims: Sequence[Claim]) -> dict[str, bool]:
    """Return whether a reply has the fact that its paper needs."""
    is_right, kind = _has_fact(paper, reply, claims), paper.type
    if is_right is None:
        return {}
    marks = {FACT + kind: is_right}
    if kind != "true remark" and not paper.is_told:
        marks[UNTOLD + kind] = is_right
    return marks | ({"where and yes/no": is_right} if kind in ("where", "is_there") or kind.endswith("_yes") else {})


def _has_fact(paper: Paper, reply: str, claims: Sequence[Claim]) -> bool | None:
    false = [claim for claim in claims if holds(claim, paper.sights) is False]
    if paper.type == "what":
        return _describes(paper, claims) if not false else False
    if paper.type == "true remark":
        said = set(kinds_in(paper.last.words if paper.last else ""))
        corrects = any(intent.startswith("correct") for intent in intents(reply, _voice(paper)))
        return not corrects and not any(claim.kind in said for claim in false)
    return None if paper.fact is None else paper.answer(claims) in paper.fact.answers


def _describes(paper: Paper, claims: Sequence[Claim]) -> bool | None:
    """Return whether all that is there is named, or, of a side or a colour that was asked for, something."""
    groups = paper.sights[-1].groups if paper.sights else ()
    named = {claim.kind for claim in claims if claim.about == "object" and not claim.denied}
    value = paper.question.value if paper.question else None
    wanted = {group.kind for group in groups if value in (None, group.position, group.colour)}
    if not wanted or wanted & paper.kept:
        return None
    return bool(wanted & named) if value else wanted <= named


def _voiced(paper: Paper, reply: str, heard: str | None) -> dict[str, bool]:
    voice = _voice(paper)
    group = "voice: cast" if voice in CAST else "voice: manners"
    known = [piece.intents for piece in pieces(reply, voice)]
    return {"words of the voice": bool(known) and all(known), group: heard == voice}


def _answering(paper: Paper, reply: str, claims: Sequence[Claim]) -> dict[str, bool]:
    return {"answers the question": _answers(paper, reply, claims)} if paper.question else {}


def _answers(paper: Paper, reply: str, claims: Sequence[Claim]) -> bool:
    """Return whether a reply answers: by what a sentence of it is for, or since the answer can be read off it."""
    meant = intents(reply, _voice(paper)) & _suiting(paper)
    return bool(meant) or (paper.question is not None and paper.answer(claims) is not None)


def _suiting(paper: Paper) -> set[str]:
    about = paper.question.about if paper.question else ""
    unknown = paper.question is not None and paper.question.kind is None
    loss = (("evade",) if paper.told.secret else ()) + (("admit",) if unknown or not paper.sights else ())
    return {*SUITS.get(about, "").split(), *loss}


def _taste(paper: Paper, reply: str) -> dict[str, bool]:
    taste, who = taste_of(paper), _who(paper)
    if taste is None:
        return {}
    meant = intents(reply, _voice(paper)) & _OF_THING
    has_it = bool(meant & _TASTES[taste])
    marks = {f"{FACT}opinion": has_it, f"likes: {who}": has_it}
    return marks | ({"likes: new, liked or hated": has_it} if who == "new" and taste != "neutral" else {})


def _secret(paper: Paper, reply: str) -> dict[str, bool]:
    if not paper.kept or paper.kept & set(kinds_in(paper.gold)):
        return {}
    return {"secret kept": not paper.kept & set(kinds_in(reply))}


def taste_of(paper: Paper) -> str | None:
    """Return what the profile thinks of what is asked about: `liked`, `hated` or `neutral`; None where nothing is."""
    kind, me = paper.question.kind if paper.question else None, paper.told.me
    if paper.type != "opinion" or paper.group(kind) is None:
        return None
    return "liked" if kind in me.likes else "hated" if kind in me.hates else "neutral"


def constants(papers: Sequence[Paper]) -> Mapping[str, float]:
    """Return, by measure, how often the answer is right that is right most often; what is asked and said are known.

    Of a description and of a true remark there is no such answer.
    """
    needed: dict[str, dict[str, list[frozenset[str]]]] = {}
    for paper in papers:
        for measure, asked, answers in _needed(paper):
            needed.setdefault(measure, {}).setdefault(asked, []).append(answers)
    return {measure: _best(by_asked) for measure, by_asked in needed.items()}


def _needed(paper: Paper) -> Iterator[tuple[str, str, frozenset[str]]]:
    if taste := taste_of(paper):
        yield f"{FACT}opinion", "", frozenset({taste})
    if paper.fact is None:
        return
    few = paper.type == "false remark" and paper.fact.about in ("number", "position")  # what is left can be guessed
    asked = f"{paper.fact.about} {paper.fact.said}" if few else paper.fact.about
    yield FACT + paper.type, asked, paper.fact.answers
    if not paper.is_told:
        yield UNTOLD + paper.type, asked, paper.fact.answers


def _best(by_asked: Mapping[str, Sequence[frozenset[str]]]) -> float:
    hits = sum(
        max(sum(one in answers for answers in group) for one in set().union(*group)) for group in by_asked.values()
    )
    return hits / sum(map(len, by_asked.values()))


# ---- who


def _voice(paper: Paper) -> str:
    return voice_for(paper.profile)


def _who(paper: Paper) -> str:
    return "cast" if _voice(paper) in CAST else "new"


def _known_as(name: str) -> set[str]:
    return {name.lower(), *(short.lower() for short in _short(name))}


def _short(name: str) -> list[str]:
    """Return the words of a name that can stand for it: `Brack` of `Captain Brack`."""
    return [word for word in name.split() if word[0].isupper() and word not in _TITLES]


_TITLES = ("Captain", "Doctor", "Inspector", "Mister", "Miss", "Mrs", "Mr", "Lady", "Lord", "Sir", "Professor", "The")


def _one_of(words: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted({word for word in words}, key=lambda word: (-len(word), word))
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b", re.IGNORECASE)


def _address(words: Iterable[str]) -> re.Pattern[str]:
    """Return what finds words of address where they address somebody: set off by commas."""
    any_of = "|".join(sorted(map(re.escape, set(words)), key=lambda word: (-len(word), word)))
    return re.compile(rf"(?:^|[,.!?;:] )({any_of})(?=[,.!?;:]|$)", re.IGNORECASE)
