"""What a person says: every wording is read as what it is worded for, and so is free typing."""

from random import Random

import pytest

from sandbox.storybook import questions
from sandbox.storybook.questions import SAID, Question, Wording, asked, of_wrong, say, wordings
from sandbox.storybook.voices import words
from sandbox.storybook.voices.bank import NARRATOR, frames, voices
from scenes.storybook.drawing import COLOURS, KINDS, POSITIONS, Drawing, Group, Kind, sample
from scorers.claims import claims_in, is_true

DRAWINGS = 20
OF_THING = ("where", "how_many", "colour", "is_there", "colour_yes", "opinion", "story")
FALSE = ("false_colour", "false_number", "false_kind", "false_side")
SELF = {
    "me": "Ann",
    "role": "a clerk",
    "address": "lad",
    "catchphrase": "so it goes",
    "liked": "apples",
    "hated": "fog",
}
FREE = [
    ("whats in this picture", Question("what")),
    ("so, what's going on here?", Question("what")),
    ("Hey Pip what can u see", Question("what")),
    ("give me a quick summary of the scene please", Question("what")),
    ("pip where is the dog", Question("where", "dog")),
    ("where's the kitty hiding?", Question("where", "cat")),
    ("Which side of the picture is the lighthouse on?", Question("where", "lighthouse")),
    ("Where would I find the bike?", Question("where", "bicycle")),
    ("and where are they?", Question("where", "cat")),
    ("how many birds", Question("how_many", "bird")),
    ("Can you tell me how many red apples there are?", Question("how_many", "apple")),
    ("I like the tent. How many of those?", Question("how_many", "tent")),
    ("count the bottles", Question("how_many", "bottle")),
    ("what color is the boat", Question("colour", "boat")),
    ("is the kite red or blue?", Question("colour", "kite")),
    ("What's the umbrella's colour?", Question("colour", "umbrella")),
    ("what colour are they?", Question("colour", "cat")),
    ("What colour is the house on the left?", Question("colour", "house")),
    ("is it raining?", Question("weather", None, "rain")),
    ("hows the weather today", Question("weather")),
    ("Any snow?", Question("weather", None, "snow")),
    ("Is the sun out, or is it cloudy?", Question("weather")),
    ("is it night or day", Question("time")),
    ("Is it already night?", Question("time", None, "night")),
    ("what's the time there?", Question("time")),
    ("are we at sea?", Question("place", None, "sea")),
    ("Is this a beach?", Question("place", None, "beach")),
    ("where on earth are we?", Question("place")),
    ("What kind of location am I looking at?", Question("place")),
    ("got any boats?", Question("is_there", "boat")),
    ("Is there by any chance a dog in this scene?", Question("is_there", "dog")),
    ("do you see an apple anywhere, Captain?", Question("is_there", "apple")),
    ("Can you see any trees?", Question("is_there", "tree")),
    ("Is there a dragon?", Question("is_there")),
    ("is there a boat on the left?", Question("where_yes", "boat", "left")),
    ("is the cat black?", Question("colour_yes", "cat", "black")),
    ("Is it green?", Question("colour_yes", "cat", "green")),
    ("The boat is blue, isn't it?", Question("colour_yes", "boat", "blue")),
    ("Do you see a red kite?", Question("colour_yes", "kite", "red")),
    ("are there two boats?", Question("number_yes", "boat", "2")),
    ("Is there more than one tree?", Question("number_yes", "tree", ">1")),
    ("Is the boat on the right side?", Question("where_yes", "boat", "right")),
    ("are they on the left?", Question("where_yes", "cat", "left")),
    ("Do the boats lie in the middle?", Question("where_yes", "boat", "middle")),
    ("do you like dogs", Question("opinion", "dog")),
    ("What's your opinion on the boat in the rain?", Question("opinion", "boat")),
    ("And the red boat on the left, what do you think of it?", Question("opinion", "boat")),
    ("Thoughts on the lighthouse?", Question("opinion", "lighthouse")),
    ("Do you like it?", Question("opinion", "cat")),
    ("what do you think?", Question("view")),
    ("Do you like the picture?", Question("view")),
    ("Say what you think of this picture.", Question("view")),
    ("does the tree bring back memories?", Question("story", "tree")),
    ("tell me a story about that boat", Question("story", "boat")),
    ("what does it remind you of?", Question("story", "cat")),
    ("what's your name", Question("who")),
    ("and you are?", Question("who")),
    ("Tell me about yourself.", Question("who")),
    ("who am i talking to?", Question("who")),
    ("whats my name", Question("name")),
    ("Do you still remember who I am?", Question("name")),
    ("can you tell me what I'm called", Question("name")),
    ("hi there", Question("greet")),
    ("Hello Captain, how are you doing?", Question("greet")),
    ("good morning!", Question("greet")),
    ("bye for now", Question("close")),
    ("ok, gotta go, see you later!", Question("close")),
    ("Thanks, goodbye Pip", Question("close")),
    ("what are you hiding from me", Question("secret")),
    ("do you have any secrets?", Question("secret")),
    ("come on, spill the secret", Question("secret")),
    ("I see a red boat. What colour is the cat?", Question("colour", "cat")),
    ("Nice tree! And how many birds are there at night?", Question("how_many", "bird")),
    ("What is on the left?", Question("what", None, "left")),
    ("What do you see in the middle?", Question("what", None, "middle")),
    ("Is there anything red?", Question("what", None, "red")),
    ("Where is the elephant?", Question("where")),
    ("how many elephants are there?", Question("how_many")),
    ("What colour is the sky?", Question("weather")),
    ("Is the house in a meadow?", Question("place", None, "meadow")),
    ("why is the boat red?", Question("opinion", "boat")),
    ("Would you sail in that boat on the sea at night?", Question("opinion", "boat")),
    ("Is it snowing on the house?", Question("weather", None, "snow")),
    ("Which is bigger, the dog or the cat?", Question("opinion", "dog")),
    ("red?", Question("colour_yes", "cat", "red")),
    ("two?", Question("number_yes", "cat", "2")),
    ("on the left?", Question("where_yes", "cat", "left")),
    ("left?", Question("where_yes", "cat", "left")),
    ("And the dog?", Question("opinion", "dog")),
    ("A dog?", Question("is_there", "dog")),
    ("colour?", Question("colour", "cat")),
    ("tell me about the boat", Question("opinion", "boat")),
    ("describe the cat", Question("opinion", "cat")),
    ("What is that thing on the right?", Question("what", None, "right")),
    ("Can you describe what you see on the left side?", Question("what", None, "left")),
    ("Are there any animals?", Question("is_there")),
    ("Do you know what time it is?", Question("time")),
    ("Is the red boat on the left?", Question("where_yes", "boat", "left")),
    ("Are the two red boats on the left?", Question("where_yes", "boat", "left")),
    ("who is in the picture?", Question("what")),
    ("What animal is that?", Question("what")),
    ("how would you describe the weather", Question("weather")),
    ("Are you a captain?", Question("view")),
    ("What do you like?", Question("view")),
    ("Did you see the boat?", Question("is_there", "boat")),
    ("is the boat there?", Question("is_there", "boat")),
    ("Does it have three kites?", Question("number_yes", "kite", "3")),
    ("how big is the boat?", Question("opinion", "boat")),
    ("could you tell me what color the dog is", Question("colour", "dog")),
    ("I can't find the dog, where is it", Question("where", "dog")),
    ("tell me where to look for the snail", Question("where", "snail")),
    ("I'd love to know what you can see from there", Question("what")),
    ("Anything interesting in the picture?", Question("what")),
    ("What am I looking at here?", Question("what")),
    ("Could you list the things in the scene?", Question("what")),
    ("And the butterflies? Where are they?", Question("where", "butterfly")),
    ("I've lost the snail. Any idea where it is?", Question("where", "snail")),
    ("Is the castle to the left or to the right?", Question("where", "castle")),
    ("tell me on which side the guitar is", Question("where", "guitar")),
    ("What's the total number of crabs?", Question("how_many", "crab")),
    ("turtles: how many?", Question("how_many", "turtle")),
    ("So how many mushrooms would you say there are, Doctor Moss?", Question("how_many", "mushroom")),
    ("how many are there, roughly?", Question("how_many", "cat")),
    ("And what colour might the car be?", Question("colour", "car")),
    ("The windmill, which colour?", Question("colour", "windmill")),
    ("Do you know the colour of the crown?", Question("colour", "crown")),
    ("What colour did you say the ball was?", Question("colour", "ball")),
    ("in which colour is it painted", Question("colour", "cat")),
    ("What's it like outside, sunny or rainy?", Question("weather")),
    ("Does it rain?", Question("weather", None, "rain")),
    ("is there fog", Question("weather", None, "fog")),
    ("Do I need to worry about the weather?", Question("weather")),
    ("what time of the day are we talking about", Question("time")),
    ("Is that daytime?", Question("time", None, "day")),
    ("Is it morning, or evening?", Question("time")),
    ("would you say it is dusk?", Question("time", None, "dusk")),
    ("Is this the forest?", Question("place", None, "forest")),
    ("Are we in the mountains?", Question("place", None, "mountains")),
    ("Where have you taken me?", Question("place")),
    ("where exactly are you", Question("place")),
    ("Is it a desert or a beach?", Question("place")),
    ("Wait, is that a crab?", Question("is_there", "crab")),
    ("can you find a windmill", Question("is_there", "windmill")),
    ("Did you notice the snail?", Question("is_there", "snail")),
    ("No cactus anywhere?", Question("is_there", "cactus")),
    ("Could there be a castle in it?", Question("is_there", "castle")),
    ("has the picture got a guitar in it?", Question("is_there", "guitar")),
    ("So the crown is yellow?", Question("colour_yes", "crown", "yellow")),
    ("Isn't the car blue?", Question("colour_yes", "car", "blue")),
    ("are those mushrooms red", Question("colour_yes", "mushroom", "red")),
    ("Would it be white, then?", Question("colour_yes", "cat", "white")),
    ("Are the crabs three in number?", Question("number_yes", "crab", "3")),
    ("Is there only one turtle?", Question("number_yes", "turtle", "1")),
    ("do I see two snails there?", Question("number_yes", "snail", "2")),
    ("Can I find the ball on the left?", Question("where_yes", "ball", "left")),
    ("The cactus stands in the middle, doesn't it?", Question("where_yes", "cactus", "middle")),
    ("Isn't the butterfly lovely?", Question("opinion", "butterfly")),
    ("Would you drive the car?", Question("opinion", "car")),
    ("Honestly, what do you reckon about that castle?", Question("opinion", "castle")),
    ("What are your feelings about the crab at night?", Question("opinion", "crab")),
    ("is the guitar any good", Question("opinion", "guitar")),
    ("Does the blue balloon in the snow please you?", Question("opinion", "balloon")),
    ("What say you?", Question("view")),
    ("How do you like this place?", Question("view")),
    ("Your thoughts?", Question("view")),
    ("What's your take on it?", Question("opinion", "cat")),
    ("Does this castle remind you of your childhood?", Question("story", "castle")),
    ("Any stories about windmills?", Question("story", "windmill")),
    ("does it make you think of anything?", Question("story", "cat")),
    ("Sorry, who did you say you were?", Question("who")),
    ("What do people call you?", Question("who")),
    ("tell me a bit about you", Question("who")),
    ("Who exactly are you, stranger?", Question("who")),
    ("Remember my name?", Question("name")),
    ("I bet you forgot my name. What is it?", Question("name")),
    ("do you know what i am called", Question("name")),
    ("Hello hello", Question("greet")),
    ("hey, how's it going?", Question("greet")),
    ("Good evening, Odile.", Question("greet")),
    ("I have to leave now, thanks for everything", Question("close")),
    ("Well, good night then!", Question("close")),
    ("cheers, see you tomorrow", Question("close")),
    ("Is there something you'd rather not tell?", Question("secret")),
    ("Everybody has a secret. What's yours?", Question("secret")),
    ("you're hiding something, aren't you?", Question("secret")),
    ("The boat is lovely. Is it raining?", Question("weather", None, "rain")),
    ("That is a nice car, but where is the dog?", Question("where", "dog")),
    ("I think there are two cats on the left. Do you like them?", Question("opinion", "cat")),
    ("What can be seen here?", Question("what")),
    ("Tell me everything you can see", Question("what")),
    ("pls describe the image", Question("what")),
    ("whats there", Question("what")),
    ("could you point to the dog", Question("where", "dog")),
    ("Where abouts is the ball?", Question("where", "ball")),
    ("Is the turtle standing left or right?", Question("where", "turtle")),
    ("Do you know where I can find the crown?", Question("where", "crown")),
    ("How many, Pip?", Question("how_many", "cat")),
    ("And of the snails, how many?", Question("how_many", "snail")),
    ("can u count the crabs", Question("how_many", "crab")),
    ("how many cars can be seen", Question("how_many", "car")),
    ("the guitar is what colour?", Question("colour", "guitar")),
    ("tell me what colour it is", Question("colour", "cat")),
    ("Of what colour is the cactus?", Question("colour", "cactus")),
    ("Is it a red or a green ball?", Question("colour", "ball")),
    ("What about the weather?", Question("weather")),
    ("is the weather good?", Question("weather")),
    ("Is the sky clear?", Question("weather")),
    ("is it snowing right now?", Question("weather", None, "snow")),
    ("Is the sun setting?", Question("time")),
    ("do you know the time?", Question("time")),
    ("Is it midnight already?", Question("time", None, "night")),
    ("So where are we now?", Question("place")),
    ("is that a street?", Question("place", None, "street")),
    ("which place does the picture show?", Question("place")),
    ("are there kites?", Question("is_there", "kite")),
    ("Do you happen to see a windmill?", Question("is_there", "windmill")),
    ("is a dog in the picture?", Question("is_there", "dog")),
    ("there's a boat, right?", Question("is_there", "boat")),
    ("Is the ball not red?", Question("colour_yes", "ball", "red")),
    ("are they blue?", Question("colour_yes", "cat", "blue")),
    ("Did I hear you say the crown was white?", Question("colour_yes", "crown", "white")),
    ("Are there four of them?", Question("number_yes", "cat", "4")),
    ("is it just one bottle?", Question("number_yes", "bottle", "1")),
    ("Is the crab in the middle of the picture?", Question("where_yes", "crab", "middle")),
    ("is it on the right?", Question("where_yes", "cat", "right")),
    ("Is the windmill pretty?", Question("opinion", "windmill")),
    ("How does the snail make you feel?", Question("opinion", "snail")),
    ("what's so great about the car", Question("opinion", "car")),
    ("tell me your opinion about the crown", Question("opinion", "crown")),
    ("do you find the castle ugly?", Question("opinion", "castle")),
    ("Any opinion?", Question("view")),
    ("Do you have a memory of such a boat?", Question("story", "boat")),
    ("What does that make you think of?", Question("story", "cat")),
    ("Hi, who are you?", Question("who")),
    ("your name please?", Question("who")),
    ("I forgot, did I tell you my name?", Question("name")),
    ("who do you think I am?", Question("name")),
    ("Hi Silas!", Question("greet")),
    ("Hello, I'm Tom.", Question("greet")),
    ("Ok bye", Question("close")),
    ("I need to go now", Question("close")),
    ("Is there anything you hide?", Question("secret")),
    ("what's the secret?", Question("secret")),
    ("You keep something from me. What is it?", Question("secret")),
    ("I like this car. And you?", Question("opinion", "car")),
    ("Oh, a snail! Is it night there?", Question("time", None, "night")),
]
"""Written by hand, none of them a wording of ours; `tree` and `cat` were spoken of before."""
ASKS_NOTHING = [
    "Begin.",
    "Go on.",
    "I see a red boat.",
    "What a lovely boat!",
    "How lovely the boat is.",
    "That is where the boat is.",
    "I know what I like.",
    "There are two cats.",
    "Look, a dog!",
    "Thank you.",
    "I like the boat.",
    "Surely that is a red cat.",
    "Here is a boat.",
    "Do not touch the boat.",
    "When I was young I had a boat.",
    "",
    "...",
    "Have a look at the boat.",
    "What lovely boats!",
    "It is a secret.",
    "How nice!",
    "Will you look at that!",
    "A boat.",
    "Three red boats on the left.",
    "Who cares.",
    "Yes.",
    "No, I do not think so.",
    "I wonder.",
    "Hello, I see a boat.",
    "The time has come.",
    "Count on me.",
    "That's a big castle over there.",
    "I love the snail!",
    "Oh no, the crab.",
    "My name is Car.",
    "It is raining cats and dogs.",
    "We should build a windmill.",
    "I have no questions.",
    "So there is a ball in the middle.",
    "I'm not sure what that is.",
    "You can see the castle from here.",
    "Nobody knows where the turtle went.",
    "Pip, there are three red crabs.",
    "The guitar was mine once.",
    "Wow!",
    "Let us talk about the car.",
    "Is it ever!",
]


