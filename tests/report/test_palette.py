"""Tests of the palette: every colour stands in it, and pages declare each as a variable."""

import re
from pathlib import Path

import pytest
from plotly.colors import sample_colorscale

from lib.report import palette
from lib.report.palette import css_variables, fade

LIB = Path(palette.__file__).parents[1]
SOURCES = {".py", ".css", ".js", ".yml", ".j2", ".sql"}
COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})\b|\b(?:rgb|hsl)a?\(\s*[\d.]+[^)]*\)")


def test_no_colour_literal_outside_the_palette() -> None:
    files = [path for path in LIB.rglob("*") if path.suffix in SOURCES and path != Path(palette.__file__)]
    found = {(str(path.relative_to(LIB)), literal) for path in files for literal in COLOUR.findall(path.read_text())}
    assert found == set()


def test_fade_is_the_same_colour_with_an_opacity() -> None:
    assert fade("#102030", 0.3) == "rgba(16,32,48,0.3)"
    assert fade("#FFFFFF", 0) == "rgba(255,255,255,0)"


def luminance(rgb: tuple[int, ...]) -> float:
    """Relative luminance of WCAG 2.2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (value / 255 for value in rgb)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_on_each_colour_of_cells_is_readable() -> None:
    text = luminance(tuple(bytes.fromhex(palette.INK[1:])))
    cells = sample_colorscale(list(map(list, palette.CELLS)), [n / 20 for n in range(21)], colortype="tuple")
    contrast = [(luminance(tuple(round(255 * c) for c in cell)) + 0.05) / (text + 0.05) for cell in cells]
    assert min(contrast) >= 4.5


@pytest.mark.parametrize("name", ["report/template/report.css", "report/template/report.js", "report/display.py"])
def test_every_variable_used_by_a_page_is_declared(name: str) -> None:
    declared = set(re.findall(r"(--[\w-]+):", css_variables()))
    used = set(re.findall(r"var\((--[\w-]+)\)", (LIB / name).read_text()))
    assert used - declared <= {"--ratio"}, "report.js sets --ratio for print"


def test_light_and_dark_variables_share_the_colours_of_the_figures() -> None:
    assert f"--mark: light-dark({palette.BLUE}, " in css_variables()
    assert f"--ink: light-dark({palette.INK}, " in css_variables()
