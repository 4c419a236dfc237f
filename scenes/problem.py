"""What is wrong with something a user gave us: one sentence each, with its place, the rule and the mend."""

from collections.abc import Sequence
from dataclasses import dataclass

from scenes.clean import clean, one_line


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake. `line` and `column` count from 1; 0 means that the mistake is in the file as a whole."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        file = one_line(self.file, 400)
        place = f"{file}:{self.line}:{self.column}" if self.line else file
        return clean(f"{place}: {self.message}", 2_000)


class InputRefused(ValueError):
    """Input that cannot be used; holds every problem found, in the order of the file. The user's to mend."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


def refuse(message: str, file: str = "rolestage") -> InputRefused:
    """Return the refusal of something that has no place in a file, such as an option of the command line."""
    return InputRefused([Problem(file, 0, 0, message)])
