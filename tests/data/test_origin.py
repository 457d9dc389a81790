"""Tests of the origin of a shop: an imported one is not replaced by accident."""

from pathlib import Path

import pytest

from lib.data.origin import SYNTHETIC, Origin, read_origin, refuse_loss, refuse_other_zone, write_origin
from lib.errors import UsageError

MINE, OTHER = Origin("imported", "/mine.csv", "shopify"), Origin("imported", "/other.csv", "shopify")


def test_a_folder_without_a_record_is_synthetic(tmp_path: Path) -> None:
    assert read_origin(tmp_path) == SYNTHETIC
    write_origin(tmp_path, MINE)
    assert read_origin(tmp_path) == MINE


ZONED = Origin("imported", "/mine.csv", "shopify", "Asia/Kolkata")


@pytest.mark.parametrize(("present", "new"), [(SYNTHETIC, SYNTHETIC), (SYNTHETIC, MINE), (MINE, MINE), (MINE, ZONED)])
def test_nothing_is_lost(present: Origin, new: Origin) -> None:
    refuse_loss(present, new, "the database", replace_shop=False)


@pytest.mark.parametrize("new", [SYNTHETIC, OTHER])
def test_an_imported_shop_is_replaced_only_when_that_is_allowed(new: Origin) -> None:
    with pytest.raises(UsageError, match=r"the database holds the shop imported from /mine.csv \(shopify\)"):
        refuse_loss(MINE, new, "the database", replace_shop=False)
    refuse_loss(MINE, new, "the database", replace_shop=True)


def test_rows_of_another_time_zone_are_refused(tmp_path: Path) -> None:
    write_origin(tmp_path, ZONED)
    refuse_other_zone(ZONED, read_origin(tmp_path))
    with pytest.raises(UsageError, match=r"those of UTC, the new rows' those of Asia/Kolkata; expected the same"):
        refuse_other_zone(MINE, read_origin(tmp_path))
