"""Questions to the database, read as DataFrames: the workbook's own, those you save, and any query you write."""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psycopg2
import sqlalchemy as sa

from lib import catalog, kpis, settings
from lib.db.connection import READER_TIMEOUT, SQL_FOLDER, begin, connect, frame, run, sql, transaction
from lib.errors import QueryError, UsageError
from lib.util.files import replacing
from lib.util.similar import did_you_mean
from lib.util.zones import known_day

__all__ = [
    "Question",
    "columns",
    "query",
    "question",
    "questions",
    "read",
    "sales_basis",
    "save_question",
    "tables",
    "time_zone",
]

NAME = re.compile(r"[a-z][a-z0-9_]*")
UNBOUND = re.compile(r"(?<![:\w\\]):(\w+)")  # SQLAlchemy reads it as a bound value; `::type` is a cast
NAME_WANTED = r".*\b(read|question)\([\"']\w*$"  # text before the cursor
SYNTAX_ERROR = "42601"
DAYS = ("start", "end", "as_of", "split")  # parameters that are days, also after "previous_"
# What to do, by SQLSTATE, where PostgreSQL's own text does not say it.
ADVICE = {
    "25006": "query() only reads. Change rows with `make db-psql`, or load other files.",
    "57014": f"The query took longer than {READER_TIMEOUT} and was stopped. Select fewer rows, or aggregate them.",
    "22008": "Write a day as year, month and day: '2025-07-01'.",
    "42P01": "tables() lists the tables and views, columns('orders') the columns of orders. "
    "If tables() is empty, no shop is loaded: run `make pipeline`.",
    "42703": "columns('orders') lists the columns of orders; the same works for each table and view.",
}


@dataclass(frozen=True)
class Question:
    """A query with a name; its representation is all of it, with the call that reads it.

    Attributes:
        name: File name without `.sql`.
        definition: Meaning of its rows and columns, from the comment at the top of the file.
        needs: Names of its parameters.
        sql: The query.
    """

    name: str
    definition: str
    needs: tuple[str, ...]
    sql: str

    @property
    def call(self) -> str:
        """The call that reads it."""
        arguments = [f'"{self.name}"', *(f"{name}=…" for name in self.needs)]
        return f"read({', '.join(arguments)})"

    def __repr__(self) -> str:
        return f"{self.definition}\n\n{self.call}\n\n{self.sql}"


