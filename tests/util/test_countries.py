"""Country codes and names cover current countries only."""

import pytest
from babel import Locale

from lib.util.countries import CALLING_CODES, OTHER_NAMES, alpha3, calling_code, code, code_of_word


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
    [
        ("United Kingdom", "GB"),
        ("united kingdom", "GB"),
        ("CURAÇAO", "CW"),
        ("Kosovo", "XK"),
        ("Namibia", "NA"),
        ("EIRE", "IE"),
    ],
)
def test_code(name: str, expected: str) -> None:
    assert code(name) == expected


@pytest.mark.parametrize("name", ["Atlantis", "", "GB", "European Union", "Canary Islands", "world", "Unknown Region"])
def test_code_of_an_unknown_name(name: str) -> None:
    assert code(name) is None


def test_other_names_are_of_countries_and_not_those_of_cldr() -> None:
    assert [
        name for name, alpha2 in OTHER_NAMES.items() if not alpha3(alpha2) or name in map(str.casefold, _names())
    ] == []


def _names() -> list[str]:
    return list(Locale("en").territories.values())


@pytest.mark.parametrize(("alpha2", "expected"), [("GB", "44"), ("BD", "880"), ("US", "1"), ("??", None)])
def test_calling_code(alpha2: str, expected: str | None) -> None:
    assert calling_code(alpha2) == expected


def test_every_calling_code_is_of_a_country() -> None:
    assert [entry for entry in CALLING_CODES.split() if not alpha3(entry[:2]) or not entry[2:].isdigit()] == []


@pytest.mark.parametrize(
    ("word", "expected"),
    [("Deutschland", "DE"), ("Allemagne", "DE"), ("ESPAÑA", "ES"), ("Nederland", "NL"), ("x", None)],
)
def test_code_of_a_word_in_another_language(word: str, expected: str | None) -> None:
    assert code_of_word(word) == expected
