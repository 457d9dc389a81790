"""Errors that a user can cause or fix, each with the exit code of the command that reports it."""

__all__ = [
    "DataError",
    "DatabaseError",
    "MetabaseError",
    "OutputError",
    "QueryError",
    "UsageError",
    "WorkbookError",
    "exit_code",
    "is_ours",
]


class WorkbookError(Exception):
    """Base class; the message says what was found, what was expected and what to do."""

    exit_code = 1


class OutputError(WorkbookError):
    """A result cannot be written: full disk, missing write permission."""


class UsageError(WorkbookError):
    """An argument, parameter, setting or file name is wrong; notebooks show the message without a traceback."""

    exit_code = 2

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


class QueryError(UsageError):
    """A query of the user is refused."""


class DataError(WorkbookError):
    """Rows or files violate a rule; none of them was loaded."""

    exit_code = 3


class DatabaseError(WorkbookError):
    """PostgreSQL is unreachable, reported an error, or is locked by another run."""

    exit_code = 4


class MetabaseError(WorkbookError):
    """Metabase is unreachable, reported an error, or does not contain what was written.

    Attributes:
        status: HTTP status of the response that caused the error, 0 if there was none.
    """

    exit_code = 5

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


def exit_code(error_name: str) -> int:
    """Exit code of the error class with this name, 1 for any other class.

    By name, because a notebook kernel reports errors as names and texts, not as objects.
    """
    return _codes().get(error_name, 1)


def is_ours(error_name: str) -> bool:
    """Whether an error class with this name is defined here, so that its message is written for users."""
    return error_name in _codes()


def _codes() -> dict[str, int]:
    classes: list[type[WorkbookError]] = [WorkbookError, QueryError, *WorkbookError.__subclasses__()]
    return {cls.__name__: cls.exit_code for cls in classes}
