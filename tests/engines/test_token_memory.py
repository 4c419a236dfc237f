"""Remembered token ids: the same as those of the whole, tokenised once, and not without end."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sandbox.engines import token_memory
from sandbox.engines.encoding import Encoder
from sandbox.engines.literal_tokenizer import LiteralTokenizer
from sandbox.engines.token_memory import TokenMemory
from scenes.chat import Segment

FAMILIES = ("storybook", "llava", "gemma3", "idefics2", "text_only")
BY_LINES = ("storybook", "gemma3", "idefics2", "text_only")
"""LLaVA's tokenizer writes no line breaks, so nothing tells where a line of its begins."""
PERSONA = Segment("persona", "system", "You are Captain Brack, a gruff sea captain.")
QUESTION = Segment("instruction", "user", "Do you see the red balloon?")


def line(at: int, speaker: str = "Pip") -> Segment:
    return Segment("history", "user", f"{speaker}: aye, there are {at} green birds over the harbour.", glue="\n")


@pytest.fixture(scope="module")
def memories(folders: dict[str, str]) -> dict[str, tuple[TokenMemory, LiteralTokenizer, list[str]]]:
    """For each family a memory, what it wraps, and the control tokens that a template writes."""
    return {family: memory_of(folders[family]) for family in FAMILIES}


def memory_of(folder: str) -> tuple[TokenMemory, LiteralTokenizer, list[str]]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    controls = [name for name in tokenizer.all_special_tokens if name != "<unk>"]
    literal = LiteralTokenizer(tokenizer)
    return TokenMemory(literal, tokenizer), literal, controls


PARTS = [
    "Aye", "Pip: ", "海だ", "é", "ﬁ", "＜", "<unk>", "<|end|>", "<tool_call>", "<|", "'s", "7", "...", "(nods)", "[hm]",
    "- ", "# ", "🌊", " ", "  ", "\t", "\n", "\n\n", "\n\n\n", "\r\n", "\u0085", "\u2028", "e\u0301", "ﹰ", "\u200b",
]  # fmt: skip
CONTENTS = st.lists(st.sampled_from(PARTS), max_size=12).map("".join) | st.text(max_size=20).map(
    lambda text: "".join(char for char in text if not "\ufdd0" <= char <= "\ufdd3" and not "\ud800" <= char < "\ue000")
)


@pytest.mark.parametrize("family", FAMILIES)
@given(contents=st.lists(CONTENTS, min_size=1, max_size=4), data=st.data(), adds=st.booleans())
@settings(max_examples=300, deadline=None)
def test_what_is_remembered_is_what_the_whole_would_be(
    family: str,
    contents: list[str],
    data: st.DataObject,
    adds: bool,
    memories: dict[str, tuple[TokenMemory, LiteralTokenizer, list[str]]],
) -> None:
    memory, literal, controls = memories[family]
    between = st.sampled_from([*controls, *(f"{one}\n" for one in controls), f"{controls[0]}user\n", "\n", "x: "])
    pieces = [data.draw(between)]
    for content in contents:
        pieces += [content, data.draw(between)]
    assert memory.encode(pieces, adds) == literal.encode(pieces, adds)


def grown(turns: int) -> list[Segment]:
    return [PERSONA, *(line(at) for at in range(turns)), QUESTION]


@pytest.mark.parametrize("family", BY_LINES)
def test_a_line_is_tokenised_once_however_many_prompts_hold_it(
    family: str, folders: dict[str, str], pictures: Callable[[str], Image.Image]
) -> None:
    encoder = Encoder(folders[family], pictures)
    at_first = encoder.tokenised
    new = []
    for turns in range(2, 60):
        before = encoder.tokenised
        encoder.encode(grown(turns))
        new.append(encoder.tokenised - before)
    one_line = encoder.size(line(55))
    assert max(new[1:]) <= 2 * one_line, "the last line stood at the end, and now it does not"
    assert encoder.tokenised - at_first < 2.5 * len(encoder.encode(grown(59)).ids)
    before = encoder.tokenised
    encoder.encode(grown(30))
    assert encoder.tokenised == before


def test_who_shares_a_history_shares_its_tokens(storybook: str, pictures: Callable[[str], Image.Image]) -> None:
    encoder = Encoder(storybook, pictures)
    encoder.encode(grown(40))
    before = encoder.tokenised
    other = Segment("persona", "system", "You are Pip, an inventor.")
    encoder.encode([other, *grown(40)[1:]])
    assert 0 < encoder.tokenised - before < 20


def test_the_memory_is_bounded_and_the_oldest_goes_first(
    storybook: str, pictures: Callable[[str], Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_memory, "MOST_TOKENS", 2_000)
    encoder = Encoder(storybook, pictures)

    def new(at: int) -> int:
        before = encoder.tokenised
        encoder.encode([line(at), QUESTION])
        return encoder.tokenised - before

    costs = [new(at) for at in range(500)]
    assert min(costs) > 0
    assert new(499) == 0
    assert new(0) > 0
    held: Any = encoder._memory._memory
    assert sum(map(token_memory._size, held, held.values())) == encoder._memory._held <= 2_000


@pytest.mark.parametrize("family", FAMILIES)
def test_where_lines_may_be_cut_off_is_known_of_each_tokenizer(
    family: str, memories: dict[str, tuple[TokenMemory, LiteralTokenizer, list[str]]]
) -> None:
    assert memories[family][0]._cuts_lines == (family in BY_LINES)


def test_a_vocabulary_with_a_token_across_lines_is_not_cut_there(folders: dict[str, str]) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folders["text_only"])
    tokenizer.add_tokens(["harbour.\nPip"])
    memory, literal = TokenMemory(LiteralTokenizer(tokenizer), tokenizer), LiteralTokenizer(tokenizer)
    assert not memory._cuts_lines
    pieces = ["<|im_start|>", "The harbour.\nPip: aye.", "<|im_end|>"]
    assert memory.encode(pieces, False) == literal.encode(pieces, False)
