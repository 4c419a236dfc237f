"""The narrator of a scene: its opening line."""

from agents.character import Voice
from agents.reply import flags_of, read_reply
from narrator.prompts.opening import opening_prompt
from scenes.chance import seed_for
from scenes.chat import Call, Request
from scenes.event import NARRATOR, Draft
from scenes.scene import Scene


async def open_scene(scene: Scene, voice: Voice, call: Call) -> list[Draft]:
    """Ask for the line that opens the scene and return it as narration. Raises `CallFailed`."""
    key = "t00/narrator/open"
    prompt = opening_prompt(scene.setting, voice.layout)
    completion = await call(key, Request(voice.model, prompt, voice.sampling, seed_for(scene.seed, key)))
    speakers = [name for profile in scene.setting.profiles for name in (profile.name, *profile.aliases)]
    reply = read_reply(completion.text, [NARRATOR], speakers)
    text = " ".join(words for _, words in reply.parts)
    return [Draft(kind="narration", text=text, flags=flags_of(completion, reply), call=key)]
