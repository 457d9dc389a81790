"""The database: connections and transactions, the .sql files, schema, roles, locks, and a private server."""

from lib.db.connection import (
    SQL_FOLDER,
    begin,
    begin_resolved,
    connect,
    engine,
    frame,
    literal,
    read,
    run,
    server,
    sql,
    transaction,
)

__all__ = [
    "SQL_FOLDER",
    "begin",
    "begin_resolved",
    "connect",
    "engine",
    "frame",
    "literal",
    "read",
    "run",
    "server",
    "sql",
    "transaction",
]
