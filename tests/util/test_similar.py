"""Tests of the suggestion for a mistyped name."""

import pytest

from lib.util.similar import did_you_mean, folded


@pytest.mark.parametrize(
    ("name", "known", "text"),
    [
        ("ordes", ["seed", "generate.orders"], " (did you mean generate.orders?)"),
        ("EMIAL", ["Email", "Name"], " (did you mean Email?)"),
        ("xyz", ["seed", "orders"], ""),
        ("xyz", [], ""),
        ("Order no", ["Price ex.", "Order No."], " (did you mean Order No.?)"),
    ],
)
def test_the_most_similar_name_is_suggested(name: str, known: list[str], text: str) -> None:
    assert did_you_mean(name, known) == text


def test_names_are_compared_without_case_spaces_and_accents() -> None:
    assert folded(" Numéro de_Commande") == folded("NUMERO DE COMMANDE") == "numerodecommande"
