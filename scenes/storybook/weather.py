"""The weather: fog, which hangs behind the objects so that they keep their colours, and what falls before everything.

Out of doors it is everywhere, indoors in the window only.
"""

from random import Random

from scenes.storybook.canvas import RGB, Box, Canvas, mix
from scenes.storybook.drawing import Drawing
from scenes.storybook.light import DARKNESS

_RAIN: RGB = (185, 210, 240)
_SNOW: RGB = (250, 250, 255)
_DAY_FOG: RGB = (205, 208, 212)
_NIGHT_FOG: RGB = (90, 92, 110)
_HAZE, _SWATH = 105, 160
"""How thick fog is, out of 255: everywhere, and in the swaths that lie in it."""


def draw_fog(canvas: Canvas, view: Box, drawing: Drawing, rng: Random) -> None:
    """Draw fog, if there is any, into `view`."""
    if drawing.weather == "fog":
        density = _fog_density(canvas, view, 2 if drawing.place == "room" else 5, rng)
        canvas.veil(mix(_DAY_FOG, _NIGHT_FOG, DARKNESS[drawing.time]), density)


def draw_falling(canvas: Canvas, view: Box, drawing: Drawing, rng: Random) -> None:
    """Draw rain or snow, if there is any, into `view`, over everything that stands there."""
    room = drawing.place == "room"
    if drawing.weather == "rain":
        _draw_rain(canvas, view, 15 if room else 50, rng)
    if drawing.weather == "snow":
        _draw_snow(canvas, view, 20 if room else 60, rng)


def _draw_rain(canvas: Canvas, view: Box, drops: int, rng: Random) -> None:
    for _ in range(drops):
        x, y = _somewhere(view, rng)
        canvas.line((x, y, x - 2, min(y + 7, view[3])), _RAIN, 1)


def _draw_snow(canvas: Canvas, view: Box, flakes: int, rng: Random) -> None:
    for _ in range(flakes):
        x, y = _somewhere(view, rng)
        canvas.ellipse((x, y, x + 2, y + 2), _SNOW)


def _fog_density(canvas: Canvas, view: Box, swaths: int, rng: Random) -> Canvas:
    left, top, right, bottom = view
    density = Canvas(canvas.pixels, "L")
    density.rectangle(view, _HAZE)
    for _ in range(swaths):
        y = rng.uniform(top + 1, bottom - 1)
        density.rectangle((left, y, right, min(y + 7, bottom)), _SWATH)
    return density


def _somewhere(view: Box, rng: Random) -> tuple[float, float]:
    left, top, right, bottom = view
    return rng.uniform(left + 1, right - 1), rng.uniform(top + 1, bottom - 1)
