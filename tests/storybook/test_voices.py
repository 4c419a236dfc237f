"""The banks of frames: complete, apart from one another, and read by the grounding scorer as what was planted."""

import re
from collections import Counter
from functools import cache
from itertools import combinations, pairwise
from random import Random

import pytest
import yaml
from pydantic import ValidationError

from sandbox.storybook.voices import words
from sandbox.storybook.voices.bank import NARRATOR, Bank, Frame, frames, voices
from sandbox.storybook.voices.intents import INTENTS, QUARREL, SLOTS, TALK, TOLD
from sandbox.storybook.voices.made_up import CAST, MANNERS, made_up, voice_of
from scenes.profile import CharacterProfile
from scenes.storybook.cast import read_shipped, shipped_characters
from scenes.storybook.drawing import (
    BACKDROPS,
    COLOURS,
    KINDS,
    PLACES,
    POSITIONS,
    TIMES,
    WEATHERS,
    Drawing,
    Group,
    Kind,
    sample,
)
from scorers.claims import Claim, claims_in, is_true
from scorers.shape import read

LEAST_OF_A_MANNER = {15: 6, 8: 4}
DRAWINGS = 4
SPEAKER = {
    "me": "Tom Vane",
    "role": "a dry clerk",
    "address": "lad",
    "catchphrase": "so it goes",
    "liked": "apples",
    "hated": "fog",
    "actor": "Pip",
    "deed": "looks away",
}
EVERY = [(voice, intent) for voice in voices() for intent in (TOLD if voice == NARRATOR else TALK)]
ALONE = frozenset({"agree", "correct", "correct_side", "correct_kind", "answer"})
"""Read without the line before: what was said there is the planner's."""


@cache
def every_frame() -> tuple[tuple[str, Frame], ...]:
    of_intents = [(voice, frame) for voice, intent in EVERY for frame in frames(voice, intent)]
    return (*of_intents, *((voice, frame) for voice in CAST for frame in frames(voice, QUARREL)))


def absent_from(drawing: Drawing, rng: Random) -> Kind:
    shown = {group.kind for group in drawing.groups} | {BACKDROPS.get(drawing.place)}
    return rng.choice([kind for kind in KINDS if kind not in shown])


def filled(frame: Frame, drawing: Drawing, group: Group, absent: Kind, other: str = "Pip") -> tuple[str, str]:
    """Return the line and the question that it answers."""
    slots = {**SPEAKER, "other": other, **words.of_group(group), **words.of_drawing(drawing), **words.of_absent(absent)}
    asked = "" if frame.intent in ALONE or frame.intent == QUARREL else INTENTS[frame.intent].asked
    return frame.filled(**slots), asked.format_map(slots)


def planted(frame: Frame, drawing: Drawing, group: Group, absent: Kind) -> set[tuple[str, str, bool]]:
    """Return the claims that a frame has to make: what of, what, and whether it is denied."""
    about = set(INTENTS[frame.intent].plants) if frame.intent != QUARREL else set()
    whole = {what: getattr(drawing, what) for what in ("weather", "time", "place")}
    mine = {"object": group.kind, "colour": group.colour, "position": group.position, "number": str(group.number)}
    claims = {(what, (whole | mine)[what], False) for what in about}
    if "scene" in frame.slots:
        return {("object", one.kind, False) for one in drawing.groups}
    return claims | ({("object", absent, True)} if frame.intent in ("absent", "correct_kind") else set())


def misread(frame: Frame, drawing: Drawing, group: Group, absent: Kind) -> str:
    """Return what is wrong with how a filled frame is read; nothing where it is read as what was planted."""
    line, asked = filled(frame, drawing, group, absent)
    claims = claims_in(line, asked)
    false = [claim.said for claim in claims if is_true(claim, [drawing]) is False]
    said = {(claim.about, claim.value, claim.denied) for claim in claims}
    lost = planted(frame, drawing, group, absent) - said
    return f"{line} -- false: {false}, not read: {sorted(lost)}" if false or lost else ""


def changed(drawing: Drawing, group: Group, about: str) -> Drawing | None:
    """Return the drawing with that of a group, or of the whole, made another; None where none fits."""
    if about in ("weather", "time", "place"):
        values = {"weather": WEATHERS, "time": TIMES, "place": PLACES}[about]
        seen_as = {"rain": "cloudy", "snow": "cloudy"}
        now = getattr(drawing, about)
        other = next(value for value in values if value != now and seen_as.get(value) != now)
        return drawing.model_copy(update={about: other})
    swaps = {"object": ("kind", KINDS), "colour": ("colour", COLOURS), "position": ("position", POSITIONS)}
    field, choices = swaps.get(about, ("number", (1, 2)))
    taken = {getattr(one, field) for one in drawing.groups}
    free = [value for value in choices if value not in (taken if field == "kind" else {getattr(group, field)})]
    groups = tuple(one.model_copy(update={field: free[0]}) if one is group else one for one in drawing.groups)
    return drawing.model_copy(update={"groups": groups})


