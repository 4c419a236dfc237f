"""A character of the cast: a view becomes a request, and the completion what the character does."""

from collections.abc import Sequence
from dataclasses import dataclass

from agents.prompts.layout import Layout, PromptThread
from agents.reply import flags_of, read_reply
from scenes.chance import seed_for
from scenes.chat import Call, Completion, Request, Sampling
from scenes.event import NARRATOR, Draft
from scenes.scene import View


@dataclass(frozen=True, slots=True)
class Voice:
    """How an agent's lines are made: the model asked, the layout of its prompt, how the answer is drawn."""

    model: str
    layout: Layout
    sampling: Sampling

    def drawn(self) -> Sampling:
        """Return the sampling with the stops that the layout needs."""
        stops = (*self.sampling.stop, *self.layout.stop)
        return self.sampling.model_copy(update={"stop": stops}) if self.layout.stop else self.sampling


class Character:
    """One who speaks from a view: a member of the cast, or a player whom a model plays."""

    def __init__(self, view: View, voice: Voice, seed: int) -> None:
        self._thread = PromptThread(voice.layout, view)
        self._model, self._sampling = voice.model, voice.drawn()
        self._seed = seed
        self._own = (view.me.name, *view.me.aliases)
        self._others = _names_of_others(view)

    def request(self, key: str) -> Request:
        """Return the request for the next reply, to be asked under `key`."""
        return Request(self._model, self._thread.prompt(), self._sampling, seed_for(self._seed, key))

    async def speak(self, call: Call, key: str) -> list[Draft]:
        """Ask the model for the next reply and return what the character does. Raises `CallFailed`."""
        completion = await call(key, self.request(key))
        return self._drafts(completion, key)

    def _drafts(self, completion: Completion, key: str) -> list[Draft]:
        reply = read_reply(completion.text, self._own, self._others)
        parts = reply.parts or (("speech", ""),)
        flags = flags_of(completion, reply)
        return [
            Draft(kind=kind, text=text, flags=flags if at == 0 else None, call=key)
            for at, (kind, text) in enumerate(parts)
        ]


def _names_of_others(view: View) -> Sequence[str]:
    names = [name for other in view.others for name in (other.name, *other.aliases)]
    own = {view.me.name.casefold(), *(alias.casefold() for alias in view.me.aliases)}
    outside = [NARRATOR, "Scene", *([view.player] if view.player else [])]
    return [name for name in (*names, *outside) if name.casefold() not in own]
