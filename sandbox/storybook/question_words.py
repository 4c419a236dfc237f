"""The words by which a question is told, apart from the reading of them (`sandbox.storybook.questions`): data.

The patterns are of lines in lower case without commas, in which what the checker of claims knows stands as `THING`,
`COLOUR`, `NUM`, `SIDE`, `WEATHER`, `TIME` and `PLACE`, and a mark by itself: `where is the THING ?`. In a rule,
`value` is what a yes/no question asks for.
"""

import re
from typing import Literal

About = Literal[
    "what", "where", "how_many", "colour", "weather", "time", "place", "is_there", "colour_yes", "number_yes",
    "where_yes", "opinion", "story", "who", "name", "greet", "close", "secret", "view",
]  # fmt: skip

# ---- how a line is written

KNOWN = {
    "O": "THING", "S": "THING", "C": "COLOUR", "N": "NUM", "P": "SIDE", "W": "WEATHER", "T": "TIME", "L": "PLACE",
}  # fmt: skip
SPELT = (
    (re.compile(r"\b(what|where|how|who|when|that|there)['’]?s\b", re.I), r"\1 is"),
    (re.compile(r"\b(do|is|are|does|did|can|would)nt\b", re.I), r"\1 not"),
    (re.compile(r"\bu\b", re.I), "you"),
    (re.compile(r" (?:on earth|exactly)\b", re.I), ""),
    (re.compile(r"\bim\b", re.I), "I am"),
    (
        re.compile(
            r", ?(?:(?:is|are|was|were|do|does|did|has|have)(?:n['’]t| not)? (?:it|there|they|you|that)(?: not)?"
            r"|no|right|yes|correct|true|or not)\?",
            re.I,
        ),
        "?",  # what ends in `isn't it?` is asked
    ),
)

WHOLE = re.compile(r"(?:and )?what (?:is|was) (?:it|that|yours)(?: like)? \?")

# ---- whether a sentence asks

_WORD = (
    r"(?:(?!(?:i|it|that|this|there|here|he|she|they|we|you|my|your|the|a|an|is|are|was|were|be|do|does|not|never"
    r"|know"
    r"|knows|see|once|only|if|when|nobody|let|as|of|for|to|in|on|with)\b)[a-z-]+ )"
)
"""What may be a name."""
_OPENED = (
    rf"^(?:.*; )?(?:(?:hi|hello|hey|ahoy|good day) {_WORD}{{0,2}})?"
    r"(?:(?:and|but|well|now|oh|okay|ok|please|pls|then|also|um|yes|no|come on|come|just) )*"
)
_DOES = r"(?:is|are|am|was|were|do|does|did|can|could|would|will|should|shall|has|have)"
_WHAT = r"(?:colou?rs?|shade|hue|time|hour|number|kind|sort|place|side|part|weather|setting)"
_WHETHER = (
    rf"(?:what|where|whereabouts|who|whom|when|why) (?:{_DOES}\b|about|else|say)|(?:(?:in|of|on|at) )?(?:what"
    rf"|which|whose) {_WHAT}\b"
    rf"|how (?:many|much|about|late|long|{_DOES})\b|tell (?:me|us)\b|(?:do|can|could|would|will|did|have"
    rf"|are) you\b(?!.*!)"
    r"|(?:is|are) (?:it|there)\b(?!.*!)"
)
"""What asks after a name, even without its mark: `Pip is it raining`."""
_BID = (
    r"(?:what|where|who|why|how|whereabouts) [.!]?$|(?:show me (?:wh|how)[a-z]*|describe|spill|share|reveal"
    r"|introduce|confess)\b"
    r"|(?:list|name) (?:the|all|every|everything|your|its)\b|count (?:the |all |all the )?(?:COLOUR |NUM )*THING\b"
    r"|count them(?: for me| please)* [.]?$"
    r"|say (?:what|where|how|which|who|a word)\b|give me (?:the|your|a) .*(?:number|summary|list|description"
    r"|opinion|name)"
    r"|let (?:me|us) (?:know|hear)\b|any (?:COLOUR )*(?:THING|WEATHER)|anything (?:else |there |here )?[.]?$"
    r"|find (?:me|the)\b|point (?:to|at|out)\b"
    r"|i (?:wonder|want to know|would (?:like|love) to (?:know|hear)) (?:what|which|where|how|who|why|if|about"
    r"|whether)\b"
)
_INVERTED = (
    rf"(?!do not |have (?:a|the|your) |were (?:i|it)\b){_DOES}(?: not)? (?:i|we|he|she|they|this|that|these|those"
    rf"|the|a"
    r"|any|your|my|THING)\b(?!.*!)"
)
_LATER = (
    r"^.*(?<!know )(?<!see )(?<!is )(?<!like )\b(?:where (?:is|are) (?:it|they|the|he|she|my)\b"
    r"|how many (?:THING|are|of)\b|what colou?r (?:is|are)\b)"
)
ASKS = re.compile(rf"{_OPENED}(?:so )?{_WORD}{{0,2}}(?:{_WHETHER})|{_OPENED}(?:{_BID}|{_INVERTED})|{_LATER}")
"""A sentence without a question mark that asks."""

