"""Characters made up from parts, so that a model has to read a profile: there are too many of them to remember.

Everything in such a profile is drawn by itself but the personality, which is its manner's; and the manner, told in the
role (`a gloomy ferryman`), decides which bank of frames the character speaks from.
"""

from random import Random

from sandbox.storybook.voices.bank import NARRATOR, voices
from sandbox.storybook.voices.words import with_article
from scenes.profile import CharacterProfile
from scenes.storybook.cast import shipped_characters
from scenes.storybook.drawing import KINDS, WEATHERS

MANNERS: dict[str, tuple[str, ...]] = {
    "blunt": ("blunt", "curt", "plain-spoken"),
    "gloomy": ("gloomy", "mournful", "glum"),
    "merry": ("merry", "jolly", "cheerful"),
    "nosy": ("nosy", "inquisitive", "prying"),
    "pompous": ("pompous", "haughty", "self-important"),
    "shy": ("shy", "timid", "bashful"),
}
"""The voices of made-up characters, each with the adjectives that a profile tells it by."""

_PERSONALITY = {
    "blunt": "{name} uses few words and no padding, and is liked for it by those who can bear it.",
    "gloomy": "{name} expects the worst, sighs when it comes, and shares a shawl with whoever is cold.",
    "merry": "{name} laughs before the joke is over, sings without being asked, and cannot sulk for long.",
    "nosy": "{name} asks, listens at doors, and asks again; nothing is too small to be wondered at.",
    "pompous": "{name} speaks as if a monument were listening, and is kinder than the speeches.",
    "shy": "{name} starts most sentences twice, blushes, and notices what louder people miss.",
}
_FIRST = (
    "Agda", "Bodo", "Cosima", "Dorrit", "Emeric", "Fenna", "Gideon", "Hesper", "Ilse", "Jonas", "Kezia", "Lorenz",
    "Mirabel", "Nils", "Orla", "Percival", "Quilla", "Rufus", "Sabine", "Tobit", "Una", "Viggo", "Wilma", "Xaver",
    "Yorick", "Zelda",
)  # fmt: skip
_LAST = (
    "Ashby", "Brindle", "Cask", "Dunmore", "Eddow", "Farrow", "Gribble", "Hobb", "Inkpen", "Jessop", "Kettle", "Lusk",
    "Marrow", "Nettle", "Oxley", "Pym", "Quince", "Rudd", "Sorrel", "Thimble", "Underhay", "Vetch", "Wick", "Yarrow",
)  # fmt: skip
_TRADES = (
    "ferryman", "tailor", "postmaster", "beekeeper", "miller", "cobbler", "librarian", "piper", "gardener",
    "schoolteacher", "barber", "organist", "cook", "weaver", "potter", "goatherd", "chimney-sweep", "toll-keeper",
    "mapmaker", "tinker", "glazier", "ropemaker", "midwife", "cheesemonger",
)  # fmt: skip
ADDRESSES = (
    "neighbour", "old bean", "petal", "comrade", "cousin", "my duck", "chief", "sweet pea", "stranger", "youngster",
    "poppet", "good sir", "squire", "treasure", "brother", "captain of mine", "friend of mine", "chum", "precious",
    "my good fellow", "matey", "darling", "fellow traveller", "boss",
)  # fmt: skip
CATCHPHRASES = (
    "mark my words", "bless my buttons", "so the world wags", "that is the long and short of it", "well I never did",
    "as my aunt would say", "cross my thumbs", "butter and thunder", "easy as whistling", "never say turnip",
    "onward and upward", "hold the mustard", "by hook or by spoon", "there goes the kettle", "and that is flat",
    "wonders never tire", "slow and sure", "as true as toast", "mercy and marmalade", "what a carry-on", "up and at it",
    "fair is fair", "heavens to Hortense", "nothing ventured",
)  # fmt: skip


def made_up(seed: int) -> CharacterProfile:
    """Return the character of `seed`, the same for ever."""
    rng = Random(seed)
    manner = rng.choice(tuple(MANNERS))
    name = f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"
    liked, role = rng.choice(KINDS), with_article(f"{rng.choice(MANNERS[manner])} {rng.choice(_TRADES)}")
    return CharacterProfile(
        name=name,
        aliases=(name.split()[0],),
        role=role,
        likes=(liked,),
        hates=(rng.choice([what for what in (*KINDS, *WEATHERS) if what != liked]),),
        address=rng.choice(ADDRESSES),
        catchphrases=(rng.choice(CATCHPHRASES),),
        introduction=f"{name} is {role}.",
        personality=_PERSONALITY[manner].format(name=name),
    )


def voice_of(profile: CharacterProfile) -> str:
    """Return the voice that a profile speaks with: its own if it is of the cast, else its manner's.

    Raises `ValueError` where the profile is nobody's of the cast and its role tells no manner.
    """
    words = (profile.role or "").split()
    own = {word.casefold() for word in profile.name.split()} & {*shipped_characters()} & {*voices()}
    told = sorted(own) or [manner for manner, adjectives in MANNERS.items() if {*adjectives} & {*words}]
    if not told:
        known = ", ".join(adjective for adjectives in MANNERS.values() for adjective in adjectives)
        raise ValueError(f'the role of "{profile.name}" tells no manner; use one of {known}')
    return told[0]


CAST = tuple(name for name in voices() if name not in MANNERS and name != NARRATOR)
"""The voices of the characters that come with Rolestage."""
