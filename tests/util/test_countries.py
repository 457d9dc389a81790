"""Country codes and names cover current countries only."""

import pytest

from lib.util.countries import alpha3, code


@pytest.mark.parametrize(
    ("alpha2", "expected"), [("GB", "GBR"), ("FR", "FRA"), ("DE", "DEU"), ("MT", "MLT"), ("CD", "COD")]
)
def test_alpha3(alpha2: str, expected: str) -> None:
    assert alpha3(alpha2) == expected


@pytest.mark.parametrize("unknown", ["??", "", "SU", "EU", "ZZ"])
def test_alpha3_of_an_unknown_code(unknown: str) -> None:
    assert alpha3(unknown) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [("United Kingdom", "GB"), ("united kingdom", "GB"), ("CURAÇAO", "CW"), ("Kosovo", "XK"), ("Namibia", "NA")],
)
def test_code(name: str, expected: str) -> None:
    assert code(name) == expected


@pytest.mark.parametrize("name", ["Atlantis", "", "GB", "European Union", "Canary Islands", "world", "Unknown Region"])
def test_code_of_an_unknown_name(name: str) -> None:
    assert code(name) is None
