"""The errors a person can cause or mend, each with the exit code of the command that meets it."""

__all__ = [
    "DataError",
    "DatabaseError",
    "MetabaseError",
    "OutputError",
    "UsageError",
    "WorkbookError",
    "exit_code",
    "is_ours",
]


class WorkbookError(Exception):
    """Root of all errors of the workbook; its text says what was found, what was wanted and what to do."""

    exit_code = 1


class OutputError(WorkbookError):
    """Raised when a result cannot be written: a full disk, a folder without write permission."""


class UsageError(WorkbookError):
    """Raised for a wrong parameter, setting, option or file name, before anything runs."""

    exit_code = 2


class DataError(WorkbookError):
    """Raised when rows or files break a rule and nothing was loaded from them."""

    exit_code = 3


class DatabaseError(WorkbookError):
    """Raised when PostgreSQL cannot be reached, refuses, or is busy with another run."""

    exit_code = 4


class MetabaseError(WorkbookError):
    """Raised when Metabase cannot be reached, refuses, or holds something else than was written.

    `status` is the HTTP status of the answer that says so, 0 where there is none.
    """

    exit_code = 5

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


def exit_code(error_name: str) -> int:
    """Exit code of the class called `error_name`, 1 for a class that is not ours: a kernel reports names only."""
    return _codes().get(error_name, 1)


def is_ours(error_name: str) -> bool:
    """Whether the error called `error_name` has a text for people."""
    return error_name in _codes()


def _codes() -> dict[str, int]:
    return {cls.__name__: cls.exit_code for cls in (WorkbookError, *WorkbookError.__subclasses__())}
