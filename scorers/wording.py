"""Words as they count when two texts are compared: folded, without what tells nothing, by their stems.

By rule and from short lists, so that it needs no model, no download and a microsecond for each word. Scripts that do
not part words by spaces are read by their characters.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from scenes.names import folded

HAN = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Characters of Chinese and Japanese, for a class in a regular expression."""
SOMEBODY = "@?"
"""The token of a pronoun that may stand for anybody but the speaker."""
MYSELF = "@me"
_TOKEN = re.compile(rf"@\d+|[{HAN}]|[^\W_{HAN}]+(?:'[^\W_]+)*")
_SENTENCE = re.compile(r"(?<=[.!?…;\n。！？；])\s*")
_RUN = re.compile(rf"@\d+|[{HAN}]+|[^\W_{HAN}]+(?:'[^\W_]+)*")


def _listed(text: str) -> list[str]:
    return text.split()


_PRONOUNS = {
    **dict.fromkeys(_listed("you your yours yourself he him his himself she her hers herself 你 您 他 她"), SOMEBODY),
    **dict.fromkeys(_listed("i me my mine myself 我"), MYSELF),
}
_EMPTY = frozenset(
    _listed("""
    a an the this that these those it its itself they them their theirs themselves we us our ours who whom whose which
    what when where why how somebody someone anybody anyone everybody everyone nobody something anything everything
    nothing none and or but nor so yet if then than because since until while although though as of in on at to from by
    with without for about against between into onto through during before after above under over up down out off again
    away back here there now just only even also too very much more most many some any no not never ever always still
    already other another each every all both few own same such is am are was were be been being do does did done doing
    have has had having will would shall should can could may might must ought let lets get got getting go goes went
    gone going come came don didn doesn isn wasn aren weren won wouldn couldn shouldn hasn haven hadn ain cannot s t ll
    re ve d m know knew known tell told telling think thought thinking say said says saying secret believe mean meant
    yes oh ah well sir dear please really quite rather like one
    """)
)
"""Words that tell nothing by themselves, those of telling and knowing among them: of every secret nobody must know."""
_EMPTY_HAN = frozenset(
    "的了是在把和与跟就都也很不没有吗呢吧啊呀哦嘛这那哪个一人会要想着过到说得地被给让才又还谁什么怎为从只可以能自己们"
)
_ARTICLES = frozenset({"a", "an", "the"})
_BE = dict.fromkeys(_listed("am is are was were be been being"), "be")
_ORDINALS = _listed("zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth")
_CARDINALS = _listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = _listed("zero ten twenty thirty forty fifty sixty seventy eighty ninety hundred")
_NUMBERS = {
    **{word: str(10 * number) for number, word in enumerate(_TENS)},
    **{word: str(number) for words in (_ORDINALS, _CARDINALS) for number, word in enumerate(words)},
    **{"thousand": "1000", "once": "1", "twice": "2"},
}
_IRREGULAR = {
    form: verb
    for verb, forms in {
        "bear": "bore borne",
        "begin": "began begun",
        "break": "broke broken",
        "bring": "brought",
        "build": "built builder",
        "burn": "burnt",
        "buy": "bought",
        "catch": "caught",
        "child": "children",
        "choose": "chose chosen",
        "deal": "dealt",
        "drink": "drank drunk",
        "drive": "drove driven",
        "eat": "ate eaten",
        "fall": "fell fallen",
        "feel": "felt",
        "fight": "fought",
        "find": "found",
        "flee": "fled",
        "fly": "flew flown flies",
        "forget": "forgot forgotten",
        "foot": "feet",
        "give": "gave given",
        "grow": "grew grown",
        "hang": "hung",
        "hear": "heard",
        "hide": "hid hidden",
        "hold": "held",
        "keep": "kept",
        "kill": "killer",
        "knife": "knives",
        "lead": "led",
        "leave": "left",
        "lend": "lent",
        "lie": "lay lain lying liar",
        "light": "lit",
        "lose": "lost",
        "make": "made",
        "man": "men",
        "meet": "met",
        "pay": "paid",
        "ride": "rode ridden",
        "ring": "rang rung",
        "run": "ran",
        "see": "saw seen",
        "sell": "sold",
        "send": "sent",
        "shake": "shook shaken",
        "shoot": "shot",
        "sing": "sang sung",
        "sink": "sank sunk",
        "sit": "sat",
        "sleep": "slept asleep",
        "speak": "spoke spoken",
        "spend": "spent",
        "stand": "stood",
        "steal": "stole stolen",
        "swear": "swore sworn",
        "sweep": "swept",
        "swim": "swam swum",
        "take": "took taken",
        "teach": "taught",
        "tear": "tore torn",
        "thief": "thieves",
        "throw": "threw thrown",
        "wake": "woke woken",
        "wear": "wore worn",
        "wife": "wives",
        "win": "won",
        "woman": "women",
        "write": "wrote written",
    }.items()
    for form in _listed(forms)
}
_SUFFIXES = ("ingly", "edly", "ing", "ies", "ied", "ers", "ery", "ed", "es", "er", "ly", "s", "e", "y")
_LEAST_STEM = 3


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, without blanks around them."""
    return [sentence for part in _SENTENCE.split(text) if (sentence := part.strip())]


def words(text: str) -> list[str]:
    """Return all words of a text, folded, and in scripts without spaces its characters."""
    return _TOKEN.findall(folded(text).replace("’", "'"))


def telling(text: str) -> list[str]:
    """Return what a text tells, in order: stems, numbers as digits, a token for each pronoun.

    `@0`, `@1`, … stay as they are. Chinese gives every two characters that stand side by side, and each by itself.
    """
    return [token for run in _RUN.findall(folded(text).replace("’", "'")) for token in _telling(run)]


def in_order(text: str) -> list[str]:
    """Return the words of a text in order but for articles, as stems; the forms of `be` and of a pronoun as one."""
    tokens = (token.split("'")[0] for token in words(text))
    return [_PRONOUNS.get(token) or _BE.get(token) or stem(token) for token in tokens if token not in _ARTICLES]


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Return what the forms of a word have in common: `move` for `moved`, `sleep` for `asleep`."""
    if word in _NUMBERS:
        return _NUMBERS[word]
    word = _IRREGULAR.get(word, word)
    suffix = next((end for end in _SUFFIXES if word.endswith(end) and len(word) - len(end) >= _LEAST_STEM), "")
    bare = word[: len(word) - len(suffix)]
    return bare[:-1] if len(bare) > _LEAST_STEM and bare[-1] == bare[-2] else bare


@lru_cache(maxsize=50_000)
def _telling(run: str) -> tuple[str, ...]:
    if run[0] == "@":
        return (run,)
    if re.match(rf"[{HAN}]", run):
        return tuple(_of_characters(run))
    word = run.split("'")[0]
    if word in _PRONOUNS:
        return (_PRONOUNS[word],)
    return () if word in _EMPTY else (stem(word),)


def _of_characters(run: str) -> Iterator[str]:
    kept = [character for character in run if character not in _EMPTY_HAN]
    for character in kept:
        yield _PRONOUNS.get(character, character)
    yield from (one + other for one, other in pairwise(run) if not {one, other} & (_EMPTY_HAN | _PRONOUNS.keys()))


def grams(tokens: Sequence[str], length: int) -> list[tuple[str, ...]]:
    """Return every `length` tokens that stand side by side, in order."""
    return [tuple(tokens[at : at + length]) for at in range(len(tokens) - length + 1)]
