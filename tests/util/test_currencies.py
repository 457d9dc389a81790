"""Tests of the decimals of currencies."""

import pytest

from lib.util.currencies import decimals_in_words, decimals_of


@pytest.mark.parametrize(
    ("currency", "decimals"), [("USD", 2), ("JPY", 0), ("KWD", 3), ("RSD", 2), ("XAF", 0), ("", 2), ("XXX", 2)]
)
def test_decimals_are_the_minor_units_of_iso_4217(currency: str, decimals: int) -> None:
    assert decimals_of(currency) == decimals


def test_decimals_begin_a_sentence() -> None:
    assert [decimals_in_words(currency) for currency in ("USD", "JPY", "KWD")] == [
        "USD has two decimals", "JPY has no decimals", "KWD has three decimals",
    ]  # fmt: skip