def absent_from(drawing: Drawing, rng: Random) -> Kind:
    shown = {group.kind for group in drawing.groups} | {"house"}
    return rng.choice([kind for kind in KINDS if kind not in shown])


def made_wrong(intent: str, drawing: Drawing, group: Group, rng: Random) -> Group:
    """Return what a false statement says is there."""
    match intent:
        case "false_colour":
            return group.model_copy(update={"colour": rng.choice([one for one in COLOURS if one != group.colour])})
        case "false_number":
            return group.model_copy(update={"number": group.number % 2 + 1})
        case "false_kind":
            return group.model_copy(update={"kind": absent_from(drawing, rng), "number": 1})
    return group.model_copy(update={"position": rng.choice([one for one in POSITIONS if one != group.position])})


def spoken(wording: Wording, rng: Random) -> tuple[str, Drawing, Group, str]:
    """Return a filled wording, its drawing, the group that it is about and the colour that it asks for."""
    drawing = sample(rng)
    group, colour = rng.choice(drawing.groups), rng.choice(COLOURS)
    wrong = made_wrong(wording.intent, drawing, group, rng)
    if wording.intent == "absent":
        group = group.model_copy(update={"kind": absent_from(drawing, rng)})
    other = rng.choice(["Captain Brack", "Silas", "Pip", "Tom Vane", "Doctor Moss"])
    slots = {**words.of_group(group), **of_wrong(wrong), "me": "Ann", "other": other, "some_colour": colour}
    return wording.filled(**slots), drawing, group, colour


