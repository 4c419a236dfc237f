"""The format `mmrole-rm`: verdicts of the scorer `mmrole` as training records of its reward model.

A record is a judge's prompt and its review with the scores, in the shape of MMRole's release (`RM_data` in the data set
YanqiDai/MMRole_dataset): a list of objects with id, system, image, conversations, role, script and other_role, pictures
in the text as Qwen-VL has them. What is answered ends `[Scores]: (a, b)`, as the published program reads it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sandbox.export.row import CallOrigin, Kind, Played, Row
from sandbox.export.text import parts, plain, words
from sandbox.run_folder import IMAGES
from sandbox.tape import Answer
from scenes.chat import Completion, Message, messages
from scenes.clean import one_line
from scorers.base import Score
from scorers.mmrole.metrics import METRICS, Aspect
from scorers.mmrole.reading import LEAST, MOST, Verdict, read_scores
from scorers.mmrole.replies import Reply, matter_of, replies_of

_ASPECTS = {aspect.metric: aspect for aspect in METRICS}
_LINE = re.compile(
    r"^[ \t>#*-]*[\[［【]?\s*(?:final |overall )?scores?\s*[\]］】]?\s*[*]*\s*[:：]", re.IGNORECASE | re.MULTILINE
)
_INLINE = re.compile(r"[\[［【]\s*scores?\s*[\]］】]", re.IGNORECASE)
_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.IGNORECASE | re.DOTALL)
_PICTURE = re.compile(r"Picture \d+: <img>[^<>\n]*</img>\n")
_MARKS = ("[Question Start]", "[Model A", "[Model B", "[Instruction]")
SWAPPED = "verdicts with the reference in the first place: published records have the answer there"
AGAIN = "verdicts read only when the judge was asked again"
OTHER_FORM = "verdicts of another form than review, which have no review for each metric"
OFF_SCALE = f"verdicts off the scale of {LEAST} to {MOST}"
WITHOUT = "verdicts without a value: "


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)


class UserLine(_Strict):
    """What the judge was asked."""

    speaker: Literal["user"] = Field(alias="from")
    value: str

    @model_validator(mode="after")
    def _has_the_sections(self) -> Self:
        places = [self.value.find(mark) for mark in _MARKS]
        if -1 in places or places != sorted(places):
            raise ValueError("the prompt lacks a section of a judge's prompt, or has them in another order")
        return self


class AssistantLine(_Strict):
    """What the judge answered."""

    speaker: Literal["assistant"] = Field(alias="from")
    value: Annotated[str, Field(pattern=r"\[Scores\]: \((?:[0-9.]+), (?:[0-9.]+)\)$")]

    @model_validator(mode="after")
    def _is_read_as_published(self) -> Self:
        if self.value.count("[Scores]:") != 1:
            raise ValueError("there must be one [Scores]: in what is learned")
        a, b = self.value.split("[Scores]:")[1].strip().strip("()").split(",")
        if not (LEAST <= float(a) <= MOST and LEAST <= float(b) <= MOST):
            raise ValueError(OFF_SCALE)
        return self


class RewardRecord(_Strict):
    """A training record."""

    id: str = Field(min_length=1)
    system: str
    image: str
    """The first picture; empty where there was none."""
    conversations: tuple[UserLine, AssistantLine] = Field(strict=False)
    role: str
    script: str
    other_role: str

    @model_validator(mode="after")
    def _has_its_picture(self) -> Self:
        if self.image and f"<img>{self.image}</img>" not in self.conversations[0].value:
            raise ValueError("the picture is not in the prompt")
        return self


class MMRoleRm:
    """One record for each metric of each reply that was judged."""

    name: ClassVar[str] = "mmrole-rm"
    scorer: ClassVar[str | None] = "mmrole"
    kind: ClassVar[Kind] = "json"
    schema: ClassVar[type[BaseModel]] = RewardRecord

    def rows(self, played: Played) -> Iterator[Row]:
        """Yield the records of an episode, by reply and metric."""
        replies = {tuple(event.index for event in reply.events): reply for reply in replies_of(played.case)}
        answers = played.record.judgements(played.case.trajectory.episode)
        for score in played.scores():
            aspect, reply = _ASPECTS.get(score.metric), replies.get(score.events)
            if aspect is None or reply is None:
                continue  # the mean of the eight, and how often both orders agree
            yield from _records(played, score, aspect, reply, answers)

    def told(self, body: Mapping[str, Any]) -> str:
        """Return what is asked and what is learned."""
        asked, answered = body["conversations"]
        return f"<system> {body['system']}\n<user> {asked['value']}\n<assistant learned> {answered['value']}"

    def places(self, body: Mapping[str, Any]) -> int:
        """Return how many pictures stand in the prompt."""
        return len(_PICTURE.findall(body["conversations"][0]["value"]))

    def texts(self, body: Mapping[str, Any]) -> Iterator[str]:
        """Yield every text, without the marks of its pictures."""
        yield from (body[key] for key in ("system", "role", "script", "other_role"))
        yield from (_PICTURE.sub("", line["value"]) for line in body["conversations"])


def _records(
    played: Played, score: Score, aspect: Aspect, reply: Reply, answers: Mapping[str, Answer]
) -> Iterator[Row]:
    """Yield the record of one verdict; none where it has no value or not the published form, which is counted."""
    if score.value is None:
        played.leave_out(WITHOUT + one_line(re.sub(r"\d+|(?<=wrote: ).*", "…", score.reason or "no reason given")), 1)
        return
    keys = [key for key in score.calls if f"/swapped/{aspect.key}" not in key]
    if len(keys) < len(score.calls):
        played.leave_out(SWAPPED, 1)
    why = _unfit(keys, aspect, answers)
    if why:
        played.leave_out(why, 1)
        return
    yield _record(played, score, aspect, reply, keys[0], answers[keys[0]])


def _unfit(keys: list[str], aspect: Aspect, answers: Mapping[str, Answer]) -> str | None:
    if not keys or not keys[0].endswith(f"/{aspect.key}"):
        return OTHER_FORM
    verdict = read_scores(_said(answers[keys[0]]).text)
    if not isinstance(verdict, Verdict):
        return AGAIN
    return None if all(LEAST <= one <= MOST for one in (verdict.a, verdict.b)) else OFF_SCALE


def _said(answer: Answer) -> Completion:
    return answer.completion or Completion(text="")


def _record(played: Played, score: Score, aspect: Aspect, reply: Reply, key: str, answer: Answer) -> Row:
    chat, completion = messages(played.record.segments(answer.node)), _said(answer)
    asked, pictures = _asked(chat[-1])
    matter, review = matter_of(played.case, reply, ""), reviewed(completion.text)
    body = {
        "id": plain(f"{played.run}_{played.case.trajectory.episode}_{reply.call}_{aspect.key}"),
        "system": "".join(text or "" for message in chat[:-1] for text in parts(message)),
        "image": _file(pictures[0]) if pictures else "",
        "conversations": [{"from": "user", "value": asked}, {"from": "assistant", "value": review}],
        "role": plain(matter.role),
        "script": plain(matter.world),
        "other_role": plain(matter.partner),
    }
    origin = CallOrigin(key=key, turn=reply.events[0].turn, prompt=answer.node.hex())
    return Row(
        body,
        pictures,
        played.origin(score.character or matter.role, played.judge(), [origin]),
        words(asked) + words(review),
        words(review),
        tokens=completion.prompt_tokens + completion.output_tokens if completion.prompt_tokens else 0,
    )


def _asked(message: Message) -> tuple[str, tuple[str, ...]]:
    """Return the user's text in Qwen-VL's form, and the ids of its pictures, which stand before all words."""
    pictures = tuple(part.image for part in message.parts if part.image)
    tags = "".join(f"Picture {at}: <img>{_file(picture)}</img>\n" for at, picture in enumerate(pictures, start=1))
    return tags + "".join(text or "" for text in parts(message)).strip(), pictures


def _file(picture: str) -> str:
    return f"{IMAGES}/{picture}.png"


def reviewed(text: str) -> str:
    """Return a judge's output as it is learned: its review, then its scores in the one form that is published.

    Raises `ValueError` where no scores can be read.
    """
    verdict = read_scores(text)
    if not isinstance(verdict, Verdict):
        raise ValueError(verdict.reason)
    own = _THOUGHT.sub("", text)
    found = min((match.start() for match in (_LINE.search(own), _INLINE.search(own)) if match), default=0)
    review = plain(own[:found].strip().rstrip("*#> \n"))
    return f"{review}\n[Scores]: ({verdict.a:g}, {verdict.b:g})".lstrip()
