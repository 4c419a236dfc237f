"""Names of pictures that lead elsewhere: out of the root, to things that are no files, onto the network."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest
from PIL import Image

from scenes.image import ImageRefused, picture_of
from scenes.image_file import read_picture

DRAWING = Image.new("RGB", (40, 32), "teal")


@pytest.fixture(autouse=True)
def at_most_five_seconds() -> Iterator[None]:
    """Nothing here may wait: a pipe without a writer would wait for ever."""

    def give_up(_signal: int, _frame: FrameType | None) -> None:
        pytest.fail("still waiting")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(5)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


# names that lead elsewhere


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A scenario root with a picture in it and another one beside it."""
    DRAWING.save(tmp_path / "outside.png")
    for folder in ("safe/images", "safe_evil"):
        (tmp_path / folder).mkdir(parents=True)
        DRAWING.save(tmp_path / folder / "a.png")
    return tmp_path / "safe"


def refusal_of_name(name: str, root: Path) -> str:
    with pytest.raises(ImageRefused) as caught:
        read_picture(name, root, root)
    assert str(root) not in str(caught.value).partition('": ')[2]  # after the name itself, which may be cut
    return str(caught.value)


@pytest.mark.parametrize(
    "name", ["images/a.png", "./images/a.png", "images/.././images//a.png", "link.png", "way/a.png"]
)
def test_a_name_that_stays_inside_the_root_is_read(root: Path, name: str) -> None:
    (root / "link.png").symlink_to("images/a.png")
    (root / "way").symlink_to("images")
    assert read_picture(name, root, root) == picture_of(DRAWING)


def test_the_root_itself_may_be_reached_through_a_link(root: Path) -> None:
    (root.parent / "shortcut").symlink_to("safe")
    assert read_picture("images/a.png", root.parent / "shortcut", root.parent / "shortcut") == picture_of(DRAWING)


def test_a_name_is_relative_to_the_folder_and_may_go_up_within_the_root(root: Path) -> None:
    (root / "tea").mkdir()
    assert read_picture("../images/a.png", root / "tea", root) == picture_of(DRAWING)
    with pytest.raises(ImageRefused, match="out of the scenario root"):
        read_picture("../images/a.png", root / "tea", root / "tea")


@pytest.mark.parametrize(
    "name",
    [
        "../outside.png",
        "../safe_evil/a.png",
        "images/../../outside.png",
        "../missing.png",
        "link.png",
        "way/outside.png",
    ],
)
def test_a_name_that_leads_out_of_the_root_is_refused_whatever_is_there(root: Path, name: str) -> None:
    (root / "link.png").symlink_to("../outside.png")
    (root / "way").symlink_to("..")
    assert "the path leads out of the scenario root" in refusal_of_name(name, root)


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "/dev/zero", "//host/a.png", "C:\\a.png", "c:/a.png", "\\\\host\\share\\a.png", "\\a.png"]
)
def test_an_absolute_path_is_refused(root: Path, name: str) -> None:
    assert "absolute paths are not read" in refusal_of_name(name, root)


def test_an_absolute_path_is_refused_even_inside_the_root(root: Path) -> None:
    assert "absolute paths are not read" in refusal_of_name(str(root / "images/a.png"), root)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)  # from within its folder: the path of a socket may only be short


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        pytest.param(os.mkfifo, "this is a pipe or a device", id="pipe"),
        pytest.param(Path.mkdir, "the file cannot be read (Is a directory)", id="folder"),
        pytest.param(make_socket, "the file cannot be read (No such device or address)", id="socket"),
        pytest.param(lambda path: path.symlink_to(path.name), "the file cannot be read (Too many levels", id="loop"),
        pytest.param(lambda path: path.symlink_to("gone.png"), "there is no such file", id="dangling link"),
        pytest.param(lambda path: None, "there is no such file; check the name", id="nothing"),
    ],
)
def test_what_is_no_file_is_refused_at_once(
    root: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], fault: str
) -> None:
    monkeypatch.chdir(root)
    make(root / "x.png")
    assert fault in refusal_of_name("x.png", root)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("images/a.png\0.jpg", "no file can have this name"),
        ("images/\ud800.png", "no file can have this name"),
        ("x" * 300, "File name too long"),
        ("images/a.png/b.png", "Not a directory"),
        ("nowhere/a.png", "there is no such file"),
        ("", "Is a directory"),
        (".", "Is a directory"),
    ],
)
def test_a_name_that_no_file_has_is_refused(root: Path, name: str, fault: str) -> None:
    assert fault in refusal_of_name(name, root)


@pytest.mark.parametrize("name", ["images/A.PNG", "images/aa.png", "images/a.pgn"])
def test_a_near_miss_is_answered_with_the_name_that_was_meant(root: Path, name: str) -> None:
    assert refusal_of_name(name, root).endswith('there is no such file; did you mean "images/a.png"?')


def test_nothing_of_a_hostile_name_reaches_the_terminal_as_it_is(root: Path) -> None:
    (root / "gap\x1b[2J.png").touch()
    message = refusal_of_name("gap\x1b[2J\n.pn", root)
    assert message.isprintable()


# addresses


@pytest.mark.parametrize(
    "name",
    [
        "http://169.254.169.254/",
        "http://[::1]/a.png",
        "http://127.1/a.png",
        "http://0x7f.1/a.png",
        "https://ok.host@evil/a.png",
        "https:\\\\evil\\a.png",
        "HTTPS:a.png",
        " http://localhost/a.png",
        "http:images/a.png",
        "file:///etc/passwd",
        "file:images/a.png",
        "ftp://host/a.png",
        "data:image/png;base64,iVBORw0KGgo=",
        "embeded://a.png",
        "s3+x.y-z://a/b.png",
    ],
)
def test_an_address_is_refused_and_never_connected_to(root: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def connect(*_: object) -> None:
        pytest.fail("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)
    message = refusal_of_name(name, root)
    assert message.endswith("URLs are not fetched; save the file beside the scenario.")
