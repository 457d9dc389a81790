"""Every error a person meets has a text and an exit code of its own."""

import pytest

from lib import errors


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("OutputError", 1),
        ("UsageError", 2),
        ("DataError", 3),
        ("DatabaseError", 4),
        ("MetabaseError", 5),
        ("KeyError", 1),
        ("", 1),
    ],
)
def test_exit_code_follows_the_name_a_kernel_reports(name: str, code: int) -> None:
    assert errors.exit_code(name) == code


def test_only_our_errors_have_a_text_for_people() -> None:
    assert errors.is_ours("DataError")
    assert not errors.is_ours("ValueError")


def test_one_root_catches_all_and_nothing_else() -> None:
    ours = [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")]
    assert all(issubclass(error, errors.WorkbookError) for error in ours)
    assert not issubclass(errors.WorkbookError, OSError | ValueError)
