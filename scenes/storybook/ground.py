"""The eight places: what lies under the sky, or around the window.

What is painted there is pale or dull and lies behind the line that things stand on: it is to be taken for none of them.
"""

from random import Random

from scenes.storybook.canvas import RGB, UNITS, Box, Canvas
from scenes.storybook.drawing import Drawing
from scenes.storybook.light import shade
from scenes.storybook.sky import draw_sky

_EVERYWHERE: Box = (0, 0, UNITS, UNITS)

_WALLPAPERS: tuple[RGB, ...] = ((225, 205, 170), (200, 215, 205), (215, 195, 200))
_WINDOW_FRAME: RGB = (90, 60, 35)
_FLOOR_TOP = 80

_WAVES = 16
_HOUSES = 5
_FIRS = 8
_NEEDLES: tuple[RGB, ...] = ((44, 88, 62), (56, 104, 72))
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
        case "forest":
            _draw_forest(canvas, horizon, drawing, rng)
        case "mountains":
            _draw_mountains(canvas, horizon, drawing, rng)
        case "desert":
            _draw_desert(canvas, horizon, drawing, rng)
    return _EVERYWHERE


def _draw_room(canvas: Canvas, drawing: Drawing, rng: Random) -> Box:
    canvas.rectangle(_EVERYWHERE, shade(rng.choice(_WALLPAPERS), drawing.time, 0.8))
    window = _draw_window(canvas, drawing, rng)
    canvas.rectangle((0, _FLOOR_TOP, UNITS, UNITS), shade((150, 95, 50), drawing.time))
    canvas.line((0, _FLOOR_TOP, UNITS, _FLOOR_TOP), (80, 50, 30), width=2)
    return window


def _draw_window(canvas: Canvas, drawing: Drawing, rng: Random) -> Box:
    wall = rng.choice((0.08, 0.5))
    window = left, top, right, bottom = UNITS * wall, UNITS * 0.04, UNITS * (wall + 0.42), UNITS * 0.46
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
    grass = _ground(drawing, bare=(120, 190, 85), snowed=(235, 240, 245))
    canvas.rectangle((0, horizon, UNITS, horizon + 3), shade((70, 130, 70), drawing.time))  # a hedge far behind
    hill = _ground(drawing, bare=(106, 172, 88), snowed=(225, 232, 238))
    canvas.ellipse((-UNITS * 0.3, horizon - 9, UNITS * 0.7, UNITS * 1.1), hill)
    canvas.rectangle((0, horizon + 3, UNITS, UNITS), grass)


def _draw_street(canvas: Canvas, horizon: float, drawing: Drawing, rng: Random) -> None:
    width = UNITS / _HOUSES
    canvas.rectangle((0, horizon - 6, UNITS, horizon + 8), shade((135, 122, 114), drawing.time))
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


def _draw_forest(canvas: Canvas, horizon: float, drawing: Drawing, rng: Random) -> None:
    step = UNITS / _FIRS
    for fir in range(_FIRS + 1):
        x, top = fir * step + rng.uniform(-2, 2), horizon - rng.uniform(34, 46)
        needles = shade(_NEEDLES[fir % 2], drawing.time)
        canvas.polygon((x, top, x - 0.8 * step, horizon + 8, x + 0.8 * step, horizon + 8), needles)
    floor = _ground(drawing, bare=(104, 122, 74), snowed=(214, 222, 222))
    canvas.rectangle((0, horizon + 4, UNITS, UNITS), floor)


def _draw_mountains(canvas: Canvas, horizon: float, drawing: Drawing, rng: Random) -> None:
    rock, ice = shade((118, 124, 146), drawing.time), shade((240, 244, 250), drawing.time)
    for x in (0.06, 0.92, 0.5):
        summit, foot, peak = UNITS * x + rng.uniform(-6, 6), horizon + 6, horizon - rng.uniform(40, 50)
        height, half = foot - peak, 38
        canvas.polygon((summit, peak, summit - half, foot, summit + half, foot), rock)
        low = peak + 0.3 * height
        teeth = (summit + 0.3 * half, low, summit + 4, low - 5, summit - 1, low + 2, summit - 5, low - 5)
        canvas.polygon((summit, peak, *teeth, summit - 0.3 * half, low), ice)
    pasture = _ground(drawing, bare=(150, 158, 140), snowed=(226, 231, 238))
    canvas.rectangle((0, horizon + 4, UNITS, UNITS), pasture)


def _draw_desert(canvas: Canvas, horizon: float, drawing: Drawing, rng: Random) -> None:
    rock = shade((190, 112, 72), drawing.time)
    for x, width in ((0.18, 15), (0.74, 22)):
        left, top = UNITS * x + rng.uniform(-8, 8), horizon - rng.uniform(16, 24)
        canvas.polygon((left - 5, horizon, left, top, left + width, top, left + width + 5, horizon), rock)
    canvas.rectangle((0, horizon, UNITS, horizon + 8), rock)
    far = _ground(drawing, bare=(214, 160, 100), snowed=(224, 205, 190))
    canvas.ellipse((-UNITS * 0.4, horizon - 6, UNITS * 0.75, UNITS), far)
    canvas.ellipse((UNITS * 0.4, horizon - 4, UNITS * 1.5, UNITS), far)
    canvas.rectangle((0, horizon + 7, UNITS, UNITS), _ground(drawing, bare=(230, 184, 122), snowed=(236, 222, 208)))


def _ground(drawing: Drawing, bare: RGB, snowed: RGB) -> RGB:
    return shade(snowed if drawing.weather == "snow" else bare, drawing.time)
