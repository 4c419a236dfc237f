"""The five places: what lies under the sky, or around the window.

Nothing is painted first, so what a place leaves bare stays black: the hedge behind a meadow, the gaps between houses.
"""

from random import Random

from scenes.storybook.canvas import RGB, UNITS, Box, Canvas
from scenes.storybook.drawing import Drawing
from scenes.storybook.light import shade
from scenes.storybook.sky import draw_sky

_EVERYWHERE: Box = (0, 0, UNITS, UNITS)

_WALLPAPERS: tuple[RGB, ...] = ((225, 205, 170), (200, 215, 205), (215, 195, 200))
_WINDOW_FRAME: RGB = (90, 60, 35)
_FLOOR_TOP = 84

_WAVES = 16
_HOUSES = 5
_LIT_PANE: RGB = (255, 225, 120)
_DARK_PANE: RGB = (110, 120, 135)


def draw_place(canvas: Canvas, drawing: Drawing, rng: Random) -> Box:
    """Draw the place with its sky; return the part of the picture that the weather can be seen in."""
    horizon = int(2 * UNITS * rng.uniform(0.5, 0.58)) / 2  # a whole pixel of the canvas at size 128
    if drawing.place == "room":
        return _draw_room(canvas, drawing, rng)
    draw_sky(canvas, (0, 0, UNITS, horizon), drawing, rng)
    match drawing.place:
        case "sea":
            _draw_sea(canvas, horizon, drawing, rng)
        case "meadow":
            _draw_meadow(canvas, horizon, drawing)
        case "street":
            _draw_street(canvas, horizon, drawing, rng)
        case "beach":
            _draw_beach(canvas, horizon, drawing)
    return _EVERYWHERE


def _draw_room(canvas: Canvas, drawing: Drawing, rng: Random) -> Box:
    canvas.rectangle(_EVERYWHERE, shade(rng.choice(_WALLPAPERS), drawing.time, 0.8))
    window = _draw_window(canvas, drawing, rng)
    canvas.rectangle((0, _FLOOR_TOP, UNITS, UNITS), shade((150, 95, 50), drawing.time))
    canvas.line((0, _FLOOR_TOP, UNITS, _FLOOR_TOP), (80, 50, 30), width=2)
    return window


def _draw_window(canvas: Canvas, drawing: Drawing, rng: Random) -> Box:
    wall = rng.choice((0.08, 0.5))
    window = left, top, right, bottom = UNITS * wall, UNITS * 0.05, UNITS * (wall + 0.42), UNITS * 0.42
    draw_sky(canvas, window, drawing, rng)
    canvas.rectangle(window, None, _WINDOW_FRAME, width=2)
    middle = (left + right) / 2
    canvas.line((middle, top, middle, bottom), _WINDOW_FRAME, width=1.5)
    return window


def _draw_sea(canvas: Canvas, horizon: float, drawing: Drawing, rng: Random) -> None:
    canvas.rectangle((0, horizon, UNITS, UNITS), shade((40, 100, 150), drawing.time))
    foam = shade((120, 175, 210), drawing.time)
    for _ in range(_WAVES):
        x, y = rng.uniform(0, UNITS), rng.uniform(horizon + 2, UNITS)
        canvas.line((x, y, x + 9, y), foam, width=1)


def _draw_meadow(canvas: Canvas, horizon: float, drawing: Drawing) -> None:
    hill = _ground(drawing, bare=(110, 180, 90), snowed=(225, 232, 238))
    canvas.ellipse((-UNITS * 0.3, horizon - 8, UNITS * 0.7, UNITS * 1.1), hill)
    grass = _ground(drawing, bare=(120, 190, 85), snowed=(235, 240, 245))
    canvas.rectangle((0, horizon + 3, UNITS, UNITS), grass)


def _draw_street(canvas: Canvas, horizon: float, drawing: Drawing, rng: Random) -> None:
    width = UNITS / _HOUSES
    for house in range(_HOUSES):
        left, roof = house * UNITS / _HOUSES + rng.uniform(-3, 3), horizon - rng.uniform(12, 26)
        canvas.rectangle((left, roof, left + width - 2, horizon + 8), shade((165, 150, 140), drawing.time))
        for x in (left + 4, left + 13):
            canvas.rectangle((x, roof + 5, x + 4, roof + 10), _DARK_PANE if drawing.time == "day" else _LIT_PANE)
    road = _ground(drawing, bare=(125, 125, 130), snowed=(220, 225, 232))
    canvas.rectangle((0, horizon + 6, UNITS, UNITS), road)
    canvas.line((0, UNITS * 0.8, UNITS, UNITS * 0.8), shade((235, 235, 200), drawing.time), width=1)


def _draw_beach(canvas: Canvas, horizon: float, drawing: Drawing) -> None:
    canvas.rectangle((0, horizon, UNITS, horizon + 14), shade((60, 150, 190), drawing.time))
    sand = _ground(drawing, bare=(235, 210, 150), snowed=(235, 238, 242))
    canvas.rectangle((0, horizon + 14, UNITS, UNITS), sand)


def _ground(drawing: Drawing, bare: RGB, snowed: RGB) -> RGB:
    return shade(snowed if drawing.weather == "snow" else bare, drawing.time)
