"""Tests of the country codes: living countries only."""

import pytest

from lib.util.countries import alpha3, code


@pytest.mark.parametrize(
    ("alpha2", "wanted"), [("GB", "GBR"), ("FR", "FRA"), ("DE", "DEU"), ("MT", "MLT"), ("CD", "COD")]
)
def test_alpha3(alpha2: str, wanted: str) -> None:
    assert alpha3(alpha2) == wanted


@pytest.mark.parametrize("no_country", ["??", "", "SU", "EU", "ZZ"])
def test_alpha3_of_no_country(no_country: str) -> None:
    assert alpha3(no_country) is None


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("United Kingdom", "GB"), ("united kingdom", "GB"), ("CURAÇAO", "CW"), ("Kosovo", "XK"), ("Namibia", "NA")],
)
def test_code(name: str, wanted: str) -> None:
    assert code(name) == wanted


@pytest.mark.parametrize("name", ["Atlantis", "", "GB", "European Union", "Canary Islands", "world", "Unknown Region"])
def test_code_of_no_country(name: str) -> None:
    assert code(name) is None
