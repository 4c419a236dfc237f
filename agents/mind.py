"""What goes on in a character's head: beliefs about itself and about what is around it, and what it learns from much.

After CharacterBox's self belief (belief, desire, intention) and environment belief (arXiv 2412.05631, section 3.2);
here both are asked for together, and of all characters at once. Reflection is Generative Agents' (arXiv 2304.03442,
section 4.2): when enough that matters has gathered. All of it is private.
"""

from agents.character import Character
from agents.memory import importance
from agents.prompts.blocks import language_name
from agents.prompts.wording import worded
from scenes.chat import Call, together
from scenes.event import Change, Draft
from scenes.profile import CharacterProfile
from scenes.scene import PastTurn, told

SELF = (
    "Out of the scene, for yourself alone: say in two or three short sentences, in the first person, what you now "
    "believe about yourself, what you want, and what you mean to do next. Write {language}."
)
SURROUNDINGS = (
    "Out of the scene, for yourself alone: say in two or three short sentences, in the first person, what you now "
    "think of each of the others, and what is going on where you are. Write {language}."
)
REFLECT = (
    "Out of the scene, for yourself alone: say in one or two sentences, in the first person, what you have come to "
    "understand from all that has happened so far. Write {language}."
)
SHORT = {"belief": "Tell me about yourself.", "surroundings": "Say what you think of this picture."}
"""What small models are asked instead, in words that the storybook model was trained on."""
ENOUGH = 6.0
"""Importance that has to gather, 1 at most for each turn perceived, before a character reflects."""


class Mind:
    """The inner life of one character."""

    def __init__(self, character: Character, key: str, is_short: bool = False) -> None:
        """`key` names the character in the keys of calls."""
        self._character = character
        self._key = key
        self._is_short = is_short
        self._language = language_name(character.view.language)
        self._read = 0
        self._gathered = 0.0
        """Since it last reflected; all of it is read from the past, so that it does not begin anew with a branch."""

    async def form_beliefs(self, call: Call, turn: int) -> list[Draft]:
        """Return what the character now believes, and what it has come to know of much. Raises `CallFailed`."""
        asked = SHORT if self._is_short else self._questions()
        answers = await together(
            *(
                self._character.consider(call, self._call(turn, what), self._worded(question))
                for what, question in asked.items()
            )
        )
        return [self._draft(turn, what, text) for what, text in zip(asked, answers, strict=True) if text]

    def _worded(self, question: str) -> str:
        return worded(question, self._character.view.language).format(language=self._language)

    def _questions(self) -> dict[str, str]:
        return {"belief": SELF, "surroundings": SURROUNDINGS} | ({"reflect": REFLECT} if self._is_full() else {})

    def _call(self, turn: int, what: str) -> str:
        return f"t{turn:02d}/{self._key}/{what}"

    def _draft(self, turn: int, what: str, text: str) -> Draft:
        key = self._call(turn, what)
        if what == "reflect":
            return Draft(kind="thought", text=text, call=key)
        change = Change(**{"who": self._character.view.me.name, what: text})
        return Draft(kind="state", text=text, change=change, call=key)

    def _is_full(self) -> bool:
        """Return whether enough has gathered since the character last reflected."""
        view = self._character.view
        for turn in view.past[self._read :]:
            if _reflects(turn, view.me):
                self._gathered = 0.0
            elif told(turn.events):
                self._gathered += importance(turn, view.me)
        self._read = len(view.past)
        return self._gathered >= ENOUGH


def _reflects(turn: PastTurn, me: CharacterProfile) -> bool:
    """Return whether `turn` is one in which `me` came to know of much."""
    return turn.actor == me.name and any((event.call or "").endswith("/reflect") for event in turn.events)