# ---- what it asks

_NO_THING = r"^(?!.*\bTHING\b).*?"
_YES_NO = r"^(?!.*\b(?:what|which|who|whom|whose|when|why|how|where)\b).*?"
_NO_VIEW = r"^(?!.*\b(?:you (?:\w+ )?(?:like|love|hate|enjoy|prefer)|think of|make of|feel)\b).*?"
_HUE = r"(?:colou?rs?|colou?ring|hue|shade|tint)"
_PICTURE = r"(?:picture|scene|image|drawing|painting|frame|photo|view)"
_SEE = r"(?:see|sees|spot|spy|notice|observe|behold|look at|make out|find|detect|discern)"
_SEEN = rf"(?:{_SEE}|seen|spotted|noticed|found|shows?|contains?|in sight|visible|present)"

ORDER: tuple[tuple[About, str], ...] = (
    ("secret", r"\b(?:secrets?(?! of the)|secretive|conceal\w*|confess\w*|own up|hold(?:ing)? back|withhold\w*"
               r"|never told)\b"),
    ("secret", rf"{_NO_THING}\b(?:hiding|hide|hides|not tell(?:ing)?|up to something|not want (?:me"
               rf"|us) to know)\b"),
    ("secret", rf"{_NO_THING}\bkeep(?:ing|s)? (?:it |something |anything |things )?(?:back |hidden )?from\b"),
    ("name", r"\bmy name\b|\bwho (?:am i|(?:do you \w+ )?i am)\b(?! (?:talk|speak))"
             r"|\b(?:am i|i am) called\b|\b(?:remember|know|recogni[sz]e|forgotten) me\b"),
    ("greet", rf"{_NO_THING}\bhow (?:are (?:you|things)|do you do|have you been|goes|is (?:it going|life"
              rf"|everything))\b"),
    ("greet", rf"{_NO_THING}\bare you (?:well|all right|ok|okay|feeling)\b"),
    ("who", r"\bwhom? (?:exactly |then |on earth )?are you(?! (?:looking|talking about|watching|waiting))\b"),
    ("who", r"\bwho (?:you are|is (?:speaking|talking))\b|\byour name\b|\bcalls? (?:you|yourself)\b(?! \w+ THING)"),
    ("who", r"\b(?:about |introduce )?yourself\b|\b(?:speak|talk)ing (?:to|with) \?|\babout you(?: [.?!]|$)"
            r"|\bwho did you say you|\bwhat is yours\b"),
    ("who", r"\bwhat are you [?]?$|\bare you called\b|\bwhom? am i (?:talk|speak)|^(?:and )?you are [?]"
            r"|\bwhere do you (?:live|come from)\b|\bhow old are you"),
    ("who", r"\b(?:kind|sort) of (?:person|man|woman|creature|character|fellow) are you|\bdo you do (?:\?|all"
            r"|for a)"),
    ("time", r"\btime of (?:the )?(?:TIME|day)\b|\bwhat time (?:is|was|would|do you|of)\b|\bpart of the (?:TIME"
             r"|day)\b"),
    ("time", rf"{_NO_THING}\b(?:what|which|the) (?:time|hour)\b|{_NO_THING}\bhow (?:late|early)\b"),
    ("time", rf"{_NO_THING}\bwhen (?:is|was|are|does|did) (?:this|it|that|all|the|we)\b"),
    ("time", rf"{_NO_THING}\b(?:early|late|dark|light|day|night) or (?:\w+ )*(?:late|early|light|dark|night|day"
             rf"|TIME)\b"),
    ("time", rf"{_NO_THING}TIME or .*(?:TIME|day)|{_NO_THING}\bor TIME\b"),
    ("time", rf"{_NO_THING}\bsun (?:setting|rising|up|down)\b"),
    ("time", rf"{_NO_THING}\bis it (?:\w+ ){{0,2}}(?:late|early|dark)\b"),
    ("weather", r"\b(?:what|how) (?:is|was|about)? ?(?:the |kind of |sort of )?weather\b"),
    ("weather", rf"^(?!.*\bTHING\b)(?!.*\bWEATHER\b){_NO_VIEW[1:]}\b(?:weather|forecast|sky|skies|climate)\b"),
    ("weather", rf"{_NO_THING}\b(?:wet or|dry or|or (?:wet|dry)|WEATHER or|or (?:\w+ ){{0,3}}WEATHER)\b"),
    ("place", r"\bwhere (?:are|am) (?:we|you|i)\b|\bwhere have (?:you|we|i) (?:taken|brought|come|landed)\b"),
    ("place", rf"\bwhere (?:is|was) (?:(?:all )?this\b(?! (?:THING|COLOUR|NUM))|(?:the|that) {_PICTURE})"),
    ("place", rf"{_NO_THING}\bwhere (?:does|do|did|is|was) .*(?:play|happen\w*|tak(?:e|ing|en)|set|painted"
              rf"|drawn) ?"),
    ("place", rf"^(?!.*\bTHING\b){_NO_VIEW[1:]}\b(?:place|(?<!sun )setting|location|surroundings|scenery|landscape)\b"),
    ("place", rf"{_NO_THING}\b(?:PLACE or|or PLACE|inside or|outside or|outdoors or|or outdoors)\b"),
    ("how_many", r"\bhow many\b(?! (?:years|times|days|hours|minutes|weeks))|\b(?:number of|what number)\b"),
    ("how_many", r"\bcount (?:the|them|all|up|those|these|my|your|THING|COLOUR)\b|\b(?:the|exact) (?:number"
                 r"|count)\b"),
    ("how_many", r"\bNUM or (?:NUM|more|several|two|three|four)\b"),
    ("colour", rf"\b(?:what|which) (?:[a-z]+ )?{_HUE}\b(?!.* do you (?:like|prefer|love))"
           r"|\bCOLOUR or (?:\w+ )*COLOUR\b"),
    ("colour", rf"^(?!.*\bCOLOUR {_HUE})(?!.*\bTHING [^;]*COLOUR)(?!.*COLOUR the){_NO_VIEW[1:]}"
               rf"\b(?:the|its|their|his|her|'s|of) (?:exact )?{_HUE}\b"),
    ("colour", r"\bhow (?:is|are|was|were) (?:the|it|they|that|those|this) .*\b(?:painted|coloured|colored)\b"),
    ("where", r"\bwhere(?:abouts)?\b(?! (?:would|did|were|do|have) you (?!(?:\w+ )?"
              rf"(?:{_SEE}|look|say|place|think|locate|reckon|guess|suppose)\b))"),
    ("where", r"\b(?:which|what) (?:side|corner|third|edge)\b|\b(?:which|what) (?:half|part|end) of (?:the|this) "
              rf"{_PICTURE}|\bpoint (?:to|at|out)\b|^find the"),
    ("where", r"\b(?:left|right|middle|SIDE)\b.* or .*\b(?:left|right|middle|between|SIDE)\b"),
    ("story", r"\b(?:remind|reminds|reminded|memories|(?:a|any) memory|stor(?:y|ies)|tales?|legends?"
              r"|anecdotes?)\b"),
    ("story", r"\b(?:to (?:your )?mind|in mind of|bring back|makes? you think|do you remember|dreams? (?:of"
              r"|about))\b"),
    ("story", r"\bwhat would you do with\b|\bwhat happened\b"),
    ("opinion", r"\byou (?:really |much |even |ever |still |not )?(?:like|love|hate|enjoy|prefer|fancy|dislike"
                r"|despise"
                r"|adore|miss|want|approve|care|trust)\b|\b(?:think of|thinks? about|make of|say (?:of|to"
                r"|about))\b"),
    ("opinion", r"\b(?:feel|feels|opinion|your (?:\w+ )?view|your thoughts|thoughts \?|fond|to your taste"
                r"|favou?rite"
                r"|impress\w*|beautiful|pretty|ugly|lovely|nice|good or bad|interested|interests? you|interest you"
                r"|afraid|scared)\b"),
    ("opinion", r"\b(?:what|how) about\b|\bhow do you find\b|\bpleases? you\b|\bhow .*\bstrikes? you\b"),
    ("opinion", r"\bwhat (?:do|does|did|would) (?:you|your \w+) (?:\w+ )?(?:think|say)\b(?!.*\b(?:is|are)\b)"),
    ("what", r"\b(?:what|else|anything|something) (?:[a-z]+ ){0,6}?(?P<value>SIDE|COLOUR)(?! THING)"),
    ("what", r"\bwhat else\b"),
    ("what", rf"(?<!see )\b(?:what|whatever|all|everything)(?: that)? (?:(?:do|can|could|did) )?(?:you|we|i) "
             rf"(?:[a-z]+ )?{_SEE}\b(?! of\b)"),
    ("what", r"\bwhat (?:are|am) (?:you|we|i) (?:seeing|looking at|look at|watching)|\blooking at \?"),
    ("what", rf"{_NO_THING}\bwhat (?:is|are|was|were) (?:it|this|that|there|here|these|those|shown|depicted"
             rf"|visible|going"
             r"|happening|in|on|painted|drawn|to be seen|the|before)\b"),
    ("what", rf"{_NO_THING}\bwhat (?:animal|thing|object|creature)s?\b"),
    ("what", rf"{_NO_THING}\bwhat (?:have we|can be|happens|lies|stands|shows|appears|catches|you have)\b"),
    ("what", rf"{_NO_THING}\bwhat (?:does|do|did) (?:the|this|it|that|your|they) .*(?:show|depict|contain|hold)\b"),
    ("what", rf"{_NO_THING}\b(?:describe|description|anything|summar\w+|list|inventory|walk me through"
             rf"|who is (?:in|there))\b"),
    ("what", rf"{_NO_THING}\b(?:tell me|talk|say something|more) .*\babout (?:the|this|your) {_PICTURE}\b"),
    ("number_yes", rf"{_YES_NO}(?<!that )(?<!this )(?<!the )(?<!COLOUR )\b(?P<value>NUM) (?:COLOUR )?"
                   r"(?:THING|of (?:them|those|these)|\?|there|in|here)"),
    ("colour_yes", rf"{_YES_NO}\b(?:THING|it|they|that|those|these|them|this)\b [^;]*?(?P<value>COLOUR)\b"
                   r"(?! (?:COLOUR |NUM )*THING)"),
    ("colour_yes", rf"{_YES_NO}\b(?:a|an|any|are there|see|some|seen) (?P<value>COLOUR) (?:THING|one)"),
    ("colour_yes", rf"{_YES_NO}(?P<value>COLOUR) (?:the |its |their )?{_HUE}\b"),
    ("colour_yes", r"^(?:[a-z]+ ){0,3}(?P<value>COLOUR)(?: [a-z]+){0,3} \?"),
    ("where_yes", rf"{_YES_NO}\b(?:THING|it|they|them|that|those|these|one)\b.*?(?P<value>SIDE)\b"),
    ("where_yes", rf"{_YES_NO}(?P<value>SIDE)\b.*\bTHING"),
    ("where_yes", r"^(?:[a-z]+ ){0,3}(?P<value>SIDE) [?]"),
    ("where_yes", r"^(?:and |the )*(?P<value>left|middle) \?"),
    ("is_there", rf"{_YES_NO}\b(?:there (?:is|are|be)|(?:is|are|was|were) there)\b.*THING"),
    ("is_there", rf"{_YES_NO}(?<!ever )\b{_SEEN}\b(?! any [a-z]).*THING|{_YES_NO}THING .*\b(?:{_SEEN})\b"),
    ("is_there", rf"{_YES_NO}\bTHING .*\b(?:in|into|on|inside|anywhere in) (?:the|this|your) {_PICTURE}\b"),
    ("is_there", rf"{_YES_NO}\b{_PICTURE} (?:got|have|has|hold)\b.*THING"),
    ("is_there", rf"{_YES_NO}\bTHING (?:over |right )?(?:there|here|anywhere|around|about)\b"),
    ("is_there", rf"{_YES_NO}\b(?:is|are|was) (?:it|this|that|those|these|they) (?:[a-z]+ ){{0,3}}THING"),
    ("is_there", r"\bany THING|^(?:[a-z]+ ){0,3}(?:a|an|some) THING(?: [a-z]+){0,2} \?"),
    ("is_there", rf"{_NO_THING}(?:(?:is|are) there|do you see|can you see) (?:a|an|any|some) "
                 r"(?!reason|word|doubt|chance|point|need|way|hope|use)[a-z]"),
    ("weather", rf"{_NO_THING}(?P<value>WEATHER)"),
    ("time", rf"{_NO_THING}(?P<value>TIME)"),
    ("time", rf"{_NO_THING}\bis it (?P<value>day)\b"),
    ("place", rf"{_NO_THING}(?P<value>PLACE)"),
    ("weather", rf"{_NO_THING}\bis it (?:\w+ ){{0,2}}(?:wet|dry|warm|cold|windy|stormy|fine|clear)\b"),
    ("weather", r"\bis it (?:\w+ ){0,2}(?P<value>WEATHER)\b"),
    ("time", r"\bis it (?:\w+ ){0,2}(?P<value>TIME)\b"),
    ("place", rf"{_YES_NO}\b(?:is|are) .*THING (?:\w+ ){{0,2}}(?P<value>PLACE)\b"),
    ("colour", rf"{_NO_VIEW}\b{_HUE}\b"),
)  # fmt: skip
"""What a sentence asks, by its words: the first that is found."""