def query(statement: str, **bound: object) -> pd.DataFrame:
    """Rows of any SQL query, read in a read-only transaction with the reader's permissions, for at most 30 s.

    Args:
        statement: One query. `:name` stands for a bound value; other colons and percent signs need no escape.
        bound: Value by name.

    Returns:
        One column per column of the query: numeric and double as float64, date as datetime64[us].

    Raises:
        QueryError: PostgreSQL refuses the query; the message shows where.
        DatabaseError: The server cannot be reached.

    Example:
        >>> query("SELECT count(*) AS orders FROM orders WHERE status = :status", status="completed").columns.tolist()
        ['orders']
    """
    text = UNBOUND.sub(lambda found: found[0] if found[1] in bound else rf"\{found[0]}", statement)
    with connect() as connection:
        connection.detach()  # closed at the end, and with it the setting of this session
        with begin(connection):
            # Also holds after a COMMIT within the statement.
            run(connection, "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        try:
            with begin(connection, "reader"):
                return frame(connection, text, **bound)
        except sa.exc.DBAPIError as error:
            if error.connection_invalidated or not isinstance(error.orig, psycopg2.Error):
                raise
            raise QueryError(
                "\n".join([_explained(error.orig), *_without_value(error.orig, statement, bound)])
            ) from error
        except sa.exc.ResourceClosedError as error:
            raise QueryError("the statement returns no rows; query() expects a SELECT.") from error


def _explained(error: psycopg2.Error) -> str:
    """PostgreSQL's message, the line with a mark below the position, its hint, and what to do."""
    diagnosis = error.diag
    parts = [diagnosis.message_primary or str(error).strip()]
    if diagnosis.statement_position and error.cursor and error.cursor.query:
        sent = error.cursor.query.decode()
        before = sent[: int(diagnosis.statement_position) - 1]
        start = before.rfind("\n") + 1
        line = sent[start:].partition("\n")[0]
        parts = [f"{parts[0]} (line {before.count(chr(10)) + 1})", line, " " * (len(before) - start) + "^"]
    parts += [text for text in (diagnosis.message_hint, ADVICE.get(error.pgcode or "")) if text]
    return "\n".join(parts)


def _without_value(error: psycopg2.Error, statement: str, bound: Mapping[str, object]) -> list[str]:
    """The parameters that got no value as a line; empty if the error has another cause."""
    names = [name for name in dict.fromkeys(UNBOUND.findall(statement)) if name not in bound]
    if not names or error.pgcode != SYNTAX_ERROR:
        return []
    passed = ", ".join(f"{name}=…" for name in names)
    return [f"No value was passed for {', '.join(f':{name}' for name in names)}. Pass it: query(…, {passed})"]


def read(name: str | Question, **bound: object) -> pd.DataFrame:
    """Rows of a question, by its name.

    Args:
        name: One of `questions()`; Tab completes it.
        bound: Value of each parameter that the question needs; days as ISO text or dates.

    Returns:
        The columns that the question defines; types as those of `query`.

    Raises:
        UsageError: No such question, or a value is missing, not needed, or text other than a day.
        DatabaseError: The server cannot be reached, or the tables are missing.

    Example:
        >>> read("campaigns", start="2024-07-01", end="2025-07-01").columns.tolist()
        ['name', 'channel', 'start_date', 'end_date']
    """
    asked = name if isinstance(name, Question) else question(name)
    _refuse_wrong_values(asked, bound)
    with transaction("reader") as connection:
        found = frame(connection, asked.sql, **bound)
    # pandas keeps it in most operations, so that a figure can name its question.
    found.attrs["questions"] = (asked.name,)
    return found


def _refuse_wrong_values(asked: Question, bound: Mapping[str, object]) -> None:
    """Raise UsageError if a value is missing, not needed, or other text than the day that is needed."""
    days = [need for need in asked.needs if need.removeprefix("previous_") in DAYS]
    if missing := [need for need in asked.needs if need not in bound]:
        note = " (a day is written '2025-07-01')" if set(missing) & set(days) else ""
        raise UsageError(f"question {asked.name!r} needs {', '.join(missing)}{note}. Pass it: {asked.call}")
    if further := [name for name in bound if name not in asked.needs]:
        raise UsageError(f"question {asked.name!r} has no parameter {further[0]!r}; expected {asked.call}.")
    for name in days:
        known_day(bound[name], name)


def time_zone() -> str:
    """Time zone of the days of the loaded shop, in marts, questions and reports; UTC without a shop.

    Example:
        >>> time_zone()
        'UTC'
    """
    return _of_shop("shop_zone")


def sales_basis() -> str:
    """Which orders of the loaded shop are sales: `placed` (all) or `completed`.

    Example:
        >>> sales_basis()
        'placed'
    """
    return _of_shop("sales_basis")


def _of_shop(function: str) -> str:
    """Value of a function of the database that says how the loaded shop is defined."""
    with transaction("reader") as connection:
        return str(connection.execute(sa.text(f"SELECT {function}()")).scalar_one())


def question(name: str) -> Question:
    """A question with its SQL and definition, not its rows; see `read` for those.

    Raises:
        UsageError: No such question; the message names similar ones.

    Example:
        >>> question("campaigns").needs
        ('start', 'end')
    """
    path = _files().get(name)
    if path is None:
        if re.match(r"\s*(select|with)\b", name, re.IGNORECASE):
            raise UsageError('read() takes the name of a question. For SQL of your own: query("select …")')
        raise UsageError(f"unknown question {name!r}{did_you_mean(name, _files())}. questions() lists all of them.")
    text = kpis.fill_in(path.read_text(encoding="utf-8")).strip()
    comments = re.match(r"(?:--.*(?:\n|$))*", text)
    definition = " ".join(line.lstrip("- ") for line in comments[0].splitlines()) if comments else ""
    return Question(name, definition, tuple(sa.text(text).compile().params), text)


def _files() -> dict[str, Path]:
    """File of each question by name; a file in output/questions overrides one of the workbook of the same name."""
    folders = (SQL_FOLDER / "questions", _own_folder())
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.sql"))}


def _own_folder() -> Path:
    return settings.output_folder() / "questions"


class _Questions:
    """The list of questions, whose names complete under Tab in `questions["`.

    Example:
        >>> questions().columns.tolist()
        ['question', 'needs', 'definition']
        >>> questions["campaigns"].needs
        ('start', 'end')
    """

    def __call__(self) -> pd.DataFrame:
        """All questions, one row each: question, needs, definition."""
        found = [question(name) for name in _files()]
        return pd.DataFrame(
            [(each.name, ", ".join(each.needs), each.definition) for each in found],
            columns=["question", "needs", "definition"],
        )

    def __getitem__(self, name: str) -> Question:
        """A question by its name; raises UsageError."""
        return question(name)

    def __iter__(self) -> Iterator[str]:
        """The names of all questions."""
        return iter(_files())

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)


