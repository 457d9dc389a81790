"""Palette: every colour and type size of figures and pages.

It lies next to the charts instead of among them, so that a page without figures imports no plotting code.
"""

__all__ = [
    "BAD", "BARS", "BLUE", "BOX", "BOX_TEXT", "CELLS", "CLEAR", "DIAL", "FAINT", "FONT", "GOOD", "GREEN", "GREY",
    "GRID", "INK", "LABEL_SIZE", "LAND", "LINES", "ORANGE", "OWN", "PALE", "PURPLE", "SEQUENTIAL",
    "SMALLEST_SIZE", "SMALL_SIZE", "SPAN", "TEXT", "TEXT_SIZE", "VALUE_SIZE", "css_variables", "fade",
]  # fmt: skip


def fade(colour: str, opacity: float) -> str:
    """The colour `#rrggbb` with an opacity from 0 to 1, as rgba()."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return f"rgba({red},{green},{blue},{opacity})"


# Okabe and Ito's colours, which readers with any kind of colour vision can tell apart.
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#7D8894"
LINES = (BLUE, GREY, ORANGE, GREEN, PURPLE)  # second colour: the comparison series
BARS = (BLUE, ORANGE, GREEN, PURPLE, GREY)
OWN = (*BARS, "#56B4E9", "#E69F00")  # of figures of your own, which may have more series
SEQUENTIAL = ((0.0, "#E8F1F8"), (0.5, "#5FA2CE"), (1.0, "#08457E"))
FAINT = fade(BLUE, 0.3)  # background series and intervals
INK = "#1B2330"  # names within a figure
CELLS = ((0.0, "#E8F1F8"), (1.0, "#4591C6"))  # a scale with text in INK on it: contrast of at least 4.5 on each colour
# Readable on a light and on a dark ground, for JupyterLab; pages have colours of their own for each.
TEXT, GOOD, BAD = "#6F7884", "#1F8A5B", "#D4453B"
BOX, BOX_TEXT = "#EAF2F8", "#1B2733"  # tables of the entity diagram
SPAN = "#C3CAD3"  # bars of annotations
CLEAR = "rgba(0,0,0,0)"

# Neutral tones that fit a light and a dark page.
_MIDDLE = "#808080"
GRID, PALE = fade(_MIDDLE, 0.25), fade(_MIDDLE, 0.45)
LAND, DIAL = fade(_MIDDLE, 0.18), fade(_MIDDLE, 0.15)  # countries without a value; the empty part of a gauge

# Type of the figures, in pixels.
FONT = "system-ui, sans-serif"
TEXT_SIZE, LABEL_SIZE, SMALL_SIZE, SMALLEST_SIZE = 13, 12, 11, 10
VALUE_SIZE = 44  # the number in a gauge

# Colours of the pages: on light and on dark. Text on each reaches the contrast of WCAG 2.2 AA.
_THEME = {
    "paper": ("#FFFFFF", "#14181E"), "surface": ("#F5F6F8", "#1C222A"), "line": ("#DDE1E7", "#333C48"),
    "grid": ("#E6E9EE", "#2B333E"), "edge": ("#FFFFFF", "#14181E"), "ink": (INK, "#E7EAEF"),
    "soft": ("#565F6E", "#A9B2BF"), "accent": ("#1F5C99", "#86B9F2"), "good": ("#1D6B43", "#7FD0A3"),
    "bad": ("#A3271F", "#FF9D94"), "warn": ("#7D5200", "#EEC274"), "land": ("#ECEEF1", "#262D37"),
    "mark": (BLUE, "#56B4E9"),
}  # fmt: skip
# Type of the pages.
_TYPE = {
    "small": ".875rem", "caption": ".9375rem", "text": "1rem", "lead": "1.0625rem", "large": "1.125rem",
    "intro": "1.1875rem", "headline": "1.3125rem", "section": "1.4375rem", "title-phone": "1.6875rem",
    "value": "1.75rem", "title": "2.125rem", "print": "10.5pt",
    "figure-phone": str(SMALL_SIZE), "value-phone": "28",  # pixels, read by report.js
}  # fmt: skip


def css_variables() -> str:
    """The rule that declares every colour (`--ink`, for light and dark) and type size (`--type-small`) of a page."""
    colours = [f"--{name}: light-dark({light}, {dark});" for name, (light, dark) in _THEME.items()]
    sizes = [f"--type-{name}: {size};" for name, size in _TYPE.items()]
    return "\n  ".join([":root {", *colours, *sizes]) + "\n}\n"
