"""What CharacterBox's judges look at: the names are published, the questions and anchors are in our own words.

Apart from the scorers, since prompts, readers and training records must all name the same things in the same order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scorers.base import Metric

LEAST, MOST = 1, 5
"""The ends of every scale."""
_PAPER = "CharacterBox (NAACL 2025, arXiv 2412.05631)"


@dataclass(frozen=True)
class Criterion:
    """One thing that is judged from 1 to 5, in two languages."""

    label: str
    """As published: `Knowledge Accuracy`."""
    chinese: str
    question: tuple[str, str]
    """In English and in Chinese."""
    anchors: tuple[tuple[str, str], tuple[str, str], tuple[str, str]]
    """What 1, 3 and 5 mean, each in English and in Chinese."""

    @property
    def name(self) -> str:
        """As a metric and as a key of the form: `knowledge_accuracy`."""
        return self.label.lower().replace(" ", "_")

    def told(self, is_chinese: bool) -> str:
        """Return the criterion on one line, its label in both languages where the prompt is not in English."""
        marks = [f"{mark}: {text[is_chinese]}" for mark, text in zip((1, 3, 5), self.anchors, strict=True)]
        if is_chinese:
            return f"{self.chinese}（{self.label}）：{self.question[1]} {'；'.join(marks)}。"
        return f"{self.label}: {self.question[0]} {'; '.join(marks)}."


FIDELITY = "character fidelity"
HUMAN_LIKENESS = "human-likeness"
CONSISTENCY = "consistency"

CHARACTER = (
    Criterion(
        "Knowledge Accuracy",
        "知识准确性",
        (
            "Is what it says and knows right, and drawn from what it has lived through?",
            "它说的和知道的是否正确，是否出自它自己的经历？",
        ),
        (
            ("it is wrong about itself, or knows what it cannot know", "弄错自己的事，或知道它不可能知道的事"),
            ("mostly right, with slips that matter little", "大体正确，有些无关紧要的差错"),
            (
                "right throughout, and its background is used where the scene calls for it",
                "始终正确，并恰当地用到它的背景",
            ),
        ),
    ),
    Criterion(
        "Emotional Expression",
        "情感表达",
        ("Does it show feelings that are rich and fit the moment?", "它流露的情感是否丰富，是否合乎当时的情境？"),
        (
            ("none, or feelings that do not fit", "没有情感，或情感不合时宜"),
            ("fitting, but few or all of one kind", "合乎情境，但很少或单一"),
            ("rich, varied and always fitting", "丰富、有变化，且始终合乎情境"),
        ),
    ),
    Criterion(
        "Personality Traits",
        "性格特征",
        ("Does it keep the core of its personality?", "它是否保持了性格的核心？"),
        (
            ("it acts against its own nature", "行为违背它的本性"),
            ("its nature shows now and then", "本性时有显露"),
            ("its nature shows in all it does, under pressure too", "一举一动都见其本性，受压时也如此"),
        ),
    ),
    Criterion(
        "Behavioral Accuracy",
        "行为准确性",
        (
            "Are its ways of acting and speaking its own: habits, turns of phrase, sayings?",
            "它的举止和言语是否是它自己的：习惯、措辞、口头禅？",
        ),
        (
            ("anybody could have done and said this", "换成谁都可以这样做、这样说"),
            ("its own in part", "部分是它自己的"),
            ("nobody else could be meant", "一看便知是它，不会是别人"),
        ),
    ),
    Criterion(
        "Immersion",
        "沉浸感",
        ("Does it stay in its role?", "它是否始终留在角色之中？"),
        (
            ("it speaks as an assistant or an author, not as the character", "像助手或作者在说话，而不是角色"),
            ("it leaves the role once or twice", "有一两次离开角色"),
            ("it never leaves the role", "从未离开角色"),
        ),
    ),
    Criterion(
        "Adaptability",
        "适应性",
        ("Does it meet what is new in the scene as this character would?", "遇到新情况时，它是否像这个角色那样应对？"),
        (
            ("it passes over what happens, or is at a loss", "对发生的事视而不见，或不知所措"),
            ("it answers what happens, as most people would", "有所回应，但和一般人无异"),
            ("it takes up what happens in its own way", "以自己的方式应对所发生的事"),
        ),
    ),
    Criterion(
        "Behavioral Coherence",
        "行为连贯性",
        (
            "Does each deed follow from what it did before and from what has happened?",
            "它的每个行为是否承接它先前的行为和所发生的事？",
        ),
        (
            ("its deeds contradict each other", "行为前后矛盾"),
            ("they follow, with a leap here and there", "大体连贯，偶有跳跃"),
            ("each follows from the one before", "环环相扣"),
        ),
    ),
)
"""In the published order: KA, EE, PT, BA, IM, AD, BC."""
GROUPS = (FIDELITY, HUMAN_LIKENESS, HUMAN_LIKENESS, FIDELITY, CONSISTENCY, CONSISTENCY, CONSISTENCY)
"""The group that the paper puts each of the seven into."""

NARRATOR = (
    Criterion(
        "Quantity",
        "量",
        ("Does it say as much as is needed, and no more?", "它说的是否恰如所需，不多也不少？"),
        (
            ("what matters is missing, or buried", "缺了要紧的，或被淹没"),
            ("a little too short or too long", "稍短或稍长"),
            ("all that is needed, and nothing else", "该说的都说了，别无他言"),
        ),
    ),
    Criterion(
        "Quality",
        "质",
        (
            "Is it true to what it was given, with nothing made up against it?",
            "它是否忠于所给的内容，没有与之相违的编造？",
        ),
        (
            ("it contradicts what is known", "与已知的相矛盾"),
            ("true, with a detail that nothing supports", "大体属实，有个别没有依据的细节"),
            ("all of it is borne out", "句句有据"),
        ),
    ),
    Criterion(
        "Relevance",
        "关联",
        ("Is it about what was asked for?", "它说的是否是所要求的？"),
        (
            ("about something else", "说的是别的事"),
            ("about it, with digressions", "切题，但有旁逸"),
            ("about nothing else", "完全切题"),
        ),
    ),
    Criterion(
        "Manner",
        "方式",
        ("Is it clear and in order?", "它是否清楚而有条理？"),
        (
            ("hard to make out", "难以看懂"),
            ("clear, with a place that can be read in two ways", "清楚，但有一处可作两解"),
            ("clear at first reading", "一读就懂"),
        ),
    ),
)
"""Grice's maxims (Logic and Conversation, 1975), as CharacterBox scores each call of the narrator."""

