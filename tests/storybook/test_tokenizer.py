"""The tokenizer of the storybook model."""

from itertools import islice

from tokenizers import Tokenizer

from sandbox.storybook.lessons.lesson import lessons
from sandbox.storybook.tokenizer import CONTROLS, VOCABULARY, trained


def test_equal_lessons_make_equal_tokenizers() -> None:
    one, other = (trained(islice(lessons(3), 20)).to_str() for _ in range(2))
    assert one == other


def test_its_control_tokens_come_first(tokenizer: Tokenizer) -> None:
    assert tuple(tokenizer.id_to_token(at) for at in range(len(CONTROLS))) == CONTROLS
    assert tokenizer.get_vocab_size() == VOCABULARY


def test_any_text_comes_back(tokenizer: Tokenizer) -> None:
    for text in ('{"touched": [{"who": "Zoë", "how": "…"}], "after": null}', "  12 boats,\n(he can't) 图画"):
        assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False).ids) == text


def test_digits_line_breaks_and_the_marks_of_json_stand_alone(tokenizer: Tokenizer) -> None:
    tokens = [token.removeprefix("Ġ") for token in tokenizer.encode('{"a12": ["b", 0.7]}').tokens]
    assert [token for token in tokens if token not in ("a", "b", ".", "")] == list('{"12":["",07]}')


def test_a_line_break_is_one_token_whatever_follows(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("a\n\n7\n\n[b]").tokens == ["a", "Ċ", "Ċ", "7", "Ċ", "Ċ", "[", "b", "]"]


def test_the_words_of_prompts_are_few_tokens(tokenizer: Tokenizer) -> None:
    words = "Give one reply, without your name in front of it, and never write a line for anybody else."
    assert len(tokenizer.encode(words).ids) < 1.5 * len(words.split())
