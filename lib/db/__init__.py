"""The database: connections and transactions, questions, the .sql files, schema, roles, locks, and a private server."""

from lib.db.connection import (
    SQL_FOLDER,
    begin,
    begin_resolved,
    connect,
    engine,
    frame,
    literal,
    run,
    server,
    sql,
    transaction,
)
from lib.db.queries import (
    columns,
    complete_names,
    query,
    question,
    questions,
    read,
    sales_basis,
    save_question,
    tables,
    time_zone,
)

__all__ = [
    "SQL_FOLDER",
    "begin",
    "begin_resolved",
    "columns",
    "connect",
    "engine",
    "frame",
    "literal",
    "query",
    "question",
    "questions",
    "read",
    "run",
    "sales_basis",
    "save_question",
    "server",
    "sql",
    "tables",
    "time_zone",
    "transaction",
]

complete_names()
