"""Tests of the country codes: living ones only."""

import pytest

from lib.countries import alpha3


@pytest.mark.parametrize(
    ("code", "wanted"), [("GB", "GBR"), ("FR", "FRA"), ("DE", "DEU"), ("MT", "MLT"), ("CD", "COD")]
)
def test_alpha3(code: str, wanted: str) -> None:
    assert alpha3(code) == wanted


def test_no_country() -> None:
    assert alpha3("??") is None
