"""A file to which a line is added for every answer of a model, whole and at once: it outlives the process.

A process that asks very much may be killed at any moment; what was answered by then is in the journal, by the digest of
its request, and is not asked again. All that is made of answers is written from it in the end.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from sandbox.engines.engine import Engine, EngineFacts
from sandbox.errors import StoreDamaged
from sandbox.store import lock_run, unwritable
from scenes.chat import Call, CallFailed, Completion, FinishReason, Request
from scenes.clean import one_line, without_surrogates
from scenes.problem import Problem, refuse

MOST_SAID = 400
"""Letters of why a request got no answer."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Begun(_Line):
    """The first line of a journal: whose answers it holds."""

    kind: Literal["begun"] = "begun"
    model: str
    engine: str
    """The kind of it: what one that is scripted says is not to pass for what the model would."""
    scorer: str | None = None
    """As which the model judges, with its options, such as `mmrole@1/5f2c01ab`; None where it judges nothing."""

    @property
    def told(self) -> str:
        """Whose they are, in words."""
        judging = f" as {one_line(self.scorer)}" if self.scorer else ""
        return f"{one_line(self.model)} on {self.engine}{judging}"


class Started(_Line):
    """With what the answers that follow are made."""

    kind: Literal["started"] = "started"
    engine: EngineFacts


class Answered(_Line):
    """An answer, to the request that its digest names."""

    kind: Literal["answered"] = "answered"
    digest: str
    record: str
    """What it is about: the id of a record, and what was asked of it if that is several things."""
    text: str
    finish_reason: FinishReason
    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    logprobs: tuple[float, ...] = ()
    dropped: int = 0

    @property
    def completion(self) -> Completion:
        """What came back, as it came back."""
        return Completion(**self.model_dump(exclude={"kind", "digest", "record"}))


class Failed(_Line):
    """A request that got no answer; it is asked again when the work goes on."""

    kind: Literal["failed"] = "failed"
    digest: str
    record: str
    reason: str
    too_long: bool = False
    """Whether the prompt does not fit the model."""


Entry = Annotated[Begun | Started | Answered | Failed, Field(discriminator="kind")]
_ENTRY = TypeAdapter[Entry](Entry)


class Journal:
    """The answers of one model, kept in a folder that no other process writes meanwhile.

    Raises `RunLocked`, `StoreFailed`, `StoreDamaged`, and `InputRefused` if somebody else's are in it.
    """

    def __init__(self, path: Path, begun: Begun) -> None:
        self.answers: dict[str, Answered] = {}
        """By the digest of their request."""
        self.failed: dict[str, Failed] = {}
        """What this process got no answer to, likewise."""
        self._path, folder = path, path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refuse(
                f"the folder cannot be made ({error.strerror}); name another with --out.", str(folder)
            ) from None
        self._lock = lock_run(folder)
        try:
            entries = self._read()
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            self._lock.close()
            raise unwritable(self._path, error) from None
        except BaseException:
            self._lock.close()
            raise
        self._begin(entries, begun)

    def _begin(self, entries: Sequence[Entry], begun: Begun) -> None:
        """Take up what the journal holds, or begin it."""
        before = next((entry for entry in entries if isinstance(entry, Begun)), None)
        if before and before != begun:
            self.close()
            others = f"the answers in this folder are those of {before.told}, and these would be of {begun.told}"
            raise refuse(f"{others}; name another with --out.", str(self._path.parent))
        if not before:
            self.add(begun)
        self.answers = {entry.digest: entry for entry in entries if isinstance(entry, Answered)}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, entry: Entry) -> None:
        """Keep an entry; it is safe from a kill when this returns. Raises `StoreFailed`."""
        line = entry.model_dump_json().encode() + b"\n"
        try:
            written = os.write(self._file, line)
            if written != len(line):  # the disk is full: what was begun must not stay before what comes later
                os.truncate(self._file, os.fstat(self._file).st_size - written)
                raise OSError("only a part was written")
        except OSError as error:
            raise unwritable(self._path, error) from None
        if isinstance(entry, Answered):
            self.answers[entry.digest] = entry
        if isinstance(entry, Failed):
            self.failed[entry.digest] = entry

    def known(self, request: Request) -> Completion | None:
        """Return the answer that is kept to a request, if there is one."""
        entry = self.answers.get(request.digest())
        return entry.completion if entry else None

    def asking(self, engine: Engine, call: Call) -> Call:
        """Return the call that asks what is not known, once, and keeps what comes of it."""

        async def ask(key: str, request: Request) -> Completion:
            return self.known(request) or await self._ask(key, request, engine, call)

        return ask

    async def _ask(self, key: str, request: Request, engine: Engine, call: Call) -> Completion:
        digest, record = request.digest(), without_surrogates(key.partition("/")[2])
        missing = max(0, -(engine.room(request) or 0))
        try:
            if missing:
                words = "prompt, picture and answer need"
                raise CallFailed(f"{words} {missing} tokens more than the model's context has")
            said = await call(key, request)
        except CallFailed as failure:
            reason = one_line(str(failure), MOST_SAID)
            self.add(Failed(digest=digest, record=record, reason=reason, too_long=missing > 0))
            raise
        kept = said.model_dump(include={*Answered.model_fields}) | {"text": without_surrogates(said.text)}
        self.add(Answered(digest=digest, record=record, **kept))
        return self.answers[digest].completion

    def close(self) -> None:
        """Bring all to the disk and let others write."""
        try:
            os.fsync(self._file)
        except OSError as error:
            raise unwritable(self._path, error) from None
        finally:
            os.close(self._file)
            self._lock.close()

    def _read(self) -> list[Entry]:
        """Return what is there, after cutting off a line that was not written to its end."""
        if not self._path.exists():
            return []
        if not self._path.is_file():
            raise refuse("this is no regular file; remove it, or name another folder with --out.", str(self._path))
        content = self._path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            os.truncate(self._path, len(whole))
        # parted at \n alone: the lines of text within are escaped, and splitlines() knows others
        return [_entry(self._path, number, line) for number, line in enumerate(whole.split(b"\n")[:-1], 1)]


def begun_in(path: Path) -> Begun | None:
    """Return whose answers the journal at `path` holds; None if there is none to be read."""
    try:
        with open(path, "rb") as file:
            return Begun.model_validate_json(file.readline(MOST_OF_A_LINE))
    except (OSError, ValidationError):
        return None


MOST_OF_A_LINE = 100_000


def _entry(path: Path, number: int, line: bytes) -> Entry:
    try:
        return _ENTRY.validate_json(line)
    except ValidationError:
        mend = "the line is damaged; remove it, and what it held is asked again."
        raise StoreDamaged(str(Problem(str(path), number, 1, mend))) from None
