"""Other ways to load the same rows into the live tables of the same server."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import adbc_driver_postgresql.dbapi
import pandas as pd
import psycopg2.extensions
import psycopg2.extras
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from lib import db
from lib.catalog import arrow_schema, tables
from lib.data import parquet
from lib.db import ddl, private
from lib.db.url import url
from lib.load import copy

__all__ = [
    "FLOOR",
    "NAMES",
    "adbc",
    "count",
    "empty",
    "execute_values",
    "floor",
    "frames",
    "psql_copy",
    "to_sql",
    "write_binary",
    "write_csv",
]

NAMES = [name for name, table in tables().items() if not table.mart]
FLOOR = "floor"


def empty() -> None:
    """Truncate all tables."""
    with db.transaction() as connection:
        db.run(connection, f"TRUNCATE {', '.join(tables())}")


def count() -> int:
    """Rows of the tables."""
    counts = " + ".join(f"(SELECT count(*) FROM {name})" for name in NAMES)
    with db.transaction(read_only=True) as connection:
        return connection.execute(sa.text(f"SELECT {counts}")).scalar_one()


def write_csv(folder: Path) -> None:
    """Write the rows that are loaded as CSV files."""
    _psql(folder, _copies("to"))


def psql_copy(folder: Path) -> None:
    r"""\copy the CSV files into the live tables, in one transaction."""
    _psql(folder, _copies("from"))


def _copies(direction: str) -> list[str]:
    return [rf"\copy {name} ({_columns(name)}) {direction} '{name}.csv' csv" for name in NAMES]


def _columns(table: str) -> str:
    return ", ".join(tables()[table].column_names)


def write_binary(folder: Path) -> None:
    """Write the bytes that our load sends."""
    for name, paths in copy.parquet_files(folder).items():
        with (folder / f"{name}.bin").open("wb") as file:
            batches = copy.read_batches(paths, list(tables()[name].column_names))
            file.writelines(copy.encode(arrow_schema(name), batches))


def floor(folder: Path) -> None:
    r"""\copy the bytes into tables of a separate schema and build the same keys and indexes, in one transaction."""
    make = f"DROP SCHEMA IF EXISTS {FLOOR} CASCADE; CREATE SCHEMA {FLOOR}; SET search_path = {FLOOR}"
    copies = [rf"\copy {name} ({_columns(name)}) from '{name}.bin' with (format binary)" for name in NAMES]
    analyze = f"ANALYZE {', '.join(NAMES)}"
    create = [ddl.create_table(table) for table in tables().values()]
    keys = [*(key.statement for key in ddl.all_keys()), *(index.statement for index in ddl.all_indexes())]
    _psql(folder, [make, *create, *copies, analyze, *keys])


def _psql(folder: Path, commands: list[str]) -> None:
    at = url()
    dsn = psycopg2.extensions.make_dsn(host=at.host, port=at.port, user=at.username, dbname=at.database)
    options = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction", f"--dbname={dsn}"]
    scripts = [f"--command={command}" for command in commands]
    secret = {"PGPASSWORD": at.password or "", "PGOPTIONS": "-c client_min_messages=warning"}
    subprocess.run([str(private.binary("psql")), *options, *scripts], cwd=folder, env=os.environ | secret, check=True)


def adbc(folder: Path) -> None:
    """Ingest the Arrow batches by ADBC, in one transaction."""
    address = url().set(drivername="postgresql").render_as_string(hide_password=False)
    with adbc_driver_postgresql.dbapi.connect(address) as connection, connection.cursor() as cursor:
        for name, paths in copy.parquet_files(folder).items():
            batches = (batch for path in paths for batch in pq.ParquetFile(path).iter_batches(copy.BATCH_ROWS))
            reader = pa.RecordBatchReader.from_batches(pq.read_schema(paths[0]), batches)
            cursor.adbc_ingest(name, reader, mode="append")
        connection.commit()


def frames(folder: Path) -> dict[str, pd.DataFrame]:
    """The rows as pandas frames."""
    return {name: parquet.read_table(folder, name) for name in NAMES}


def to_sql(shop: dict[str, pd.DataFrame], **how: object) -> None:
    """Insert the frames by pandas, in one transaction."""
    with db.transaction() as connection:
        for name, frame in shop.items():
            frame.to_sql(name, connection, if_exists="append", index=False, **how)


def execute_values(shop: dict[str, pd.DataFrame]) -> None:
    """Insert the frames' tuples by psycopg2's execute_values, in one transaction."""
    with db.transaction() as connection, connection.connection.cursor() as cursor:
        for name, frame in shop.items():
            statement = f"INSERT INTO {name} ({_columns(name)}) VALUES %s"
            psycopg2.extras.execute_values(cursor, statement, _tuples(frame), page_size=1_000)


def _tuples(frame: pd.DataFrame) -> Iterator[tuple]:
    plain = frame.astype(object).where(frame.notna(), None)
    return plain.itertuples(index=False, name=None)
