"""Wrong input on the command line: a sentence for each mistake, where it stands, exit code 2, and no model loaded."""

import json
import os
import re
import socket
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from commanding import commanded
from PIL import Image
from playing import written

HEAD = "schema_version: 1\ntitle: Tea\nkind: inter-role\n"
CAST = "cast: [{character: storybook/brack}, {character: storybook/pip}]\n"
GOOD = HEAD + CAST
"""Four lines that are fine; what a row adds to them begins on line 5."""
ASKING = "schema_version: 1\ntitle: Tea\nkind: human-role\ncast: [{character: storybook/brack}]\n"
PICTURE = "images: {view: {storybook: {seed: 1}}}\n"


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(*words: object) -> list[str]:
    """Return what a command says that refuses its input."""
    outcome = commanded(*words)
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    return outcome.err.splitlines()


def messages(content: str | bytes) -> list[str]:
    """Return what is said of a scenario, the same by `lint` and by `run`, without the name of the file."""
    Path("tea.yaml").write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    said = refused("lint", "tea.yaml")
    assert refused("run", "tea.yaml", "--dry-run") == said
    assert not Path("runs").exists()
    assert all(re.match(r"tea\.yaml(:\d+:\d+)?: ", line) for line in said)
    return [line.removeprefix("tea.yaml:").strip() for line in said]


