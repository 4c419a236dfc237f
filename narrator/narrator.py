"""The narrator: opens the scene, judges deeds and tells what comes of them, leads, and keeps track.

It changes nothing by itself: what it writes and decides comes back as drafts, and the scene says who perceives them.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from agents.character import Voice
from agents.decision import Asking, Decision, Offered, Phrase, Sentence, decide, with_room
from agents.prompts.blocks import language_name
from agents.reply import flags_of, prose, read_reply
from narrator.changes import change_told, time_told, touch_told
from narrator.chronicle import Audience, Chronicle, everybody_at
from narrator.judgement import NOBODY, Judgement, Touch, Touched, first_of_each, judgement_form, touched_form
from narrator.prompts import tasks
from narrator.prompts.wording import worded
from narrator.steering import Steering, steering_decisions, steering_form, straightened
from scenes.chat import Call, together
from scenes.event import NARRATOR, Change, Draft
from scenes.names import names_of
from scenes.scene import Scene

DECISION_TOKENS = 512
SHORT_DECISION_TOKENS = 100
"""Room for a decision: its longest form, and that of small models."""
SUMMARY_TOKENS = 200
"""Room for a summary at least; a reply may be shorter than four sentences."""


class Update(Offered):
    """What of the scene itself is otherwise after a round."""

    time: Phrase | None
    scene: Sentence | None


class Narrator:
    """The narrator of one scene."""

    def __init__(self, scene: Scene, voice: Voice) -> None:
        spec = scene.setting.scenario.narrator
        self._scene = scene
        self._is_short = voice.layout.name == "compact"
        self._may_part = not voice.layout.shared
        self._chronicle = Chronicle(scene, self._is_short, spec is not None and spec.knows_secrets)
        self._telling = Asking(voice.model, voice.sampling, scene.seed)
        self._summing_up = Asking(voice.model, with_room(voice.sampling, SUMMARY_TOKENS), scene.seed)
        room = SHORT_DECISION_TOKENS if self._is_short else DECISION_TOKENS
        self._deciding = Asking(voice.model, voice.sampling.model_copy(update={"max_tokens": room}), scene.seed)
        self._language = scene.setting.scenario.language

    async def open(self, call: Call) -> list[Draft]:
        """Return the narrations that open the scene, one for each place, of what is seen there. Raises `CallFailed`."""
        audiences = dict.fromkeys(everybody_at(self._scene, [name]) for name in self._scene.present)
        task, outside = self._worded(tasks.OPEN), self._scene.outside
        told = (self._told(call, self._key("open", one[0], one), task, (*one, *outside)) for one in audiences)
        return [draft for drafts in await together(*told) for draft in drafts]

    async def judge(self, call: Call, actors: Sequence[str], audience: tuple[str, ...]) -> list[Draft]:
        """Return whom the deeds of `actors`, seen by `audience`, touch and what they change. Raises `CallFailed`."""
        others = tuple(name for name in audience if [name] != [*actors])
        if not others:
            return []
        key = self._key("judge", actors[0], audience)
        if self._is_short:
            short = await self._decided(call, key, tasks.JUDGE_SHORT, audience, touched_form(others))
            return self._judged(_lengthened(short), actors, audience)
        places = tuple(self._scene.setting.scenario.places) if self._may_part else ()
        task = self._worded(tasks.JUDGE_WITH_PLACES if places else tasks.JUDGE)
        task = task.format(actors=self._all(actors), places="; ".join(places))
        form = judgement_form(others, audience, places)
        return self._judged(await self._decided(call, key, task, audience, form), actors, audience)

    def _judged(self, decision: Decision[Judgement], actors: Sequence[str], audience: Sequence[str]) -> list[Draft]:
        judgement = decision.made or Judgement()
        drafts = [self._touch(touch, actors, audience) for touch in first_of_each(judgement.touched)]
        changes = (outcome.change() for outcome in first_of_each(judgement.after))
        drafts += [draft for change in changes for draft in self._outcome(change, audience)]
        if not drafts and decision.flags:
            drafts = [Draft(kind="system", text="the narrator judges that nobody is touched")]
        return _from(decision, drafts)

    def _touch(self, touch: Touch, actors: Sequence[str], audience: Sequence[str]) -> Draft:
        if self._is_short:
            return Draft(kind="system", text=f"reaches {touch.who}", to=(touch.who,))
        told = touch.how.strip() or touch_told(" + ".join(actors), touch.who, self._language)
        return Draft(kind="narration", text=told, to=(touch.who,), audience=tuple(audience))

    def _outcome(self, change: Change, audience: Sequence[str]) -> Iterator[Draft]:
        """Yield how somebody is now. That it comes elsewhere is seen there; the rest is for `audience` alone."""
        assert change.who, "an outcome is somebody's"
        is_there = change.place == self._scene.standings[change.who].place
        where = Change(who=change.who, place=None if is_there else change.place)
        how = change.model_copy(update={"place": None})
        if not _is_empty(where):
            yield Draft(kind="state", text=change_told(where, self._language), change=where)
        if not _is_empty(how):
            yield Draft(kind="state", text=change_told(how, self._language), change=how, audience=tuple(audience))

    async def narrate(self, call: Call, actors: Sequence[str], audience: tuple[str, ...]) -> list[Draft]:
        """Return the narration of what comes of what `actors` did. Raises `CallFailed`."""
        task = tasks.NARRATE_SHORT if self._is_short else self._worded(tasks.NARRATE).format(actors=self._all(actors))
        key = self._key("narrate", actors[0], audience)
        return await self._told(call, key, task, audience)

    async def tell_switch(self, call: Call, where: str) -> list[Draft]:
        """Return the narration of how the scene goes on elsewhere or later. Raises `CallFailed`."""
        place = self._worded("in the place called {where}" if where else "some time later").format(where=where)
        task = tasks.SWITCH_SHORT if self._is_short else self._worded(tasks.SWITCH).format(where=place)
        audience = (*self._scene.present, *self._scene.outside)
        return await self._told(call, self._key("switch"), task, audience)

    async def steer(self, call: Call) -> Decision[Steering]:
        """Return what is to come next; nothing if no answer could be read. Raises `CallFailed`."""
        decisions = steering_decisions(self._scene, self._is_short)
        task = tasks.STEER_SHORT if self._is_short else self._worded(tasks.STEER).format(decisions="; ".join(decisions))
        form = steering_form(decisions, self._is_short)
        decision = await self._decided(call, self._key("steer"), task, None, form)
        return straightened(decision) if self._is_short else decision

    async def update(self, call: Call) -> list[Draft]:
        """Return what of the scene itself has changed in the round; small models are not asked. Raises `CallFailed`."""
        if self._is_short:
            return []
        present = tuple(self._scene.present)
        decision = await self._decided(call, self._key("update"), self._worded(tasks.UPDATE), present, Update)
        made, drafts = decision.made, list[Draft]()
        if made and made.time and made.time != self._scene.time:
            told = time_told(made.time, self._language)
            drafts.append(Draft(kind="state", text=told, change=Change(time=made.time)))
        if made and made.scene:
            drafts.append(Draft(kind="narration", text=made.scene))
        if not drafts and decision.flags:
            drafts.append(Draft(kind="system", text="the scene stays as it was"))
        return _from(decision, drafts)

    async def sum_up(self, call: Call) -> list[Draft]:
        """Sum up for itself what has happened so far; small models are not asked. Raises `CallFailed`."""
        if self._is_short:
            return []
        task = self._worded(tasks.SUMMARISE).format(language=language_name(self._language))
        key = self._key("summary")
        completion = await call(key, self._summing_up.request(key, self._chronicle.prompt(None, task)))
        self._chronicle.summary = prose(completion, [NARRATOR], limit=1_200)
        return [Draft(kind="system", text=self._chronicle.summary, call=key)]

    def begin_round(self) -> None:
        """Let go of the round before the last."""
        self._chronicle.begin_round()

    def _key(self, what: str, of: str | None = None, audience: Audience = None) -> str:
        """Return the key of a call; where not all on the stage are told, it says of whom they are told."""
        apart = audience is not None and len(audience) < len(self._scene.present)
        part = f"-{self._scene.keys[of]}" if of and apart else ""
        return f"t{self._scene.turn:02d}/narrator/{what}{part}"

    def _worded(self, task: str) -> str:
        """Return a task in the words of the scene's language; what is short is in those of the storybook model."""
        return task if self._is_short else worded(task, self._language)

    def _all(self, actors: Sequence[str]) -> str:
        return ("和" if self._language.split("-")[0] == "zh" else " and ").join(actors)

    async def _decided(self, call: Call, key: str, task: str, audience: Audience, form: type[Any]) -> Decision[Any]:
        return await decide(self._deciding, call, key, self._chronicle.prompt(audience, task), form)

    async def _told(self, call: Call, key: str, task: str, audience: Audience) -> list[Draft]:
        """Ask for prose, which ends where it begins to speak for one of the cast."""
        completion = await call(key, self._telling.request(key, self._chronicle.prompt(audience, task)))
        reply = read_reply(completion.text, [NARRATOR], names_of(self._scene.setting.profiles))
        text = " ".join(words for _, words in reply.parts)
        return [Draft(kind="narration", text=text, audience=audience, flags=flags_of(completion, reply), call=key)]


def _from(decision: Decision[Any], drafts: Iterable[Draft]) -> list[Draft]:
    """Return `drafts` as what came of `decision`; what was odd about that stands with the first."""
    return [
        draft.model_copy(update={"call": decision.key, "flags": decision.flags if at == 0 else None})
        for at, draft in enumerate(drafts)
    ]


def _is_empty(change: Change) -> bool:
    return change == Change(who=change.who)


def _lengthened(short: Decision[Touched]) -> Decision[Judgement]:
    """Return the judgement that the short form is."""
    made = short.made
    if made is None:
        return Decision(None, short.flags, short.key)
    touched = () if made.touched == NOBODY else (Touch(who=made.touched),)
    return Decision(Judgement(touched=touched), short.flags, short.key)


def touched_by(drafts: Iterable[Draft]) -> list[str]:
    """Return whom a judgement names as touched, each once."""
    return list(dict.fromkeys(name for draft in drafts for name in draft.to))
