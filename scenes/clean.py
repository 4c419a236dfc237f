"""The one door through which foreign text (of a model, a card, a file name) reaches a terminal, a log or a message."""

import re

_ESCAPES = re.compile(
    r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC: titles, clipboard, links
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c)?"  # DCS, SOS, PM, APC: pictures, macros
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, modes
    r"|\x1b[ -/]*[0-~]"  # two-character escapes
)
_KEPT = {ord("\t"), ord("\n")}
_CONTROLS: dict[int, str | None] = {c: None for c in [*range(0x20), 0x7F, *range(0x80, 0xA0)] if c not in _KEPT}
# Direction marks and the BOM are shown, not obeyed; line and paragraph separators would break a log line.
_INVISIBLE = [0x200E, 0x200F, 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF]
_CONTROLS |= {c: f"⟨U+{c:04X}⟩" for c in _INVISIBLE}


def clean(text: str, limit: int = 20_000) -> str:
    """Return `text` without terminal escapes, control characters or lone surrogates, at most `limit` characters."""
    text = without_surrogates(text)
    text = _ESCAPES.sub("␛", text).translate(_CONTROLS)
    return text if len(text) <= limit else f"{text[:limit]} … {len(text) - limit} more characters"


def one_line(text: str, limit: int = 80) -> str:
    """Return `text` cleaned, on one line, short enough to quote in a message."""
    return clean(" ".join(clean(text).split()), limit)


def without_surrogates(text: str) -> str:
    """Return `text` with every lone surrogate replaced by U+FFFD, so that it can be written as UTF-8."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