questions = _Questions()


def complete_names() -> None:
    """Let Tab complete the names of questions within `read("` and `question("`, if this runs in IPython."""
    ipython = sys.modules.get("IPython")
    if shell := ipython and ipython.get_ipython():
        shell.set_hook("complete_command", lambda _shell, _event: list(questions), re_key=NAME_WANTED)


def save_question(name: str, statement: str, definition: str) -> Path:
    """Save a query as a question, so that `read` finds it by its name in this and later sessions.

    Args:
        name: Lower-case letters, digits and underscores.
        statement: The query; `:name` stands for a parameter.
        definition: Meaning of its rows and columns.

    Returns:
        The file, in output/questions. Move it to lib/sql/questions to make it part of the workbook.

    Raises:
        UsageError: The name is not allowed, or the workbook has a question of this name.
        OutputError: The file cannot be written.

    Example:
        >>> save_question("units", "SELECT sum(quantity) FROM order_items", "Units sold.").name
        'units.sql'
    """
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot name a question; expected lower-case letters, digits and _.")
    if (SQL_FOLDER / "questions" / f"{name}.sql").exists():
        raise UsageError(f"the workbook has a question {name!r} already. Choose another name.")
    path = _own_folder() / f"{name}.sql"
    comment = "\n".join(f"-- {line}" for line in definition.splitlines())
    with replacing(path) as temporary:
        temporary.write_text(f"{comment}\n{statement.strip()}\n", encoding="utf-8")
    return path


def tables() -> pd.DataFrame:
    """The tables and views of the database, one row each: table, kind (table, mart or view), rows, meaning.

    Rows are PostgreSQL's estimate; a view has none.

    Example:
        >>> tables()["table"].head(3).tolist()
        ['products', 'marketing_campaigns', 'users']
    """
    known = catalog.tables()
    marts = [name for name, table in known.items() if table.mart]
    with transaction("reader") as connection:
        found = frame(connection, sql("schema/relations"), known=list(known), marts=marts)
    return found.astype({"rows": "Int64"})


def columns(table: str) -> pd.DataFrame:
    """The columns of a table or view: column, type, required, meaning.

    Raises:
        UsageError: No such table.

    Example:
        >>> columns("orders")["column"].head(2).tolist()
        ['order_id', 'user_id']
    """
    with transaction("reader") as connection:
        found = frame(connection, sql("schema/columns"), tables=[table])
    if found.empty:
        known = tables()["table"].tolist()
        raise UsageError(
            f"unknown table {table!r}{did_you_mean(table, known)}. tables() lists all: {', '.join(known)}."
        )
    return found.drop(columns="table")
