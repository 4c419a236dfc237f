"""The narrator of a scene: its opening line."""

from agents.character import Voice
from agents.reply import read_reply
from narrator.prompts.opening import opening_prompt
from scenes.chance import seed_for
from scenes.chat import Call, Request
from scenes.event import NARRATOR, Draft, Flags
from scenes.scene import Scene


async def open_scene(scene: Scene, voice: Voice, call: Call) -> list[Draft]:
    """Ask for the line that opens the scene and return it as narration. Raises `CallFailed`."""
    key = "t00/narrator/open"
    prompt = opening_prompt(scene.setting, voice.layout)
    completion = await call(key, Request(voice.model, prompt, voice.drawn(), seed_for(scene.seed, key)))
    reply = read_reply(completion.text, [NARRATOR], scene.names)
    text = " ".join(words for _, words in reply.parts)
    truncated = completion.finish_reason == "length"
    odd = Flags(spoke_for=reply.spoke_for, truncated=truncated, empty=not text)
    return [Draft(kind="narration", text=text, flags=odd if odd != Flags() else None, call=key)]
