"""Tests of the origin of a shop: an imported one is not replaced by accident."""

from pathlib import Path

import pytest

from lib.data.origin import SYNTHETIC, Origin, read_origin, refuse_loss, write_origin
from lib.errors import UsageError

MINE, OTHER = Origin("imported", "/mine.csv", "shopify"), Origin("imported", "/other.csv", "shopify")


def test_a_folder_without_a_record_is_synthetic(tmp_path: Path) -> None:
    assert read_origin(tmp_path) == SYNTHETIC
    write_origin(tmp_path, MINE)
    assert read_origin(tmp_path) == MINE


@pytest.mark.parametrize(("present", "new"), [(SYNTHETIC, SYNTHETIC), (SYNTHETIC, MINE), (MINE, MINE)])
def test_nothing_is_lost(present: Origin, new: Origin) -> None:
    refuse_loss(present, new, "the database", replace_shop=False)


@pytest.mark.parametrize("new", [SYNTHETIC, OTHER])
def test_an_imported_shop_is_replaced_only_when_that_is_allowed(new: Origin) -> None:
    with pytest.raises(UsageError, match=r"the database holds the shop imported from /mine.csv \(shopify\)"):
        refuse_loss(MINE, new, "the database", replace_shop=False)
    refuse_loss(MINE, new, "the database", replace_shop=True)