def wanted(intent: str, group: Group, colour: str) -> Question | None:
    about = SAID[intent].about
    if about is None:
        return None
    value = {"colour_yes": colour, "what_there": group.position}.get(intent)
    return Question(about, group.kind if about in OF_THING else None, value)


@pytest.mark.parametrize("intent", SAID)
def test_every_intent_has_enough_wordings_or_more_and_none_twice(intent: str) -> None:
    texts = [wording.text for wording in wordings(intent)]
    assert 14 <= len(texts) <= 18
    assert len({*texts}) == len(texts)


@pytest.mark.parametrize("intent", SAID)
def test_every_wording_is_read_as_what_it_is_worded_for(intent: str) -> None:
    rng, misread = Random(intent), []
    for wording in wordings(intent):
        for _ in range(DRAWINGS):
            line, _, group, colour = spoken(wording, rng)
            before = (rng.choice(KINDS), group.kind) if intent.startswith("follow") else ()
            if (read := asked(line, before)) != wanted(intent, group, colour):
                misread.append((line, read))
    assert misread == []


@pytest.mark.parametrize("intent", ["remark", *FALSE])
def test_a_remark_claims_what_is_so_and_a_false_statement_what_is_not(intent: str) -> None:
    rng = Random(intent)
    for wording in wordings(intent):
        line, drawing, _, _ = spoken(wording, rng)
        verdicts = [is_true(claim, [drawing]) for claim in claims_in(line)]
        assert verdicts, line
        assert (False in verdicts) == (intent in FALSE), line