KNOWN_AT_TOP = (
    '"schema_version", "title", "kind", "language", "premise", "time", "images", "places", "cast", "player", '
    '"opening", "interview", "narrator", "memory", "mind", "turns", "turn_policy", "sampling", "vary", "episodes", '
    '"seed", "model", "engine", "layout", "scorers"'
)
EMPTY = "the file is empty; it must hold keys with values, such as `title: Tea`."
CONTROL = "is a control character or half of one; remove it."
YAML: dict[str, tuple[str | bytes, list[str]]] = {
    "Y1 billion laughs": (
        GOOD + "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
        "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n",
        ["7:32: aliases may repeat at most 1000 values; write the values out."],
    ),
    "Y2 a key twice": (
        GOOD + "title: Coffee\n",
        ['5:1: key "title" occurs twice (first on line 2); keep one.'],
    ),
    "Y2 a key twice in one line": (
        HEAD + "cast:\n  - {character: storybook/brack, state: tired, state: awake}\n",
        ['5:48: key "state" occurs twice (first on line 5); keep one.'],
    ),
    "Y3 an anchor inside itself": (
        GOOD + "opening: &again [*again]\n",
        ['5:18: "*again" stands inside "&again" and would never end; write the value out.'],
    ),
    "Y4 a number for a title": (
        GOOD.replace("Tea", "007"),
        ['2:8: "title" must be a text, found 7; put it in quotes.'],
    ),
    "Y4 a version for a title": (
        GOOD.replace("Tea", "1.10"),
        ['2:8: "title" must be a text, found 1.1; put it in quotes.'],
    ),
    "Y5 a tag that would run something": (
        GOOD + "premise: !!python/object/apply:os.system [touch owned]\n",
        ['5:10: the tag "!!python/object/apply:os.system" is not allowed, as nothing is run or converted; remove it.'],
    ),
    "Y6 five thousand lists in one another": (
        GOOD + "opening: " + "[" * 5_000 + "\n",
        ["5:41: at most 32 lists and mappings may stand in one another; flatten this."],
    ),
    "Y7 a life story of a book's length": (
        HEAD + f"cast:\n  - character: {{name: Ada, life_story: {'x' * 100_000}}}\n  - character: storybook/pip\n",
        ['5:40: "life_story" must have a length of at most 20000, found a text of 100000 characters.'],
    ),
    "Y7 more pictures than any scenario has": (
        GOOD + "images:\n" + "".join(f"  view{at}: {{storybook: {{seed: {at}}}}}\n" for at in range(100)),
        ['6:3: "images" must have a length of at most 64, found a mapping.'],
    ),
    "Y7 a file of fifty megabytes": (
        GOOD + "#" * 50_000_000,
        ["the file has 50,000,111 bytes; at most 2,000,000 are read."],
    ),
    "Y8 an unknown key": (
        GOOD + "charcters: []\n",
        ['5:1: unknown key "charcters"; did you mean "scorers"?'],
    ),
    "Y8 an unknown key like none": (GOOD + "lore: []\n", [f'5:1: unknown key "lore"; known here: {KNOWN_AT_TOP}.']),
    "Y8 an unknown key inside": (
        GOOD + "sampling: {temprature: 1}\n",
        ['5:12: unknown key "temprature"; did you mean "temperature"?'],
    ),
    "Y8 an unknown key in place of one that is needed": (
        HEAD + "cast: [{charakter: storybook/brack}, {character: storybook/pip}]\n",
        ['4:9: unknown key "charakter"; did you mean "character"?'],
    ),
    "Y9 wrong items in lists": (
        HEAD + "images: {view: {storybook: {seed: 1}}}\n"
        "cast:\n  - storybook/brack\n  - {character: storybook/pip, sees: [{image: view, crop: [0, 0, 64]}]}\n",
        [
            '6:5: item 1 of "cast" must be a mapping, found the text "storybook/brack".',
            '7:59: item 4 of "crop" is missing; add it.',
        ],
    ),
    "Y9 wrong values, all at once and by line": (
        "schema_version: 2\ntitle: null\nkind: interrole\nturns: -3\nepisodes: many\nseed: 1.5\n"
        "sampling: {temperature: .nan, top_p: .inf, max_tokens: 0}\n" + CAST,
        [
            '1:17: "schema_version" must be 1, found 2.',
            '2:8: "title" must be a text, found nothing; write a value.',
            '3:7: "kind" must be "comment", "human-role", "inter-role" or "story", found the text "interrole"; '
            'did you mean "inter-role"?',
            '4:8: "turns" must be at least 1, found -3.',
            '5:11: "episodes" must be a whole number, found the text "many".',
            '6:7: "seed" must be a whole number, found 1.5.',
            '7:25: "temperature" must be a finite number, found NaN.',
            '7:38: "top_p" must be a finite number, found Infinity.',
            '7:56: "max_tokens" must be at least 1, found 0.',
        ],
    ),
    "Y9 wrong kinds of value": (
        HEAD + "cast: storybook/brack\nimages: [a]\nopening: Hello\nturn_policy: 3\nplayer: Ada\nvary: 3\n",
        [
            '4:7: "cast" must be a list, found the text "storybook/brack".',
            '5:9: "images" must be a mapping, found a list of 1.',
            '6:10: "opening" must be a list, found the text "Hello".',
            '7:14: "turn_policy" must be "round_robin", "random", "mention", "narrator", "simultaneous" or a list, '
            "found 3.",
            '8:9: "player" must be a mapping, found the text "Ada".',
            '9:7: "vary" must be a mapping, found 3.',
        ],
    ),
    "Y9 what every scenario needs": (
        "title: Tea\n",
        [
            '1:1: key "cast" is missing; add it.',
            '1:1: key "kind" is missing; it must be "comment", "human-role", "inter-role" or "story".',
            '1:1: key "schema_version" is missing; it must be 1.',
        ],
    ),
    "Y9 nobody in the cast": (
        HEAD + "cast: []\n",
        ['4:7: "cast" must have a length of at least 1, found a list of 0.'],
    ),
    "Y9 a number of five thousand digits": (
        GOOD + f"turns: {'9' * 5_000}\n",
        ["5:8: a number has at most 20 digits; put it in quotes if it is a text."],
    ),
    "Y10 a list at the top": ("- a\n- b\n", ["1:1: the file must hold keys with values, such as `title: Tea`."]),
    "Y10 one word": ("tea\n", ["1:1: the file must hold keys with values, such as `title: Tea`."]),
    "Y10 nothing": ("", [EMPTY]),
    "Y10 only a comment": ("# tea\n", [EMPTY]),
    "Y10 two documents": (GOOD + "---\n" + GOOD, ["5:1: a second document begins here; keep one."]),
    "Y10 a tab": (
        GOOD + "sampling:\n\ttemperature: 1\n",
        ["6:1: a tab cannot stand here; use spaces (found character that cannot start any token on line 6)."],
    ),
    "Y10 a NUL": (GOOD + "premise: a\0b\n", [f"5:11: the character U+0000 {CONTROL}"]),
    "Y10 a C1 control": (GOOD + "premise: a\x9bb\n", [f"5:11: the character U+009B {CONTROL}"]),
    "Y10 an escape for a control": (GOOD + 'premise: "\\x1b[2J"\n', [f"5:10: the character U+001B {CONTROL}"]),
    "Y10 an escape for half a character": (
        GOOD + 'premise: "\\ud800"\n',
        [
            "5:13: this escape stands for half a character or none; write the character itself "
            "(found invalid Unicode character escape code on line 5)."
        ],
    ),
    "Y10 half a character": (
        GOOD + "premise: \ud800\n",
        ["5:10: what stands here is not UTF-8; save the file as UTF-8."],
    ),
    "Y10 UTF-16": (GOOD.encode("utf-16"), ["the file is UTF-16; save it as UTF-8."]),
    "Y10 Latin-1": (
        (GOOD + "premise: caf\xe9\n").encode("latin-1"),
        ["5:13: what stands here is not UTF-8; save the file as UTF-8."],
    ),
    "Y11 missing picture and place": (
        HEAD + PICTURE + "places: {quay: {shows: [veiw]}}\n"
        "cast:\n  - {character: storybook/brack, place: quey}\n"
        "  - {character: storybook/pip, place: quay, sees: [{image: sea}]}\n",
        [
            '5:25: no image is named "veiw"; did you mean "view"?',
            '7:41: no place is named "quey"; did you mean "quay"?',
            '8:60: no image is named "sea"; there are: view.',
        ],
    ),
    "Y11 missing characters": (
        HEAD + "cast: [{character: storybook/bracc}, {character: characters/odile.yaml}]\n",
        [
            '4:20: no shipped character is named "storybook/bracc"; did you mean "storybook/brack"?',
            '4:50: "characters/odile.yaml": there is no such file.',
        ],
    ),
    "Y11 speakers who are not there": (
        GOOD + "turn_policy: [Brack, Pipp]\nopening: [{Vale: Evening.}]\n",
        [
            '5:22: no character is named "Pipp"; did you mean "Pip"?',
            '6:18: no character is named "Vale"; there are: Narrator, Captain Brack, Pip.',
        ],
    ),
    "Y11 one name twice, in other letters": (
        HEAD + "cast: [{character: {name: Ada}}, {character: {name: ＡDA}}]\n",
        ['4:46: the name "ＡDA" is taken by "Ada"; give this one another.'],
    ),
    "Y11 the player has the name of a character": (
        ASKING + PICTURE + "player: {name: Captain Brack, questions: [Why?]}\n",
        ['4:20: the name "Captain Brack" is taken by "Captain Brack"; give this one another.'],
    ),
    "Y11 a story without a narrator": (
        GOOD.replace("inter-role", "story"),
        ['3:7: a story needs a "narrator"; add `narrator: {}`.'],
    ),
    "Y11 nobody asks, about nothing": (
        ASKING,
        [
            '3:7: a human-role scenario needs a "player" who asks; add one, with "questions" for instance.',
            '3:7: a scenario of kind "human-role" is about a picture; add one to "images".',
        ],
    ),
    "Y11 two ways to ask": (
        ASKING + PICTURE + "player: {model: storybook, questions: [Why?]}\n",
        ['6:9: a player needs one of "questions", "model" or "person: true"; give exactly one.'],
    ),
    "Y11 alone": (
        HEAD + "cast: [{character: storybook/brack}]\n",
        ['4:7: a scenario of kind "inter-role" needs at least two characters; add one.'],
    ),
    "Y12 a reserved name": (
        HEAD + "cast: [{character: {name: narrator}}, {character: storybook/pip}]\n",
        ['4:20: the name "narrator" is taken by the stage itself; give this one another.'],
    ),
    "Y12 a name of three hundred letters": (
        HEAD + f"cast: [{{character: {{name: {'n' * 300}}}}}, {{character: storybook/pip}}]\n",
        ['4:27: "name" must have a length of at most 80, found a text of 300 characters.'],
    ),
    "Y12 a name that turns the line around": (
        HEAD + 'cast: [{character: {name: "a\u202eb"}}, {character: storybook/pip}]\n',
        ["4:27: a name is one line without control characters or spaces at its ends; shorten it to that."],
    ),
    "Y12 a picture whose name no path can hold": (
        GOOD + "images: {a.b: {storybook: {seed: 1}}, 'c d': {storybook: {seed: 1}}}\n",
        [
            "5:10: a name that `vary` can point at has no dots, spaces or slashes; write this one without.",
            "5:39: a name that `vary` can point at has no dots, spaces or slashes; write this one without.",
        ],
    ),
    "Y14 no variables and no home": (
        GOOD + "images: {a: {file: '${HOME}/a.png'}, b: {file: ~/b.png}}\n",
        [
            '5:20: "${HOME}/a.png": there is no such file; check the name and its case.',
            '5:48: "~/b.png": there is no such file; check the name and its case.',
        ],
    ),
    "Y14 no tags": (
        GOOD + "images: {a: {file: !env HOME}}\n",
        ['5:20: the tag "!env" is not allowed, as nothing is run or converted; remove it.'],
    ),
    "Y14 no includes": (
        GOOD + "include: more.yaml\n",
        [f'5:1: unknown key "include"; known here: {KNOWN_AT_TOP}.'],
    ),
    "vary a path that leads nowhere": (
        GOOD + "vary: {turnz: [3], cast.7.state: [sad], title: [Coffee]}\n",
        [
            '5:16: as "turnz": unknown key "turnz"; did you mean "turns"?',
            '5:20: no value of this file is named "cast.7.state"; there are: kind, cast, cast.0, cast.0.character, '
            "cast.1, cast.1.character.",
            '5:41: "title" cannot be varied; vary what is played.',
        ],
    ),
    "vary a value that does not fit": (
        GOOD + PICTURE + "vary:\n  turns: [3, -1]\n  images.view.storybook.seed: {range: [-2, 4]}\n"
        "  cast.0.character: [storybook/brack, storybook/vail, storybook/pip]\n",
        [
            '7:14: as "turns": "turns" must be at least 1, found -1.',
            '8:31: as "images.view.storybook.seed": "seed" must be at least 0, found -2.',
            '9:39: as "cast.0.character": no shipped character is named "storybook/vail"; '
            'did you mean "storybook/vale"?',
            '9:55: as "cast.0.character": the name "Pip" is taken by "Pip"; give this one another.',
        ],
    ),
    "vary nothing": (
        GOOD + "vary: {seed: [], episodes: [2], images: {range: [4, 4]}}\n",
        [
            '5:14: "seed" must have a length of at least 1, found a list of 0.',
            "5:41: a range needs a first number smaller than its second, such as [0, 64].",
        ],
    ),
    "a lead by nobody": (
        GOOD + "turn_policy: narrator\n",
        ['5:14: the policy "narrator" needs a narrator; add `narrator: {}`.'],
    ),
    "a secret in a layout that keeps none": (
        HEAD + "layout: script\ncast: [{character: {name: Ada}, secret: I did it.}, {character: {name: Bo}}]\n",
        ['5:8: the layout "script" is one text for all and cannot keep a "secret"; take images-first or compact.'],
    ),
}


