"""The sky, over the land or in a window: its colours, sun or moon and stars, clouds."""

from random import Random

from scenes.storybook.canvas import RGB, Box, Canvas, mix
from scenes.storybook.drawing import Drawing, Place, Time
from scenes.storybook.light import sky_colours

_LIGHTS: dict[Time, RGB] = {"day": (255, 245, 120), "dusk": (255, 110, 40), "night": (240, 240, 215)}
_SUNSETS: dict[Place, float] = {"street": 0.5, "forest": 0.25, "mountains": 0.25}
"""How far down the sky the sun stands at dusk where something hides the horizon; anywhere else it is lower."""
_STARS = 14
_STAR: RGB = (255, 255, 230)

_CLOUDS: dict[Time, RGB] = {"day": (235, 238, 240), "dusk": (190, 140, 150), "night": (80, 85, 110)}
_RAIN_CLOUD: RGB = (70, 75, 85)
_PUFFS = ((0, 0, 6), (7, -2, 8), (15, 0, 6))
"""The three balls of a cloud: offset to the right, offset downwards, radius."""


def draw_sky(canvas: Canvas, box: Box, drawing: Drawing, rng: Random) -> None:
    """Fill `box` with the sky; in a room it is the view through the window, with everything in it smaller."""
    canvas.gradient(box, *sky_colours(drawing))
    left, top, right, bottom = box
    x, y = left + (right - left) * rng.uniform(0.15, 0.85), top + (bottom - top) * rng.uniform(0.12, 0.35)
    if drawing.weather == "clear":
        low = top + (bottom - top) * _SUNSETS.get(drawing.place, 0.85)
        _draw_light(canvas, x, low if drawing.time == "dusk" else y, drawing)
        if drawing.time == "night":
            _draw_stars(canvas, box, rng)
    if drawing.weather in ("cloudy", "rain", "snow"):
        _draw_clouds(canvas, box, drawing, rng)


def _draw_light(canvas: Canvas, x: float, y: float, drawing: Drawing) -> None:
    r = 7 * (0.7 if drawing.place == "room" else 1)
    canvas.ellipse((x - r, y - r, x + r, y + r), _LIGHTS[drawing.time])
    if drawing.time == "night":  # a disc of sky over a part of the moon leaves a crescent
        canvas.ellipse((x - r * 0.4, y - r * 1.1, x + r * 1.3, y + r * 0.7), mix(*sky_colours(drawing), 0.2))


def _draw_stars(canvas: Canvas, box: Box, rng: Random) -> None:
    left, top, right, bottom = box
    for _ in range(_STARS):
        x, y = rng.uniform(left, right), rng.uniform(top, bottom)
        canvas.ellipse((x, y, x + 1.2, y + 1.2), _STAR)


def _draw_clouds(canvas: Canvas, box: Box, drawing: Drawing, rng: Random) -> None:
    left, top, right, bottom = box
    count, size = (2, 0.6) if drawing.place == "room" else (3, 1)
    colour = _CLOUDS[drawing.time]
    if drawing.weather == "rain":
        colour = mix(colour, _RAIN_CLOUD, 0.5)
    for _ in range(count):
        x = rng.uniform(left + (right - left) * 0.1, left + (right - left) * 0.8)
        y = rng.uniform(top + 4, top + (bottom - top) * 0.3)
        _draw_cloud(canvas, x, y, size, colour)


def _draw_cloud(canvas: Canvas, x: float, y: float, size: float, colour: RGB) -> None:
    for dx, dy, r in _PUFFS:
        flat = r * 0.7
        canvas.ellipse(
            (x + (dx - r) * size, y + (dy - flat) * size, x + (dx + r) * size, y + (dy + flat) * size), colour
        )
