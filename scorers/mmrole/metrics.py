"""MMRole's eight metrics in the published order: their keys and names, and in our own words what each asks.

Names, keys and order are those of the published review and result files (MMRole, arXiv:2408.04203, section 4.1, and
eval/RM_review.py), so that what is judged here stands beside what is published there. The words for the judge are ours.
"""

from dataclasses import dataclass

_SOURCE = (
    "MMRole (arXiv:2408.04203, section 4.1): the judge's score of the answer, 1 to 10, over its score of the reference"
)


@dataclass(frozen=True, slots=True)
class Aspect:
    """One of the eight: what a judge is asked to look at."""

    key: str
    """As in the published tables: `IA`."""
    name: str
    """As in the published files: `Instruction Adherence`."""
    criterion: str
    """What it asks of an answer, for the judge."""

    @property
    def metric(self) -> str:
        """The name of its scores: `instruction_adherence`."""
        return self.name.lower().replace(" ", "_").replace("-", "_")

    @property
    def meaning(self) -> str:
        """What its number says and where it was defined, for whoever reads it."""
        return f"{self.criterion} {_SOURCE}; 1 is as good as the reference."


METRICS: tuple[Aspect, ...] = (
    Aspect(
        "IA",
        "Instruction Adherence",
        "Does the answer do what was asked and speak as the character from first to last? It holds only what the "
        "character would say or do: no remarks before or after it, and no explaining that this is a part being played.",
    ),
    Aspect(
        "Flu",
        "Fluency",
        "Is the answer well written: free of mistakes of grammar, and does it read smoothly?",
    ),
    Aspect(
        "Coh",
        "Coherency",
        "Does the answer hold together: does it follow one thread, and contradict neither itself, nor what was said "
        "before, nor what is settled about the scene?",
    ),
    Aspect(
        "ITR",
        "Image-Text Relevance",
        "Is the answer about what the picture shows: do its words belong to what can be seen there?",
    ),
    Aspect(
        "RA",
        "Response Accuracy",
        "Does the answer meet the words it replies to, rightly and to the point? If there are none to reply to, does "
        "it open a conversation that suits the picture?",
    ),
    Aspect(
        "PC",
        "Personality Consistency",
        "Does the answer show the character's personality as it is described, truly and clearly enough to be felt?",
    ),
    Aspect(
        "KC",
        "Knowledge Consistency",
        "Does the answer agree with what the character must know, such as its past, its abilities and the people it "
        "is close to, and claim nothing that it cannot know?",
    ),
    Aspect(
        "TC",
        "Tone Consistency",
        "Does the answer sound like the character, with its manner of speaking and its turns of phrase, and not like "
        "an assistant?",
    ),
)
"""In the order of the published tables and files."""
