"""A character of the cast: a view becomes a request, and the completion what the character does."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from agents.decision import Asking, Choice, Decision, choice_of, decide, with_room
from agents.prompts.layout import Layout, PromptThread
from agents.prompts.wording import worded
from agents.reply import flags_of, prose, read_reply
from scenes.chat import Call, Completion, Request, Sampling
from scenes.event import INTERVIEWER, NARRATOR, Draft, EventKind, Flags
from scenes.scenario import MemorySpec
from scenes.scene import View

CHOICE_TOKENS = 64
"""Room for an answer that is chosen: a name in its form."""
PROSE_TOKENS = 160
"""Room at least for what a character considers by itself: a few sentences."""

MOST_PARTS = 40
"""Deeds, thoughts and words of one reply that are told apart; a line of dialogue has a handful."""

CHOOSE = 'Answer in JSON, in this form: {{"answer": "..."}}. The answer is one of these: {choices}.'


@dataclass(frozen=True, slots=True)
class Voice:
    """How an agent's lines are made: the model asked, the layout of its prompt, how the answer is drawn."""

    model: str
    layout: Layout
    sampling: Sampling
    memory: MemorySpec = field(default_factory=MemorySpec)

    def drawn(self) -> Sampling:
        """Return the sampling with the stops that the layout needs."""
        stops = (*self.sampling.stop, *self.layout.stop)
        return self.sampling.model_copy(update={"stop": stops}) if self.layout.stop else self.sampling


class Character:
    """One who speaks from a view: a member of the cast, or a player whom a model plays."""

    def __init__(self, view: View, voice: Voice, seed: int) -> None:
        self.view = view
        self._thread = PromptThread(voice.layout, view, voice.memory)
        self._replying = Asking(voice.model, voice.drawn(), seed)
        # small models, with little context, say less than has room in a line
        room_for_prose = 1 if voice.layout.name == "compact" else PROSE_TOKENS
        self._considering = Asking(voice.model, with_room(voice.sampling, room_for_prose), seed)
        room = {"max_tokens": CHOICE_TOKENS}
        self._choosing = Asking(voice.model, voice.sampling.model_copy(update=room), seed)
        self._own = (view.me.name, *view.me.aliases)
        self._others = _names_of_others(view)

    def request(self, key: str) -> Request:
        """Return the request for the next reply, to be asked under `key`."""
        return self._replying.request(key, self._thread.prompt())

    async def speak(self, call: Call, key: str) -> list[Draft]:
        """Ask the model for the next reply and return what the character does. Raises `CallFailed`."""
        completion = await call(key, self.request(key))
        return self._drafts(completion, key)

    def _drafts(self, completion: Completion, key: str) -> list[Draft]:
        reply = read_reply(completion.text, self._own, self._others)
        parts = _joined(reply.parts) or (("speech", ""),)
        flags = flags_of(completion, reply)
        if len(parts) < len(reply.parts):
            flags = (flags or Flags()).model_copy(update={"joined": len(reply.parts) - len(parts) + 1})
        return [
            Draft(kind=kind, text=text, flags=flags if at == 0 else None, call=key)
            for at, (kind, text) in enumerate(parts)
        ]

    async def consider(self, call: Call, key: str, question: str) -> str:
        """Put `question` to the character alone and return what it makes of it, in prose. Raises `CallFailed`."""
        request = self._considering.request(key, self._thread.prompt(question))
        return prose(await call(key, request), self._own)

    async def choose(self, call: Call, key: str, question: str, choices: Sequence[str]) -> Decision[Choice]:
        """Put `question` to the character alone, to be answered by one of `choices`. Raises `CallFailed`."""
        offer = worded(CHOOSE, self.view.language).format(choices="; ".join(choices))
        prompt = self._thread.prompt(f"{question}\n{offer}")
        return await decide(self._choosing, call, key, prompt, choice_of(tuple(choices)))


def _joined(parts: tuple[tuple[EventKind, str], ...]) -> tuple[tuple[EventKind, str], ...]:
    """Return at most `MOST_PARTS` parts, in the last of them the words of all that come after.

    It is a thought, unless it is speech and nothing else: what was thought or whispered there is better unsaid than
    overheard.
    """
    if len(parts) <= MOST_PARTS:
        return parts
    kept, rest = parts[: MOST_PARTS - 1], parts[MOST_PARTS - 1 :]
    kind: EventKind = "speech" if all(kind == "speech" for kind, _ in rest) else "thought"
    return (*kept, (kind, " ".join(words for _, words in rest)))


def _names_of_others(view: View) -> Sequence[str]:
    names = [name for other in view.others for name in (other.name, *other.aliases)]
    own = {view.me.name.casefold(), *(alias.casefold() for alias in view.me.aliases)}
    outside = [NARRATOR, INTERVIEWER, "Scene", *([view.player] if view.player else [])]
    return [name for name in (*names, *outside) if name.casefold() not in own]
