"""Tests of the title and the question of a notebook."""

from typing import Any

import pytest

from lib.util.headings import opening


def markdown(source: str | list[str]) -> dict[str, Any]:
    return {"cell_type": "markdown", "source": source}


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ([markdown("# Stock\n\nWhat *runs* out,\nand when?\n\n*Reads* x.")], ("Stock", "What runs out, and when?")),
        ([markdown(["> note\n", "# `Stock` #\n", "What runs out?"])], ("Stock", "What runs out?")),
        ([{"cell_type": "code", "source": "# Stock"}, markdown("# Sales")], ("Sales", "")),
        ([markdown("# Stock\n\n## Products")], ("Stock", "")),
        ([markdown("## Products")], ("", "")),
    ],
)  # fmt: skip
def test_the_first_heading_and_its_paragraph(cells: list[dict[str, Any]], found: tuple[str, str]) -> None:
    assert opening(cells) == found
