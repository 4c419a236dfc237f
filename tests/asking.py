"""Asking engines: a question about a picture, a form for its reply, and many requests at once."""

import asyncio
import json
from typing import Any

from jsonschema import validate

from sandbox.engines.config import EngineConfig, TransformersConfig, VLLMConfig
from sandbox.engines.engine import Engine
from scenes.chat import CallFailed, Completion, Prompt, Request, Sampling, Segment

CONFIGS: dict[str, EngineConfig] = {
    "transformers": TransformersConfig(max_model_len=384),
    "vllm": VLLMConfig(max_model_len=384, max_num_seqs=64, kv_cache_memory_bytes=32 << 20),
}
"""Of the engines that compute a model, with the context of the embedded one."""
PERSONA = Segment("persona", "system", "You are Captain Brack, a gruff sea captain. You like: boat. You hate: fog.")
PICTURE = Segment("images", "user", image="orange")
QUESTION = Segment("history", "user", "Pip: Do you see a balloon?", glue="")

NAMES = ["Captain Brack", "海岸的鸟", 'O"Neil \\ 🦜', "Ané"]
FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "action": {"enum": ["pick_speaker", "end"]},
        "speaker": {"anyOf": [{"enum": NAMES}, {"type": "null"}]},
        "touched": {"type": "array", "items": {"enum": NAMES}, "minItems": 1, "maxItems": 2},
        "steps": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"kind": {"const": "go"}, "far": {"type": "boolean"}},
                "required": ["kind", "far"],
                "additionalProperties": False,
            },
            "maxItems": 2,
        },
        "why": {"type": "string", "maxLength": 30},
    },
    "required": ["action", "speaker", "touched", "why"],
    "additionalProperties": False,
}


def question(seed: int = 0, form: Any = None, **sampling: Any) -> Request:
    """Ask what is on a picture, the reply in the form of a schema."""
    text = form if form is None or isinstance(form, str) else json.dumps(form)
    return Request(
        "m", Prompt().then(PERSONA, PICTURE, QUESTION), Sampling(**{"max_tokens": 24} | sampling), seed, text
    )


def plain(seed: int = 0, form: Any = None, **sampling: Any) -> Request:
    """Ask the same without a picture."""
    asked = question(seed, form, **sampling)
    return Request("m", Prompt().then(PERSONA, QUESTION), asked.sampling, seed, asked.form)


def outcomes(engine: Engine, *requests: Request) -> list[Completion | BaseException]:
    """Ask everything at once; return what came back, or why it did not."""

    async def gather() -> list[Completion | BaseException]:
        return await asyncio.gather(*map(engine.complete, requests), return_exceptions=True)

    return asyncio.run(gather())


def answers(engine: Engine, *requests: Request) -> list[Completion]:
    """Ask everything at once, where nothing fails."""
    answered = []
    for outcome in outcomes(engine, *requests):
        if isinstance(outcome, BaseException):
            raise outcome
        answered.append(outcome)
    return answered


def refusal(engine: Engine, request: Request) -> str:
    """Return why `request` alone has no answer."""
    (outcome,) = outcomes(engine, request)
    assert isinstance(outcome, CallFailed)
    return str(outcome)


def follows(text: str, form: dict[str, Any]) -> Any:
    """Check that `text` is JSON in this form, and return what it says."""
    said = json.loads(text)
    validate(said, form)
    return said