@pytest.mark.parametrize(("content", "expected"), YAML.values(), ids=YAML)
def test_a_wrong_scenario_is_refused_with_a_sentence_for_each_mistake(
    content: str | bytes, expected: list[str]
) -> None:
    assert messages(content) == expected


def test_of_very_many_mistakes_the_first_are_told_and_the_rest_counted() -> None:
    Path("tea.yaml").write_text(GOOD + "".join(f"key{at}: 1\n" for at in range(100_000)))
    said = refused("lint", "tea.yaml")
    assert [line.split(":")[1] for line in said] == [str(line) for line in range(5, 26)]
    assert said[-1] == "tea.yaml:25:1: … and 99980 more from here on."


def test_of_very_many_wrong_references_the_first_are_told_and_the_rest_counted() -> None:
    said = messages(GOOD + "opening:\n" + "".join(f"  - {{Nobody{at}: Evening.}}\n" for at in range(50)))
    assert len(said) == 21
    assert said[-1] == "26:16: … and 30 more from here on."


@pytest.mark.parametrize("word", ["no", "12:30:00", "on", "1_000", "0o7x"])
def test_words_that_yaml_1_1_would_turn_into_something_else_are_texts(word: str) -> None:
    Path("tea.yaml").write_text(GOOD.replace("Tea", word) + f"time: {word}\n")
    assert json.loads(commanded("lint", "tea.yaml", "--json").out)["title"] == word


