"""Errors for users and their exit codes."""

import pytest

from lib import errors


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("OutputError", 1),
        ("UsageError", 2),
        ("QueryError", 2),
        ("DataError", 3),
        ("DatabaseError", 4),
        ("MetabaseError", 5),
        ("KeyError", 1),
        ("", 1),
    ],
)
def test_exit_code_by_class_name(name: str, code: int) -> None:
    assert errors.exit_code(name) == code


def test_only_our_errors_are_recognised() -> None:
    assert errors.is_ours("DataError")
    assert not errors.is_ours("ValueError")


def test_one_base_class_catches_exactly_our_errors() -> None:
    ours = [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")]
    assert all(issubclass(error, errors.WorkbookError) for error in ours)
    assert not issubclass(errors.WorkbookError, OSError | ValueError)
