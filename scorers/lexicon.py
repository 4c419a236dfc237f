"""The words that the checker of claims knows, each with a letter that says what part it plays in a sentence.

It is data, apart from the rules that read it (`scorers.claims`). A phrase is known as one word. Lower case throughout.
"""

from typing import NamedTuple

from scenes.storybook.drawing import Kind, Place, Time, Weather, plural


class Word(NamedTuple):
    """What a word or a phrase is: the letter of its part, and what it means."""

    part: str
    """`O` a thing, `S` several; `C` colour, `N` number, `o` both; `P` position, `p` a side by itself; `W` weather, `c`
    "clear"; `T` time, `g` a time that is a greeting too, `d` day; `L` place; `D` the, `A` a, `M` my and every, `Z` no,
    `X` not; `B` is, `F` see, `U` what need not be (likes, wishes, likeness), `E` and `e` what was elsewhere or before;
    `R` it, `I` I, `t` there, `h` of them, `n` ones; `Y` yes, `K` the answer no; `b` but, `j` because, `&` and, `f` tiny
    words; `a` gone; `H` what a thing's name may be part of; `Q` a question word; `w` any other word."""
    means: str = ""


_THINGS: dict[Kind, str] = {
    "boat": "boat ship vessel sailboat dinghy skiff yacht rowboat schooner sloop ketch",
    "lighthouse": "lighthouse beacon",
    "house": "house cottage hut building bungalow cabin",
    "tree": "tree oak elm sapling birch",
    "flower": "flower blossom bloom rose tulip daisy poppy",
    "dog": "dog hound puppy pup doggy doggie mutt pooch",
    "cat": "cat kitty kitten tomcat feline pussycat moggy",
    "kite": "kite",
    "balloon": "balloon",
    "bird": "bird gull seagull sparrow songbird birdie",
    "bicycle": "bicycle bike pushbike velocipede",
    "tent": "tent teepee tepee",
    "umbrella": "umbrella parasol brolly",
    "apple": "apple",
    "bottle": "bottle flask",
    "book": "book tome",
    "ball": "ball football",
    "butterfly": "butterfly",
    "cactus": "cactus",
    "car": "car motorcar automobile",
    "castle": "castle fortress citadel",
    "crab": "crab",
    "crown": "crown diadem tiara",
    "guitar": "guitar ukulele",
    "mushroom": "mushroom toadstool fungus",
    "snail": "snail",
    "turtle": "turtle tortoise terrapin",
    "windmill": "windmill",
}
_IRREGULAR: dict[str, Kind] = {"cacti": "cactus", "fungi": "mushroom"}
_COLOURS = {
    "red": "red scarlet crimson ruby",
    "blue": "blue navy azure cobalt",
    "green": "green emerald",
    "yellow": "yellow golden lemon-yellow",
    "orange": "orange amber tangerine",
    "purple": "purple violet lilac mauve",
    "white": "white snow-white ivory",
    "black": "black jet-black coal-black ebony",
    "pink": "pink",
    "brown": "brown",
    "grey": "grey|gray",
}
"""The last three are in no picture: to say one of them is to be wrong."""
_NUMBERS = {
    "1": "one|single|a single|a lone|lone|just one|only one|a solitary|1",
    "2": "two|a pair of|a couple of|pair of|2|twin",
    "3": "three|a trio of|3",
    "4": "four|4",
    "5": "five|5",
    "6": "six|half a dozen|6",
    "7": "seven|7",
    "8": "eight|8",
    "9": "nine|9",
    "10": "ten|10",
    "12": "twelve|a dozen|12",
    ">1": "some|a few|few|a group of|a row of|more than one",
    ">2": "several|many|so many|too many|lots of|a lot of|plenty of|a crowd of|a bunch of|dozens of|a flock of",
}
_WEATHERS: dict[Weather, str] = {
    "clear": "clear sky|clear skies|clear blue sky|clear weather|sunny|sunshine|cloudless|blue sky|blue skies"
    "|sky is clear|skies are clear|weather is clear|fine weather|clear air|sunlit",
    "cloudy": "clouds|cloudy|overcast|grey sky|grey skies|gray sky|cloud cover|a cloud|cloud|clouded",
    "rain": "rain|raining|rains|rainy|drizzle|drizzling|downpour|showers|a shower|pouring|drizzly|rainfall|raindrops",
    "snow": "snow|snowing|snows|snowy|snowflakes|flurries|blizzard|snowfall|snowstorm",
    "fog": "fog|foggy|mist|misty|haze|hazy|mists|fogbound",
}
_TIMES: dict[Time, str] = {
    "day": "daytime|by day|noon|midday|daylight|broad daylight|full day|in the day|the middle of the day",
    "dusk": "dusk|sunset|twilight|sundown|gloaming|setting sun|sun is setting|sun going down|sun is going down",
    "night": "night|tonight|midnight|nighttime|moonlight|moonlit|starlight|starlit|starry|stars|the moon|night-time",
}
_GREETINGS: dict[Time, str] = {"day": "morning|afternoon", "dusk": "evening"}
_PLACES: dict[Place, str] = {
    "sea": "open sea|at sea|on the sea|on the water|open water|open ocean|on the ocean|out to sea",
    "meadow": "meadow|pasture|in a field|in the field|in the grass|on the grass|grassland|grassy field",
    "street": "street|alley|in the road|on the road|pavement|cobbles",
    "room": "room|indoors|parlour|bedroom|chamber",
    "beach": "beach|shore|seashore|seaside|strand|sandy shore",
    "forest": "forest|woods|woodland|in the wood",
    "mountains": "mountains|mountain pass|mountain range|mountainside|mountain valley|in the hills",
    "desert": "desert|among the dunes|in the dunes",
}
_SIDES = {"left": "left", "right": "right", "middle": "middle|centre|center"}