def test_a_byte_order_mark_is_passed_over() -> None:
    Path("tea.yaml").write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert commanded("lint", "tea.yaml").code == 0


@pytest.mark.parametrize("name", ["../x", "CON", "🦊", "<b>Ada</b>", "[red]", "{{char}}", "-n", "a/b"])
def test_an_odd_name_is_a_name_and_never_a_file(name: str) -> None:
    other = {"character": {"name": "Bo"}}
    scenario = {"schema_version": 1, "title": "Tea", "kind": "inter-role", "turns": 2}
    cast = [{"character": {"name": name}}, other]
    Path("tea.yaml").write_text(json.dumps(scenario | {"cast": cast}, ensure_ascii=False))
    assert commanded("run", "tea.yaml", "--dry-run").code == 0
    assert f"  1  {name}: Turn 1" in commanded("show").out
    assert {path.name for path in Path().iterdir()} == {"tea.yaml", "runs"}


# Characters in files of their own


def test_mistakes_in_a_characters_file_are_told_where_they_stand() -> None:
    Path("scenes/people").mkdir(parents=True)
    Path("scenes/people/ada.yaml").write_text("name: Ada\nage: 7\nlikes: tea\n")
    Path("scenes/people/bo.yaml").write_text("name: Bo\nname: Bo\n")
    Path("scenes/tea.yaml").write_text(
        HEAD + "cast:\n  - character: people/ada.yaml\n  - character: people/bo.yaml\n  - character: people/cy.yaml\n"
    )
    known = '"name", "aliases", "world", "role", "likes", "hates", "address", "catchphrases", "introduction", '
    known += '"personality", "life_story", "relationships", "private"'
    assert refused("lint", "scenes/tea.yaml") == [
        f'scenes/people/ada.yaml:2:1: unknown key "age"; known here: {known}.',
        'scenes/people/ada.yaml:3:8: "likes" must be a list, found the text "tea".',
        'scenes/people/bo.yaml:2:1: key "name" occurs twice (first on line 1); keep one.',
        'scenes/tea.yaml:7:16: "people/cy.yaml": there is no such file; did you mean "bo.yaml"?',
    ]