@pytest.mark.parametrize("voice", [voice for voice in voices() if voice != NARRATOR])
def test_every_voice_has_frames_enough_for_every_intent(voice: str) -> None:
    wanted = {name: intent.least for name, intent in TALK.items()}
    least = {name: LEAST_OF_A_MANNER[number] if voice in MANNERS else number for name, number in wanted.items()}
    assert [name for name in TALK if len(frames(voice, name)) < least[name]] == []


def test_the_narrator_has_frames_enough() -> None:
    assert [name for name in TOLD if len(frames(NARRATOR, name)) < TOLD[name].least] == []


def test_all_the_cast_and_all_manners_have_a_bank_and_nobody_else() -> None:
    assert {*CAST} == {*shipped_characters()}
    assert {*voices()} == {*CAST, *MANNERS, NARRATOR}
    assert len(CAST) == 8


def test_everybody_of_the_cast_has_something_for_each_of_the_others() -> None:
    names = {name: yaml.safe_load(read_shipped(name)) for name in CAST}
    for voice in CAST:
        others = [frame for frame in frames(voice, QUARREL) if frame.to]
        assert {frame.to for frame in others} == {*CAST} - {voice}
        for frame in others:
            known = [names[frame.to or ""]["name"], "Otto", "Smallest professor"]
            assert any(name in frame.text for name in known), frame.text


def test_no_frame_is_said_by_two_or_twice() -> None:
    times = Counter(re.sub(r"\W+", " ", frame.text.casefold()).strip() for _, frame in every_frame())
    assert [text for text, number in times.items() if number > 1] == []


def test_no_frame_is_long_winded() -> None:
    assert [frame.text for _, frame in every_frame() if not 1 < len(frame.text.split()) <= 24] == []


def test_static_words_name_nothing_of_the_drawn_world() -> None:
    named = []
    for _, frame in every_frame():
        line = read(re.sub(r"\{\w+\}", "zzz", frame.text))
        named += [(frame.text, token) for token in line.tokens if token.part in "OSCpPWTgLc"]
    assert named == []


def test_a_catchphrase_is_rare() -> None:
    with_it = sum("catchphrase" in frame.slots for _, frame in every_frame())
    assert 0 < with_it / len(every_frame()) < 0.02


def test_a_slot_that_an_intent_does_not_have_is_refused() -> None:
    with pytest.raises(ValidationError, match="weather; that is not filled here"):
        Frame(intent="colour", text="{colour} under {weather}.")
    with pytest.raises(ValidationError, match="has no slot of"):
        Frame(intent="where", text="Over there.")
    with pytest.raises(ValidationError, match="missing or unknown: action"):
        Bank.model_validate({"frames": {name: "x\n" for name in TALK if name != "action"}})


def test_a_voice_or_an_intent_that_there_is_not_is_named_with_those_that_there_are() -> None:
    with pytest.raises(KeyError, match=r"choose among .*brack"):
        frames("brac", "comment")
    with pytest.raises(KeyError, match=r"no intent .*choose among .*comment"):
        frames("brack", "coment")


def test_each_slot_of_the_list_is_filled_by_somebody() -> None:
    group = Group(kind="apple", colour="orange", position="left")
    drawing = Drawing(place="room", weather="clear", time="day", groups=(group,))
    known = {**words.of_group(group), **words.of_drawing(drawing), **words.of_absent("cat"), **SPEAKER, "other": "Pip"}
    assert known.keys() == SLOTS


def test_articles_agree() -> None:
    orange, red = (Group(kind="apple", colour=colour, position="left") for colour in ("orange", "red"))
    assert (words.thing(orange), words.thing(red)) == ("an orange apple", "a red apple")
    assert words.of_absent("apple")["an_absent"] == "an apple"


@pytest.mark.parametrize(
    ("number", "wanted"), [(1, "The red cat reminds me: it is here."), (2, "The red cats remind me: they are here.")]
)
def test_verbs_agree_with_one_and_with_several(number: int, wanted: str) -> None:
    group = Group(kind="cat", colour="red", number=number, position="left")
    frame = Frame(intent="story", text="{the_thing} remind{s} me: {it} {is} here.")
    assert frame.filled(**words.of_group(group)) == wanted


def test_no_filled_frame_breaks_agreement() -> None:
    ones = r"^the red cats?,? (?:is|was|has|does|needs|makes|looks|deserves|reminds)\b"
    several = r"^the red cat,? (?:are|were|have|do|need|make|look|deserve|remind)\b"
    always = r"\b(?:it (?:are|have)|they (?:is|was|has|does)|(?:this|that) cats|th(?:ese|ose) cat|an? (?:an?|two))\b"
    for number, wrong in ((1, several), (2, ones)):
        group = Group(kind="cat", colour="red", number=number, position="left")
        drawing = Drawing(place="room", weather="fog", time="dusk", groups=(group,))
        lines = [filled(frame, drawing, group, "boat")[0] for _, frame in every_frame()]
        clauses = [clause for line in lines for clause in re.split(r"[.:;!?] ", line)]
        assert [clause for clause in clauses if re.search(f"{wrong}|{always}", clause, re.IGNORECASE)] == []


