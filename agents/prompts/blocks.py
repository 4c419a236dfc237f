"""The pieces of text that the layouts share: profiles, notes on a picture, the scene, one turn as a line."""

import re
from collections.abc import Iterable, Iterator, Sequence

from agents.prompts.wording import worded
from scenes.chat import Segment
from scenes.event import NARRATOR
from scenes.profile import SECTION_TITLES, CharacterProfile
from scenes.scene import PastTurn, Shown, View

LANGUAGES = {"en": "English", "zh": "Chinese", "de": "German", "es": "Spanish", "fr": "French", "ja": "Japanese"}


KNOWN = "What is known of this picture:"


def language_name(tag: str) -> str:
    """Return what prompts call the language of a tag; the tag itself where we have no name for it."""
    return LANGUAGES.get(tag.split("-")[0], tag)


def introduced(profile: CharacterProfile, language: str = "en") -> str:
    """Return the name with what places it: `Brack, a gruff sea captain, from the Storybook Coast`."""
    world = worded("from {world}", language).format(world=profile.world) if profile.world else None
    return comma(language).join(part for part in (profile.name, profile.role, world) if part)


def comma(language: str) -> str:
    """Return what parts the members of a list."""
    return "，" if language.split("-")[0] == "zh" else ", "


def met(profile: CharacterProfile, language: str = "en") -> str:
    """Return what all know of somebody: as introduced, or who has no role in the first sentence of its introduction."""
    role = profile.role or _first_sentence(profile) or None
    return introduced(profile.model_copy(update={"role": role}), language)


def sections(profile: CharacterProfile) -> str:
    """Return the profile in MMRole's five sections under headings (MMRole, prompt format), with likes and manner."""
    written = []
    for section, title in SECTION_TITLES.items():
        value = getattr(profile, section)
        text = "\n".join(f"- {phrase}" for phrase in value) if isinstance(value, tuple) else value
        if text:
            written.append(f"### {title}\n{text}")
    return "\n".join([*written, *_manner(profile)]) or introduced(profile)


def _manner(profile: CharacterProfile) -> Iterator[str]:
    if profile.likes:
        yield f"Likes: {', '.join(profile.likes)}"
    if profile.hates:
        yield f"Hates: {', '.join(profile.hates)}"
    if profile.address:
        yield f"Calls people: {profile.address}"


def sheet(profile: CharacterProfile) -> str:
    """Return the profile in one line, in the words the storybook model was trained on."""
    who = profile.role or _first_sentence(profile)
    line = f"You are {profile.name}, {who}." if who else f"You are {profile.name}."
    if profile.likes:
        line += f" You like: {', '.join(profile.likes)}."
    if profile.hates:
        line += f" You hate: {', '.join(profile.hates)}."
    if profile.address:
        line += f" You call people {profile.address}."
    if profile.catchphrases:
        line += f" You say: {', '.join(profile.catchphrases)}."
    return line


def _first_sentence(profile: CharacterProfile) -> str:
    text = profile.introduction or profile.personality or ""
    words = unended(re.split(r"\.\s|。", text.replace("\n", " "), maxsplit=1)[0]).split()
    return " ".join(words[:40])[:400]


def unended(text: str) -> str:
    """Return `text` without the mark at its end, to be followed by another."""
    return text.strip().rstrip(".。,，;；")


def private_lines(view: View) -> list[str]:
    """Return what this character alone knows."""
    return [text for text in (view.me.private, view.secret) if text]


def standing(view: View) -> str:
    """Return where and how the character is now, as an address to it; empty if nothing is said of it."""
    now, language = view.now, view.language
    at = worded("at the place called {place}", language).format(place=now.place) if now.place else None
    how = comma(language).join(unended(part) for part in (at, now.position, now.state) if part)
    return worded("You are now: {how}.", language).format(how=how) if how else ""


def inner(view: View, recalled: Iterable[PastTurn]) -> list[str]:
    """Return what is in the character's head now: what it believes, and what it remembers of what was long ago."""
    thoughts = {
        "What you believe, wish and mean to do: {text}": view.now.belief,
        "What you make of the others and of where you are: {text}": view.now.surroundings,
    }
    lines = [worded(what, view.language).format(text=text) for what, text in thoughts.items() if text]
    remembered = [line(turn) for turn in recalled]
    if any(remembered):
        lines.append("\n".join([worded("You remember:", view.language), *(f"- {text}" for text in remembered if text)]))
    return [text for text in lines if text]


def ways(view: View) -> str:
    """Return how to whisper and where one can go; empty where there is nobody to hide words from and nowhere to go."""
    told, language = [], view.language
    if len(view.others) > 1:
        told.append(worded("Words after (whispers to NAME) are heard by that one alone.", language))
    if len(view.places) > 1:
        going = worded("(goes to PLACE) takes you there; there are: {places}.", language)
        told.append(going.format(places=", ".join(view.places)))
    return " ".join(told)


def scene_text(view: View) -> str:
    """Return what everybody knows of the scene, in the same words for all: premise, time, who is there."""
    language = view.language
    people = worded("In the scene: {people}.", language)
    there = "; ".join(met(profile, language) for profile in everybody(view))
    lines = (view.premise, time_line(view.now.time or view.time, language), people.format(people=there))
    return "\n".join(text for text in lines if text)


def time_line(time: str | None, language: str) -> str | None:
    """Return when it is, as a line of its own."""
    return worded("Time: {time}.", language).format(time=unended(time)) if time else None


def everybody(view: View) -> list[CharacterProfile]:
    """Return the public profiles of the whole cast in one order for all, which is what lets them share a text."""
    people = [view.me.public(), *view.others]
    return sorted((profile for profile in people if profile.name != view.player), key=lambda profile: profile.name)


def picture_segments(pictures: Iterable[Shown], language: str) -> Iterator[Segment]:
    """Yield the pictures in sight, each with its notes."""
    for shown in pictures:
        yield Segment("images", "user", image=shown.image, glue="\n")
        if shown.notes:
            yield Segment("images", "user", f"{worded(KNOWN, language)}\n{shown.notes.told()}", glue="\n")


def turn_pictures(turn: PastTurn, language: str, notes: bool = True) -> Iterator[Segment]:
    """Yield the pictures that came into sight in `turn`, with their `notes` or without, as part of the history."""
    for event in turn.events:
        if event.image:
            yield Segment("history", "user", worded("A new picture comes into sight:", language), glue="\n")
            yield Segment("history", "user", image=event.image, glue="\n")
            if event.text and notes:
                yield Segment("history", "user", f"{worded(KNOWN, language)}\n{event.text}", glue="\n")


def last_told(past: Sequence[PastTurn], before: int | None = None) -> int | None:
    """Return the place of the last turn with words in it; empty replies and new pictures have none.

    Of those `before` a place, where one is given.
    """
    end = len(past) if before is None else before
    for at in range(end - 1, -1, -1):
        if past[at].words:
            return at
    return None


def begun(view: View) -> bool:
    """Return whether anybody but the narrator has said or done anything that this view holds."""
    return any(turn.actor != NARRATOR and turn.words for turn in view.past)


def line(turn: PastTurn, label: str | None = None) -> str:
    """Return `Name: words` for a turn; empty if nothing was said or done."""
    return f"{label or turn.actor}: {turn.words}" if turn.words else ""