def test_mistakes_in_the_file_of_a_varied_character_are_told_where_they_stand() -> None:
    Path("ada.yaml").write_text("name: Ada\nage: 7\n")
    Path("tea.yaml").write_text(GOOD + "vary: {cast.0.character: [storybook/brack, ada.yaml, bo.yaml]}\n")
    first, second = refused("lint", "tea.yaml")
    assert first.startswith('ada.yaml:2:1: unknown key "age"; ')
    assert second == 'tea.yaml:5:54: as "cast.0.character": "bo.yaml": there is no such file; did you mean "tea.yaml"?'


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../ada.yaml", "the path leads out of the scenario root; move the file into it or name a wider --root."),
        ("/ada.yaml", "absolute paths are not read; give the path from the scenario's folder."),
        ("http://host/ada.yaml", "URLs are not fetched; save the file beside the scenario."),
    ],
)
def test_a_character_outside_the_root_is_refused(name: str, message: str) -> None:
    Path("ada.yaml").write_text("name: Ada\n")
    Path("inner").mkdir()
    Path("inner/tea.yaml").write_text(HEAD + f"cast: [{{character: '{name}'}}, {{character: storybook/pip}}]\n")
    assert refused("lint", "inner/tea.yaml") == [f'inner/tea.yaml:4:20: "{name}": {message}']


def test_a_wider_root_lets_a_scenario_share_characters_and_pictures() -> None:
    Path("inner").mkdir()
    Path("ada.yaml").write_text("name: Ada\n")
    Image.new("RGB", (64, 64)).save("view.png")
    Path("inner/tea.yaml").write_text(
        HEAD + "cast: [{character: ../ada.yaml}, {character: storybook/pip}]\nimages: {view: {file: ../view.png}}\n"
    )
    assert commanded("lint", "inner/tea.yaml").code == 2
    assert commanded("lint", "inner/tea.yaml", "--root", ".").code == 0
    assert commanded("run", "inner/tea.yaml", "--root", ".", "--dry-run").code == 0


