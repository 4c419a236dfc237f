"""What the hour does to colours: how dark a thing looks, and in which colours the sky stands."""

from scenes.storybook.canvas import RGB, mix
from scenes.storybook.drawing import Drawing, Time

DARKNESS: dict[Time, float] = {"day": 0, "dusk": 0.25, "night": 0.5}
_DARK: RGB = (15, 15, 45)

_SKIES: dict[Time, tuple[RGB, RGB]] = {
    "day": ((120, 190, 245), (200, 230, 250)),
    "dusk": ((120, 60, 110), (250, 150, 80)),
    "night": ((10, 12, 45), (35, 40, 85)),
}


def shade(colour: RGB, time: Time, share: float = 1.0) -> RGB:
    """Return `colour` as it looks at this hour; `share` is how much of the darkness reaches the thing."""
    return mix(colour, _DARK, DARKNESS[time] * share)


def sky_colours(drawing: Drawing) -> tuple[RGB, RGB]:
    """Return the colours of the sky's top and foot, grey in any weather but a clear one."""
    top, foot = _SKIES[drawing.time]
    if drawing.weather == "clear":
        return top, foot
    return mix(top, (120, 125, 130), 0.35), mix(foot, (150, 155, 160), 0.35)