SCENE = (
    Criterion(
        "Creativity",
        "创意",
        ("Is there something in the scene that is not seen everywhere?", "这一场戏里是否有不落俗套之处？"),
        (
            ("seen a hundred times", "司空见惯"),
            ("known, with a turn of its own", "常见，但有自己的变化"),
            ("new, and promising for those who play it", "新颖，且给扮演者留下余地"),
        ),
    ),
    Criterion(
        "Coherence",
        "连贯",
        ("Do its parts fit each other: when, where, who, what has happened?", "时间、地点、人物、事件是否彼此相合？"),
        (
            ("they contradict each other", "互相矛盾"),
            ("they fit, with a gap", "相合，但有缺口"),
            ("everything fits", "处处相合"),
        ),
    ),
    Criterion(
        "Conformity",
        "契合",
        (
            "Does it keep to the work and to the characters as they are known?",
            "它是否合乎原作，合乎人们所知的这些人物？",
        ),
        (
            ("it goes against them", "与之相违"),
            ("it keeps to them in the main", "大体相合"),
            ("it could stand in the work", "放进原作也不突兀"),
        ),
    ),
    Criterion(
        "Detail",
        "细节",
        ("Is there enough to see and to act on?", "可看、可据以行动的东西是否足够？"),
        (
            ("hardly anything", "几乎没有"),
            ("enough to begin with", "够开场之用"),
            ("rich, and each detail has its use", "丰富，且各有其用"),
        ),
    ),
    Criterion(
        "Style",
        "文风",
        ("Is the language fit for the work and well made?", "语言是否合乎作品，是否讲究？"),
        (
            ("clumsy, or out of place", "笨拙或不相称"),
            ("plain and correct", "平实无误"),
            ("apt and a pleasure to read", "贴切，读来有味"),
        ),
    ),
)
"""The five of a crafted scene: creativity, coherence, conformity, detail handling, language style."""


def metrics_of(criteria: Sequence[Criterion], what: str, groups: Iterable[str] = ()) -> tuple[Metric, ...]:
    """Return the metrics that `criteria` are; `what` says what each is judged of."""
    apart = [*groups] or [""] * len(criteria)
    return tuple(
        Metric(
            criterion.name,
            f"{criterion.question[0]} A judge's score of {what}; 1: {criterion.anchors[0][0]}; 3: "
            f"{criterion.anchors[1][0]}; 5: {criterion.anchors[2][0]}. {_PAPER}, evaluation"
            f"{f', {group}' if group else ''}; the words are ours.",
            "points",
            (LEAST, MOST),
        )
        for criterion, group in zip(criteria, apart, strict=True)
    )


def mean_of(name: str, what: str) -> Metric:
    """Return the metric that is a mean of scores."""
    return Metric(name, f"{what}; None unless all were read. {_PAPER}, evaluation.", "points", (LEAST, MOST))