# Pictures


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png_of(width: int, height: int) -> bytes:
    """Return a PNG whose header promises so many pixels, and which holds none."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


NOISE = Image.effect_noise((64, 64), 50).convert("RGB")
PNG, JPEG = encoded(NOISE, "PNG"), encoded(NOISE, "JPEG")
FRAMES = {"save_all": True, "append_images": [Image.new("RGB", (64, 64))]}
DAMAGED = "is damaged, cut short or stuffed; export the picture as PNG again."
EXPORT = ", not PNG, JPEG or WebP; export the picture as PNG."
PICTURES: dict[str, tuple[bytes, str]] = {
    "I1 half a JPEG": (JPEG[:600], f"the JPEG file of 600 bytes {DAMAGED}"),
    "I1 a header": (PNG[:20], f"the PNG file of 20 bytes {DAMAGED}"),
    "I1 a wrong checksum": (PNG[:-20] + b"xxxx" + PNG[-16:], f"the PNG file of {len(PNG)} bytes {DAMAGED}"),
    "I1 nothing": (b"", f"the file is empty{EXPORT}"),
    "I1 no pixels": (png_of(0, 0), f"the PNG file of 57 bytes {DAMAGED}"),
    "I1 text": (b"tea", f"the file is of an unknown kind (3 bytes){EXPORT}"),
    "I1 a web page": (b"<!DOCTYPE html><html>", f"the file is a web page{EXPORT}"),
    "I2 3.6 gigapixels": (png_of(60_000, 60_000), "the picture has far more than 16 megapixels; scale it down."),
    "I2 144 megapixels": (
        png_of(12_000, 12_000),
        "a picture of 12000×12000 pixels is too large; at most 16 megapixels are read, so scale it down.",
    ),
    "I2 178 megapixels": (
        png_of(13_400, 13_300),
        "a picture of 13400×13300 pixels is too large; at most 16 megapixels are read, so scale it down.",
    ),
    "I3 SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", f"the file is SVG{EXPORT}"),
    "I3 PDF": (b"%PDF-1.4", f"the file is PDF{EXPORT}"),
    "I3 EPS": (b"%!PS", f"the file is EPS{EXPORT}"),
    "I3 FITS": (b"SIMPLE  = T", f"the file is FITS{EXPORT}"),
    "I3 TIFF": (encoded(NOISE, "TIFF"), f"the file is TIFF{EXPORT}"),
    "I4 an animated GIF": (encoded(NOISE, "GIF", **FRAMES), f"the file is GIF{EXPORT}"),
    "I4 an animated PNG": (encoded(NOISE, "PNG", **FRAMES), "the picture is animated; export one frame of it as PNG."),
    "I4 an animated WebP": (
        encoded(NOISE, "WEBP", **FRAMES),
        "the picture is animated; export one frame of it as PNG.",
    ),
    "I7 pixels without a white": (
        encoded(Image.new("F", (64, 64)), "TIFF"),
        f"the file is TIFF{EXPORT}",
    ),
    "I8 one pixel": (
        encoded(Image.new("RGB", (1, 1)), "PNG"),
        "a picture of 1×1 pixels is too small; each side must have at least 28, so use a larger picture or crop.",
    ),
    "I8 a thread": (
        encoded(Image.new("RGB", (1, 4_000)), "PNG"),
        "a picture of 1×4000 pixels is too small; each side must have at least 28, so use a larger picture or crop.",
    ),
    "I8 a ribbon": (
        encoded(Image.new("RGB", (8_000, 30)), "PNG"),
        "a picture of 8000×30 pixels is too narrow; one side may be at most 200 times the other, so cut a part out.",
    ),
}


def with_picture(name: str) -> str:
    return GOOD + f"images: {{view: {{file: {json.dumps(name)}}}}}\n"


@pytest.mark.parametrize(("content", "message"), PICTURES.values(), ids=PICTURES)
def test_a_file_that_is_no_good_picture_is_refused_where_it_is_named(content: bytes, message: str) -> None:
    Path("view.jpg").write_bytes(content)
    assert messages(with_picture("view.jpg")) == [f'5:23: "view.jpg": {message}']


def sixteen_bits() -> Image.Image:
    return Image.new("I;16", (64, 64), 0x8000)


def hidden() -> Image.Image:
    """A picture that would show something if its transparency were dropped."""
    image = Image.new("RGBA", (64, 64), (255, 255, 255, 255))
    image.paste((200, 0, 0, 0), (0, 0, 32, 64))
    return image


def sideways() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(Image.new("RGB", (80, 40), "white"), "JPEG", exif=exif)


SEEN: dict[str, tuple[bytes, tuple[int, int], int]] = {
    "I5 a photograph on its side": (sideways(), (40, 80), 255),
    "I6 sixteen bits of grey": (encoded(sixteen_bits(), "PNG"), (64, 64), 128),
    "I7 hidden colours": (encoded(hidden(), "PNG"), (64, 64), 255),
    "I7 grey with alpha": (encoded(Image.new("LA", (64, 64), (0, 0)), "PNG"), (64, 64), 255),
    "I7 one bit": (encoded(Image.new("1", (64, 64), 1), "PNG"), (64, 64), 255),
    "I7 inks": (encoded(Image.new("CMYK", (64, 64), 0), "JPEG"), (64, 64), 255),
}


@pytest.mark.parametrize(("content", "size", "brightness"), SEEN.values(), ids=SEEN)
def test_a_picture_in_another_form_is_shown_as_a_person_sees_it(
    content: bytes, size: tuple[int, int], brightness: int
) -> None:
    Path("view.png").write_bytes(content)
    Path("tea.yaml").write_text(with_picture("view.png"))
    assert commanded("preview", "tea.yaml", "--images", "seen").code == 0
    (file,) = Path("seen").iterdir()
    with Image.open(file) as image:
        assert (image.mode, image.size) == ("RGB", size)
        assert image.getextrema() == ((brightness, brightness),) * 3


ABSOLUTE = "absolute paths are not read; give the path from the scenario's folder."
OUT = "the path leads out of the scenario root; move the file into it or name a wider --root."
NAMES: dict[str, tuple[str, str]] = {
    "I11 up and out": ("../outside.png", OUT),
    "I11 far up": ("../../../../etc/passwd", OUT),
    "I11 a sibling that begins like the root": ("../root_evil/view.png", OUT),
    "I11 a link out": ("out.png", OUT),
    "I11 absolute": ("/etc/passwd", ABSOLUTE),
    "I11 a device": ("/dev/zero", ABSOLUTE),
    "I11 a Windows share": ("\\\\host\\view.png", ABSOLUTE),
    "I11 a link to itself": (
        "loop.png",
        "the file cannot be read (Too many levels of symbolic links); name a picture file that you may read.",
    ),
    "I11 a pipe": ("pipe.png", "this is a pipe or a device; name a regular file."),
    "I11 a folder": ("folder.png", "the file cannot be read (Is a directory); name a picture file that you may read."),
    "I11 another case": ("view.png", 'there is no such file; did you mean "View.png"?'),
    "I11 not there": ("drawing-of-it.jpeg", "there is no such file; check the name and its case."),
} | {
    f"I12 {url}": (url, "URLs are not fetched; save the file beside the scenario.")
    for url in (
        "file:///etc/passwd", "http://169.254.169.254/", "http://[::1]/", "http://127.1/", "http://0x7f.1/",
        "https://ok.host@evil/", "https:\\\\evil", "data:image/png;base64,AA", "embeded://view.png",
    )
}  # fmt: skip


@pytest.mark.parametrize(("name", "message"), NAMES.values(), ids=NAMES)
def test_a_picture_that_is_not_a_file_in_the_root_is_refused_and_nothing_fetched(
    monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    def refuse(*address: object) -> None:
        raise AssertionError(f"connects to {address}")

    for folder in ("root", "root_evil", "root/folder.png"):
        Path(folder).mkdir()
    for file in ("outside.png", "root/View.png", "root_evil/view.png"):
        Path(file).write_bytes(PNG)
    Path("root/loop.png").symlink_to("loop.png")
    Path("root/out.png").symlink_to("../outside.png")
    os.mkfifo("root/pipe.png")
    monkeypatch.chdir("root")
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    quoted = json.loads(json.dumps(name))
    assert messages(with_picture(name)) == [f'5:23: "{quoted}": {message}']


def test_a_nul_in_a_name_is_refused_where_it_is_written() -> None:
    content = GOOD + 'images: {view: {file: "a\\0.png"}}\n'
    assert messages(content) == ["5:23: the character U+0000 is a control character or half of one; remove it."]


@pytest.mark.parametrize("name", ["a/../View.png", "./View.png"])
def test_a_name_that_winds_within_the_root_is_read(name: str) -> None:
    Path("View.png").write_bytes(PNG)
    Path("tea.yaml").write_text(with_picture(name))
    assert commanded("lint", "tea.yaml").code == 0


def test_a_varied_picture_that_is_no_good_is_refused_before_anything_is_played() -> None:
    Path("view.png").write_bytes(PNG)
    said = messages(with_picture("view.png") + "vary: {images.view.file: [view.png, veiw.png]}\n")
    assert said == ['6:37: as "images.view.file": "veiw.png": there is no such file; did you mean "view.png"?']


def test_a_crop_that_cannot_be_seen_is_refused() -> None:
    sees = "sees: [{image: view, crop: [100, 100, 100, 100]}, {image: view, crop: [0, 0, 5, 5]}]"
    content = HEAD + PICTURE + f"cast: [{{character: storybook/brack, {sees}}}, {{character: storybook/pip}}]\n"
    assert messages(content) == [
        "5:44: the crop [100, 100, 100, 100] leaves the picture of 128×128 pixels; give x, y, width, height in it.",
        "5:87: a picture of 5×5 pixels is too small; each side must have at least 28, so use a larger picture or crop.",
    ]


# The file itself


def a_folder(name: str) -> Callable[[], None]:
    return lambda: Path(name).mkdir()


FILES: dict[str, tuple[Callable[[], object], str, str]] = {
    "not there": (lambda: None, "tea.yaml", "tea.yaml: there is no such file."),
    "a slip of the keyboard": (
        lambda: Path("tea.yaml").write_text(GOOD),
        "tae.yaml",
        'tae.yaml: there is no such file; did you mean "tea.yaml"?',
    ),
    "a folder without a scenario": (a_folder("tea"), "tea", "tea/scenario.yaml: there is no such file."),
    "a folder with another name for it": (
        lambda: (Path("tea").mkdir(), Path("tea/scenarios.yaml").write_text(GOOD)),
        "tea",
        'tea/scenario.yaml: there is no such file; did you mean "scenarios.yaml"?',
    ),
    "in a folder that is not there": (lambda: None, "no/tea.yaml", "no/tea.yaml: there is no such file."),
    "a pipe": (
        lambda: os.mkfifo("tea.yaml"),
        "tea.yaml",
        "tea.yaml: this is a device or a pipe; only a regular file is read.",
    ),
    "a name longer than names are": (
        lambda: None,
        "t" * 300,
        f"{'t' * 300}: the file cannot be read: File name too long.",
    ),
}


@pytest.mark.parametrize(("prepare", "name", "message"), FILES.values(), ids=FILES)
def test_a_file_that_cannot_be_read_is_told_as_the_user_named_it(
    prepare: Callable[[], object], name: str, message: str
) -> None:
    prepare()
    for command in (["lint", name], ["run", name, "--dry-run"], ["preview", name]):
        assert refused(*command) == [message]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that cannot be read, not even by root")
def test_a_file_that_gives_an_error_is_told() -> None:
    assert refused("lint", "/proc/self/mem") == ["/proc/self/mem: the file cannot be read: Input/output error."]


def test_a_folder_stands_for_the_scenario_in_it() -> None:
    Path("tea").mkdir()
    Path("tea/scenario.yaml").write_text(GOOD)
    assert commanded("lint", "tea").out.startswith("tea/scenario.yaml: fine.")


def test_a_folder_where_no_run_can_be_written_is_told() -> None:
    Path("tea.yaml").write_text(GOOD)
    Path("taken").write_text("a file")
    said = refused("run", "tea.yaml", "--dry-run", "--out", "taken/runs")
    assert said == ["taken/runs: no run can be written there (Not a directory); name another folder with --out."]


# Before any model


MODELS = "torch", "transformers", "vllm"
EVERY_FILE = f"""
import sys
from sandbox.cli import main
for name in sys.argv[1:]:
    sys.argv = ["rolestage", "run", name]
    try:
        main()
    except SystemExit as ended:
        print(ended.code)