# ---- of what

OF_THING: frozenset[About] = frozenset(
    {"where", "how_many", "colour", "is_there", "colour_yes", "number_yes", "where_yes"}
)
ONE_MEANT = re.compile(r"\b(?:it|its|they|them|their|that|those|these|one|ones|this [?]|he|she|him|her)\b")
ALL_MEANT = re.compile(rf"\b(?:(?<!your ){_PICTURE}|all (?:this|that|of it)|everything|place|weather|day)\b")
UNKNOWN = re.compile(
    r"\b(?:the|a|an|any|your|my) (?!things?\b|ones?\b|others?\b|same\b|number\b|exact\b|left\b|right\b|middle\b"
    r"|side\b"
    rf"|word\b|moment\b|idea\b|{_HUE}\b|{_PICTURE}\b)[a-z]"
    rf"|\bhow many (?!things?\b|is\b|was\b|does\b|ones\b)(?:[a-z]+s|people|men|women|children) (?:{_DOES}|in"
    rf"|there)\b"
)
"""What is named and is no kind of thing that a picture has."""

# ---- greetings

CLOSES = re.compile(
    r"\b(?:good-?bye|bye|bye-bye|(?<!a )farewell|(?<!for )so long(?! that| as)|(?<!to )(?<!i )see you(?! (?:have"
    r"|see|are))|until (?:next|we)"
    r"|good night|take care|cheerio"
    r"|(?:i|we) (?:must|have to|need to|should|will) (?:go|leave|be off)|i am (?:off|leaving|done)|stop here"
    r"|that (?:is|was"
    r"|will be) all(?! i )(?: for| then| thank| [.!]|$)"
    r"|for me to (?:go|leave))\b"
)
GREETS = re.compile(
    r"^(?:[a-z-]+ ){0,2}(?:hello|hi|hey|ahoy|greetings|welcome|good (?:day|morning|afternoon|evening)|howdy)\b"
    r"|\b(?:(?:pleased|nice|good|glad|lovely) to (?:meet|see) you|my name is [a-z]+(?: [a-z]+)? [.!]*$)"
)