_PARTS = {
    "D": "the|that|this|these|those|yonder|all the|both the|all those|all these",
    "A": "a|an|any|another",
    "M": "my|your|his|her|our|their|its|whose|every|each|my own|other",
    "Z": "no|not a|not an|not one|not a single|not any|never a|nary a|neither|nor|nor a|without|without a"
    "|without an|without any|none|no other|not even a|neither a",
    "X": "not|never|no longer|hardly a|scarcely a",
    "B": "is|are|am|be|was|were|looks|look so|seems|seem|glows|glow|shines|shine|appears|appear|remains"
    "|painted|coloured|must be|has to be|being|presents|present",
    "F": "see|sees|spy|spot|spots|notice|count|counts|record|recorded|note|observe|behold|look|look at|shows"
    "|show|contains|contain|deduce|make out|would say|should say|would swear|could swear|would wager"
    "|counted|spotted|sight|have counted|have spotted|have noted|have recorded|would call|can see|holds"
    "|features|saw",
    "U": "like|likes|love|loves|hate|hates|adore|prefer|fancy|despise|dislike|want|wants|wish|hope|need|needs"
    "|would|could|should|might|may|must|will|shall|if|whether|imagine|suppose|pretend|perhaps|maybe"
    "|possibly|unless|as a|as an|as big as|as good as|than|going to|let us|give me|looking for|look for"
    "|dream of|dreams of|build|invent|i have|i never had|nearly"
    "|almost|at least|at most|were it|call for|instead of|trust|bring"
    "|deserve|deserves|expect|seek|think of|talk of|speak of|believe in|afraid of|fond of|care for"
    "|tired of|can not stand|come rain|a fear of|about|ask for|would have",
    "E": "reminds me of|remind me of|remember|remembers|in my day|as a child|as a boy|as a girl|dreamed|dreamt"
    "|slept|kept|sailed|pressed|traded|was born|were born|there were|there was|it was|i had|we had|ever"
    "|they say|last night|last evening|good night|good evening|good day|good morning|good afternoon"
    "|my mother|my father|back home|head in the|lost in a|rain or|the other night|one night|all night"
    "|every night|by day or",
    "e": "once|ago|when|used to|back when|at home|owned|at eleven|lost|a day|had|knew|in bergen|long before"
    "|until",
    "R": "it|they|them|all are|all of them|both of them|each of them|every one of them|they all",
    "I": "i|we|you|he|she|who|somebody|someone|nobody|everybody",
    "t": "there|here",
    "h": "of them|of those|of these",
    "n": "ones",
    "Y": "yes|aye|yep|yeah|indeed|confirmed|affirmative|of course|certainly|surely|yup|quite so|sure",
    "K": "nope|nay|negative|not at all|certainly not|hardly|no sir|not so|nuh uh",
    "b": "but|yet|though|although|however|only to",
    "j": "because|since|while|whereas|as|so|then",
    "&": "and|or",
    "f": "of|on|at|with|to|from|by|under|over|in|into|onto|beside|near|for|upon|off|between|among|behind|above"
    "|below|around|toward|towards|through|across|along|do|does|did|can|has|have|me|us|him|which|against"
    "|past|beneath|up|before|after",
    "a": "absent|missing|gone|nowhere|lifted|cleared|vanished|stopped|passed",
    "H": "string|strings|shop|pot|stand|keeper|lover|food|seed|seeds|house-keeper|tail",
    "Q": "what|where|which|how|why",
    # What only looks like something of a picture.
    "w": "sea dog|good heavens|once more|right away|all right|cats and dogs|blue moon|clear line|night watch"
    "|in my book|day or night|rain-proof|right as rain|rain or shine|white lie|red herring|black mood"
    "|out of the blue|day after day|apple of my eye|apple core|room for|no doubt|no wonder|no idea"
    "|crystal ball|have a ball|having a ball|on the ball|ball game|castle in the air|castles in the air|crown prince"
    "|no matter|no more|no less|room above|in the dark|stay up|the whole night|night after night"
    "|easy peasy|one day|one another|no one|at once|one of|chance of rain|a chance of rain|of rain"
    "|by all means|all in all|these days|cloud of|a cloud of|fog of|no stars|no moon|ship-shape|sea of",
}  # fmt: skip