print(*set(sys.modules) & {set(MODELS)})
"""


def test_everything_is_refused_before_a_model_is_loaded() -> None:
    """With the engine that a user has by default, not the scripted one."""
    rows = [content for content, _ in YAML.values() if len(content) < 1_000_000]
    for at, content in enumerate(rows):
        data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
        Path(f"{at}.yaml").write_bytes(data)
    names = [f"{at}.yaml" for at in range(len(rows))]
    ended = subprocess.run([sys.executable, "-c", EVERY_FILE, *names], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == ["2"] * len(rows) + [""]
    assert "Traceback" not in ended.stderr


def test_an_opening_s_whisper_to_nobody_is_refused_and_one_to_somebody_elsewhere_noted(tmp_path: Path) -> None:
    places = {"quay": {}, "cabin": {}}
    cast = [{"character": "storybook/brack", "place": "quay"}, {"character": "storybook/pip", "place": "cabin"}]
    lines = [{"Brack": "(whispers to Pip) Hm."}, {"Pip": "(goes to the attic)"}]
    noted = commanded("lint", written(tmp_path, places=places, cast=cast, opening=lines))
    assert noted.code == 0
    assert "Pip is elsewhere at that moment" in noted.out
    assert 'no place is named "attic"' in noted.out
    refused = commanded("lint", written(tmp_path, opening=[{"Brack": "(whispers to Ghost) Hm."}]))
    assert refused.code == 2
    assert 'nobody would hear this whisper: no character is named "Ghost"' in refused.err
