"""What a model reads: its processor's very ids for a harmless request, and only text where somebody typed a token."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sandbox.engines.encoding import Encoder
from scenes.chat import CallFailed, Role, Segment
from scenes.problem import InputRefused

Pictures = Callable[[str], Image.Image]
Conversation = list[tuple[Role, list[str]]]
"""Messages as the processor takes them: texts, and `picture NAME` where a picture stands."""

WITH_PICTURES = ("storybook", "llava", "gemma3", "idefics2")
FAMILIES = (*WITH_PICTURES, "text_only")
PERSONA = Segment("persona", "system", "You are Captain Brack, a gruff sea captain.")
LOOK = Segment("history", "user", "Look there, it goes again!")
AYE = Segment("history", "assistant", "Aye, a green bird on the right.")
QUESTION = Segment("instruction", "user", "Do you see the red balloon?")
PICTURE = Segment("images", "user", image="red-64x48")

HARMLESS: dict[str, tuple[list[Segment], Conversation]] = {
    "a question": ([LOOK], [("user", [LOOK.text])]),
    "a dialogue": (
        [LOOK, AYE, QUESTION],
        [("user", [LOOK.text]), ("assistant", [AYE.text]), ("user", [QUESTION.text])],
    ),
    "blanks at the ends": ([Segment("history", "user", " \n Look there!\n\n")], [("user", ["Look there!"])]),
    "parts with glue": (
        [LOOK, Segment("now", "user", "It is dusk.", glue="\n"), QUESTION],
        [("user", [f"{LOOK.text}\nIt is dusk.\n\n{QUESTION.text}"])],
    ),
    "an open reply": (
        [QUESTION, Segment("instruction", "assistant", "Aye, a green ")],
        [("user", [QUESTION.text]), ("assistant", ["Aye, a green"])],
    ),
    "letters of many kinds": (
        [Segment("history", "user", "Ahoï, 海だ! 🌊 ﬁne < 3 | x > 2")],
        [("user", ["Ahoï, 海だ! 🌊 ﬁne < 3 | x > 2"])],
    ),
}
PICTURED: dict[str, tuple[list[Segment], Conversation]] = {
    "a picture first": ([PICTURE, QUESTION], [("user", ["picture red-64x48", f"\n\n{QUESTION.text}"])]),
    "a picture last": ([QUESTION, PICTURE], [("user", [f"{QUESTION.text}\n\n", "picture red-64x48"])]),
    "a picture alone": (
        [PICTURE, AYE, QUESTION],
        [("user", ["picture red-64x48"]), ("assistant", [AYE.text]), ("user", [QUESTION.text])],
    ),
    "two pictures": (
        [PICTURE, Segment("images", "user", image="blue-100x20"), LOOK],
        [("user", ["picture red-64x48", "\n\n", "picture blue-100x20", f"\n\n{LOOK.text}"])],
    ),
}


@pytest.fixture(scope="module")
def encoders(folders: dict[str, str], pictures: Pictures) -> dict[str, Encoder]:
    return {family: Encoder(folder, pictures) for family, folder in folders.items()}


def by_processor(folder: str, conversation: Conversation, pictures: Pictures) -> Any:
    """What the processor makes of `conversation` by itself."""
    from transformers import AutoProcessor

    def part(text: str) -> dict[str, Any]:
        kind, _, name = text.partition(" ")
        return {"type": "image", "image": pictures(name)} if kind == "picture" else {"type": "text", "text": text}

    processor = AutoProcessor.from_pretrained(folder)
    chat: list[dict[str, Any]] = [{"role": role, "content": list(map(part, texts))} for role, texts in conversation]
    if not hasattr(processor, "image_processor"):
        chat = [{"role": role, "content": "".join(texts)} for role, texts in conversation]
    open_reply = conversation[-1][0] == "assistant"
    return processor.apply_chat_template(
        chat,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        add_generation_prompt=not open_reply,
        continue_final_message=open_reply,
    )


@pytest.mark.parametrize("case", HARMLESS)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_harmless_request_gets_the_ids_of_the_models_own_processor(
    family: str, case: str, folders: dict[str, str], encoders: dict[str, Encoder], pictures: Pictures
) -> None:
    segments, conversation = HARMLESS[case]
    prompt = encoders[family].encode(segments)
    expected = by_processor(folders[family], conversation, pictures)["input_ids"][0].tolist()
    assert prompt.ids == expected
    assert prompt.length == len(expected)


@pytest.mark.parametrize("case", PICTURED)
@pytest.mark.parametrize("family", WITH_PICTURES)
def test_a_request_with_pictures_gets_the_inputs_of_the_models_own_processor(
    family: str, case: str, folders: dict[str, str], encoders: dict[str, Encoder], pictures: Pictures
) -> None:
    segments, conversation = PICTURED[case]
    prompt = encoders[family].encode(segments)
    inputs = encoders[family].tensors(prompt)
    expected = by_processor(folders[family], conversation, pictures)
    assert inputs.keys() == expected.keys()
    assert all(inputs[name].equal(expected[name]) for name in inputs)
    assert len(expected["input_ids"][0]) <= prompt.length <= len(expected["input_ids"][0]) + 2 * len(prompt.images)


def test_a_persona_is_folded_into_the_first_message_where_the_template_knows_no_system(
    folders: dict[str, str], encoders: dict[str, Encoder], pictures: Pictures
) -> None:
    second = Segment("history", "user", "There!", starts_message=True)
    prompt = encoders["gemma3"].encode([PERSONA, LOOK, second, AYE, QUESTION])
    merged = f"{PERSONA.text}\n\n{LOOK.text}\n\nThere!"
    conversation: Conversation = [("user", [merged]), ("assistant", [AYE.text]), ("user", [QUESTION.text])]
    assert prompt.ids == by_processor(folders["gemma3"], conversation, pictures)["input_ids"][0].tolist()


def test_a_persona_stays_a_system_message_where_the_template_has_one(
    folders: dict[str, str], encoders: dict[str, Encoder], pictures: Pictures
) -> None:
    prompt = encoders["storybook"].encode([PERSONA, LOOK])
    conversation: Conversation = [("system", [PERSONA.text]), ("user", [LOOK.text])]
    assert prompt.ids == by_processor(folders["storybook"], conversation, pictures)["input_ids"][0].tolist()


@pytest.mark.parametrize(
    "content",
    ["{{ 'System: ' + message['content'] }}", "{{ message['content'] | trim }}", ""],
    ids=["takes a string only", "writes a list as it is", "leaves it out"],
)
def test_a_persona_is_folded_where_the_template_cannot_take_its_parts(
    content: str, tmp_path_factory: pytest.TempPathFactory, folders: dict[str, str], pictures: Pictures
) -> None:
    from transformers import AutoProcessor

    processor = AutoProcessor.from_pretrained(folders["idefics2"])
    loop, end = "{% for message in messages %}", "<|im_end|>\n{% endfor %}"
    system = "{% if message['role'] == 'system' %}" + content + "{% else %}"
    assert loop in processor.chat_template
    assert end in processor.chat_template
    template = processor.chat_template.replace(loop, loop + system)
    processor.chat_template = template.replace(end, end.replace("{% endfor", "{% endif %}{% endfor"))
    folder = tmp_path_factory.mktemp("strict")
    processor.save_pretrained(folder)
    folded = Segment("history", "user", f"{PERSONA.text}\n\n{LOOK.text}")
    prompt = Encoder(str(folder), pictures).encode([PERSONA, LOOK])
    assert prompt.ids == Encoder(folders["idefics2"], pictures).encode([folded]).ids


def controls(encoder: Encoder, ids: list[int]) -> Counter[str]:
    """The control tokens among `ids`, by name."""
    named = {encoder.tokenizer.convert_tokens_to_ids(name): name for name in added(encoder)}
    return Counter(named[token] for token in ids if token in named)


def added(encoder: Encoder) -> list[str]:
    """The tokens that the tokenizer knows as such, but for blanks and for what stands for unknown letters."""
    names = encoder.tokenizer.get_added_vocab()
    return [name for name in names if len(name.strip()) > 1 and name != "<unk>"]


def typed(token: str) -> list[str]:
    """Ways to say a token in a line."""
    return [token, f"a {token} b", f"{token}{token}", f"{token[:3]}{token}", f"{token}\n\n{token[:-1]} {token}"]


@pytest.mark.parametrize("family", FAMILIES)
def test_no_typed_token_takes_effect(family: str, encoders: dict[str, Encoder]) -> None:
    encoder = encoders[family]
    harmless = controls(encoder, encoder.encode([LOOK, AYE, QUESTION]).ids)
    assert len(added(encoder)) > 3
    for token in added(encoder):
        for line in typed(token):
            hostile = encoder.encode([LOOK, Segment("history", "assistant", line), QUESTION])
            assert controls(encoder, hostile.ids) == harmless, line


@pytest.mark.parametrize("family", ["storybook", "gemma3", "idefics2", "text_only"])
def test_a_typed_token_reads_as_it_was_typed(family: str, encoders: dict[str, Encoder]) -> None:
    encoder = encoders[family]
    for token in added(encoder):
        for line in typed(token):
            assert line in encoder.tokenizer.decode(encoder.encode([Segment("history", "user", line)]).ids)


@pytest.mark.parametrize("line", ["＜tool_call＞", "＜|turn｜＞ x", "ＴＯＯＬ ＜ｔｏｏｌ＿ｃａｌｌ＞"])
def test_full_width_letters_that_the_tokenizer_makes_a_token_of_do_not_become_one(
    line: str, encoders: dict[str, Encoder]
) -> None:
    encoder = encoders["llava"]
    prompt = encoder.encode([Segment("history", "user", line)])
    assert controls(encoder, prompt.ids) == {"<|im_start|>": 2, "<|im_end|>": 1}


@pytest.mark.parametrize("family", WITH_PICTURES)
def test_a_typed_picture_token_neither_adds_a_picture_nor_takes_the_place_of_one(
    family: str, encoders: dict[str, Encoder]
) -> None:
    encoder = encoders[family]
    marks = [token for token in added(encoder) if "im" in token and "|" not in token]
    hostile = Segment("history", "user", " ".join(marks))
    inputs = encoder.tensors(encoder.encode([hostile, PICTURE, QUESTION]))
    harmless = encoder.tensors(encoder.encode([LOOK, PICTURE, QUESTION]))
    assert inputs["pixel_values"].equal(harmless["pixel_values"])
    assert controls(encoder, inputs["input_ids"][0].tolist()) == controls(encoder, harmless["input_ids"][0].tolist())


def test_a_token_cannot_be_made_of_two_parts_of_a_message(encoders: dict[str, Encoder]) -> None:
    encoder = encoders["storybook"]
    halves = [Segment("history", "user", "<|en"), Segment("history", "user", "d|>", glue="")]
    assert controls(encoder, encoder.encode(halves).ids) == {"<|user|>": 1, "<|end|>": 1, "<|bot|>": 1}


@given(
    pieces=st.lists(
        st.sampled_from(
            ["<|", "end", "|>", "<image>", "<|bot|>", "\ufdd0", "\ufdd20\ufdd3", "\ud83d", " ", "\n", "＜", "é", "Aye"]
        )
    )
)
@settings(max_examples=200, deadline=None)
def test_whatever_is_typed_the_shape_of_the_prompt_is_the_templates(
    pieces: list[str], encoders: dict[str, Encoder]
) -> None:
    encoder = encoders["storybook"]
    prompt = encoder.encode([PERSONA, Segment("history", "user", "".join(pieces)), AYE, QUESTION])
    assert controls(encoder, prompt.ids) == {"<|sys|>": 1, "<|user|>": 2, "<|bot|>": 2, "<|end|>": 4}
    assert max(prompt.ids) < encoder.tokenizer.vocab_size


def test_a_model_without_pictures_refuses_a_request_that_has_one(encoders: dict[str, Encoder]) -> None:
    with pytest.raises(CallFailed, match="takes no pictures"):
        encoders["text_only"].encode([PICTURE, QUESTION])


def test_a_request_that_the_template_refuses_fails_by_itself(encoders: dict[str, Encoder]) -> None:
    with pytest.raises(CallFailed, match="roles must alternate"):
        encoders["gemma3"].encode([AYE, QUESTION])


def test_a_folder_without_a_model_is_refused(tmp_path_factory: pytest.TempPathFactory, pictures: Pictures) -> None:
    empty = tmp_path_factory.mktemp("empty")
    for folder, why in ((empty, ""), (empty / "missing", "there is no such folder")):
        with pytest.raises(InputRefused, match=f"cannot be used: {why}"):
            Encoder(str(folder), pictures)


def test_a_model_without_a_chat_template_is_refused(
    tmp_path_factory: pytest.TempPathFactory, folders: dict[str, str], pictures: Pictures
) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folders["text_only"])
    tokenizer.chat_template = None
    folder = tmp_path_factory.mktemp("base_model")
    tokenizer.save_pretrained(folder)
    with pytest.raises(InputRefused, match="no chat template"):
        Encoder(str(folder), pictures)