_SUPPOSED = "if|whether|unless|suppose|imagine|pretend|wish|hope|perhaps|maybe|possibly|were it"
"""Of what need not be, what makes a whole clause so: `if the boat is red` does not say that it is."""
SUPPOSED = "supposed"


def _phrases() -> dict[str, Word]:
    words: dict[str, Word] = {}
    for part, listed in _PARTS.items():
        words |= {phrase: Word(part) for phrase in listed.split("|")}
    words |= {phrase: Word("U", SUPPOSED) for phrase in _SUPPOSED.split("|")}
    for kind, names in _THINGS.items():
        words |= {name: Word("O", kind) for name in names.split()}
        words |= {plural(name): Word("S", kind) for name in names.split()}
    words |= {several: Word("S", kind) for several, kind in _IRREGULAR.items()}
    for part, table in (("N", _NUMBERS), ("W", _WEATHERS), ("T", _TIMES), ("g", _GREETINGS), ("L", _PLACES)):
        words |= {phrase: Word(part, value) for value, listed in table.items() for phrase in listed.split("|")}
    words |= {name: Word("C", colour) for colour, names in _COLOURS.items() for name in names.replace("|", " ").split()}
    words |= {name: Word("p", side) for side, names in _SIDES.items() for name in names.split("|")}
    return words | {"both": Word("o", "2"), "clear": Word("c", "clear"), "day": Word("d", "day")}


WORDS = _phrases()
"""All words and phrases."""


def _by_first_word() -> dict[str, tuple[tuple[tuple[str, ...], Word], ...]]:
    first: dict[str, list[tuple[tuple[str, ...], Word]]] = {}
    for phrase, word in WORDS.items():
        parts = tuple(phrase.split())
        first.setdefault(parts[0], []).append((parts, word))
    return {start: tuple(sorted(found, key=lambda entry: -len(entry[0]))) for start, found in first.items()}


BY_FIRST_WORD = _by_first_word()
"""The phrases that begin with a word, the longest first."""
