"""Tests of the origin of a shop: an imported one is not replaced by accident."""

from dataclasses import replace
from pathlib import Path

import pytest

from lib.data.origin import SYNTHETIC, Origin, read_origin, refuse_loss, refuse_other_units, write_origin
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
    refuse_other_units(ZONED, read_origin(tmp_path))
    with pytest.raises(UsageError, match=r"time_zone of .* is UTC, that of the new rows Asia/Kolkata"):
        refuse_other_units(MINE, read_origin(tmp_path))


@pytest.mark.parametrize(
    ("present", "new", "words"),
    [
        ("GBP", "EUR", "is GBP, that of the new rows EUR; expected the same. Append with SET="),
        ("", "KWD", "is not recorded, that of the new rows KWD; .* Load all rows again with SET="),
    ],
)
def test_rows_of_another_currency_are_refused(present: str, new: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        refuse_other_units(replace(MINE, currency=present), replace(MINE, currency=new))


@pytest.mark.parametrize(("present", "new"), [("GBP", "GBP"), ("", "GBP"), ("GBP", "")])
def test_a_currency_that_was_not_recorded_may_be_the_same(present: str, new: str) -> None:
    refuse_other_units(replace(MINE, currency=present), replace(MINE, currency=new))