def test_verbs_that_follow_a_thing_are_slots_or_know_no_number() -> None:
    unmarked = re.compile(r"(?:^|[.:;!?] )\{the_thing\},? (?:is|are|was|were|has|have|does|do)\b(?!\{)")
    assert [frame.text for _, frame in every_frame() if unmarked.search(frame.text)] == []


def test_sentences_begin_with_a_capital_and_stage_directions_do_not() -> None:
    group = Group(kind="cat", colour="red", position="left")
    drawing = Drawing(place="room", weather="fog", time="dusk", groups=(group,))
    for _, frame in every_frame():
        line = filled(frame, drawing, group, "boat", other="Rosa")[0]
        assert "{" not in line
        assert line[0].isupper() != (frame.intent == "action"), line
        assert not re.search(r"[.!?] [a-z]", line), line


def test_filled_frames_are_read_as_exactly_what_was_planted() -> None:
    rng, wrong = Random(7), []
    for voice, frame in every_frame():
        for _ in range(DRAWINGS):
            drawing = sample(rng, held_out=rng.random() < 0.3)
            fault = misread(frame, drawing, rng.choice(drawing.groups), absent_from(drawing, rng))
            wrong += [f"{voice}/{frame.intent}: {fault}"] if fault else []
    assert wrong == []


def test_filled_frames_are_not_grounded_in_a_false_drawing() -> None:
    rng, passed, number = Random(8), [], 0
    for voice, frame in every_frame():
        for about in INTENTS[frame.intent].plants if frame.intent != QUARREL else ():
            drawing = sample(rng)
            group, absent = rng.choice(drawing.groups), absent_from(drawing, rng)
            false = changed(drawing, group, about)
            if false is None or (about == "object" and BACKDROPS.get(false.place) == group.kind):
                continue
            line, asked = filled(frame, drawing, group, absent)
            number += 1
            passed += [f"{voice}: {line} ({about})"] if grounded(claims_in(line, asked), false) else []
    assert number > 3_000
    assert passed == []


def grounded(claims: list[Claim], drawing: Drawing) -> bool:
    return all(is_true(claim, [drawing]) is not False for claim in claims)


def test_frames_of_one_intent_are_different_sentences() -> None:
    """Shared content words, by Jaccard's index, of any two frames of a voice for one intent."""
    close = []
    for voice, intent in EVERY:
        for one, other in combinations(frames(voice, intent), 2):
            mine, theirs = ({*re.findall(r"[a-z']{4,}", frame.text.casefold())} for frame in (one, other))
            if len(mine | theirs) > 6 and len(mine & theirs) / len(mine | theirs) > 0.75:
                close.append((voice, one.text, other.text))
    assert close == []


@pytest.mark.parametrize("voice", CAST)
def test_the_cast_repeats_few_pairs_of_words(voice: str) -> None:
    """Distinct-2 over a character's own words (Li et al. 2016, section 5: distinct n-grams to all)."""
    pairs = Counter[tuple[str, str]]()
    for name in TALK:
        for frame in frames(voice, name):
            tokens = re.findall(r"[a-z']+", re.sub(r"\{\w+\}", "", frame.text.casefold()))
            pairs.update(pairwise(tokens))
    assert len(pairs) / pairs.total() > 0.6


def test_a_made_up_character_is_the_same_for_ever_and_speaks_as_its_profile_says() -> None:
    assert made_up(5) == made_up(5)
    for seed in range(300):
        profile = made_up(seed)
        assert {*MANNERS[voice_of(profile)]} & {*str(profile.role).split()}
        assert profile.likes != profile.hates
        assert re.match(r"an [aeiou]|a [^aeiou]", str(profile.role))


def test_made_up_characters_differ_and_none_is_of_the_cast() -> None:
    profiles = [made_up(seed) for seed in range(1_000)]
    assert len({profile.name for profile in profiles}) > 400
    assert {voice_of(profile) for profile in profiles} == {*MANNERS}
    assert not {word.casefold() for profile in profiles for word in profile.name.split()} & {*CAST}
    assert len({profile.model_dump_json() for profile in profiles}) == 1_000


def test_the_cast_speaks_with_its_own_voices() -> None:
    for name in CAST:
        assert voice_of(CharacterProfile.model_validate(yaml.safe_load(read_shipped(name)))) == name


def test_a_profile_without_a_manner_is_refused_with_the_manners_there_are() -> None:
    with pytest.raises(ValueError, match="tells no manner; use one of blunt"):
        voice_of(CharacterProfile(name="Ada Hobb", role="a tailor"))