def test_some_wordings_tell_the_persons_name_and_some_call_the_character_by_its_own() -> None:
    for intent in ("what", "greet"):
        assert any("me" in wording.slots for wording in wordings(intent))
    assert all(any("other" in wording.slots for wording in wordings(intent)) for intent in SAID if intent != "who")


def test_a_line_is_worded_with_the_slots_that_are_given_alone() -> None:
    said = {say("what", Random(seed)) for seed in range(200)}
    assert said == {wording.text for wording in wordings("what") if not wording.slots}
    assert say("greet", Random(1), me="Ann", other="Pip") == say("greet", Random(1), me="Ann", other="Pip")


def test_an_unknown_intent_or_too_few_slots_are_an_error() -> None:
    with pytest.raises(KeyError):
        wordings("sing")
    with pytest.raises(IndexError):
        say("where", Random(1))


@pytest.mark.parametrize(
    ("text", "wrong"), [("Where is it?", "no slot of"), ("No {absent}, no {kind}?", "not filled here")]
)
def test_a_wording_with_wrong_slots_is_refused(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        questions._checked("where", text)


@pytest.mark.parametrize(("line", "question"), FREE)
def test_free_typing_is_read(line: str, question: Question) -> None:
    assert asked(line, ("tree", "cat")) == question


def test_free_typing_is_none_of_the_wordings() -> None:
    ours = {wording.text.lower() for intent in SAID for wording in wordings(intent)}
    fixed = {"tell me about yourself."}
    assert {line.lower() for line, _ in FREE} & ours <= fixed


@pytest.mark.parametrize("line", ASKS_NOTHING)
def test_what_asks_nothing_is_no_question(line: str) -> None:
    assert asked(line, ("tree", "cat")) is None


@pytest.mark.parametrize("voice", [voice for voice in voices() if voice != NARRATOR])
def test_what_the_characters_ask_one_another_is_for_a_view_of_the_right_thing(voice: str) -> None:
    rng = Random(voice)
    for frame in frames(voice, "follow_up"):
        drawing = sample(rng)
        group = rng.choice(drawing.groups)
        line = frame.filled(**SELF, **words.of_group(group), **words.of_drawing(drawing), other="Pip")
        read = asked(line)
        assert read, line
        assert (read.about in ("opinion", "story"), read.kind) == (True, group.kind), line


def test_without_anything_spoken_of_an_elliptical_question_is_about_no_thing() -> None:
    assert asked("What colour is it?") == Question("colour")
    assert asked("Do you like it?") == Question("view")


def test_a_very_long_line_is_read_by_its_end() -> None:
    assert asked(f"{'Is the boat red, or is the house? ' * 2000}How many dogs are there?") == Question(
        "how_many", "dog"
    )
