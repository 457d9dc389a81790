"""The statements that create tables, keys and indexes, generated from the catalog."""

from dataclasses import dataclass

from lib.catalog import Column, Table, bookkeeping, tables

__all__ = ["Index", "Key", "add_column", "all_indexes", "all_keys", "create_table", "declared_type", "widen"]

# Upper bound of a column without a largest value: NaN and infinity sort above every number, so `> 0` alone would accept
# them. numeric(p, s) has no infinity, an integer has neither.
BELOW = {"money": "'NaN'", "unit_price": "'NaN'", "total": "'NaN'", "ratio": "'Infinity'"}


@dataclass(frozen=True)
class Key:
    """A primary, unique or foreign key of one column.

    Attributes:
        table: Its table.
        name: Name of the constraint.
        kind: `PRIMARY KEY`, `UNIQUE` or `FOREIGN KEY`.
        column: Its column.
        references: The clause ` REFERENCES table (column)` of a foreign key; empty for others.
    """

    table: str
    name: str
    kind: str
    column: str
    references: str = ""

    @property
    def statement(self) -> str:
        """The statement that adds the key; PostgreSQL checks every row."""
        return f"ALTER TABLE {self.table} ADD CONSTRAINT {self.name} {self.kind} ({self.column}){self.references}"


@dataclass(frozen=True)
class Index:
    """An index that is not a key; `condition` is empty, or the WHERE clause of a partial index."""

    table: str
    name: str
    column: str
    condition: str

    @property
    def statement(self) -> str:
        """The statement that creates the index."""
        return f"CREATE INDEX {self.name} ON {self.table} ({self.column}){self.condition}"


def create_table(table: Table) -> str:
    """CREATE TABLE with columns, defaults and checks, without keys and indexes, which a load adds after the rows."""
    columns = ",\n    ".join(_definition(table, column) for column in (*table.columns, *bookkeeping()))
    return f"CREATE TABLE IF NOT EXISTS {table.name} (\n    {columns}\n)"


def add_column(table: Table, column: Column) -> str:
    """ALTER TABLE that adds a column of the catalog with its checks."""
    return f"ALTER TABLE {table.name} ADD COLUMN {_definition(table, column)}"


def widen(column: Column) -> str:
    """Clauses of ALTER TABLE that give an existing column its type in the catalog, and let an optional one be empty."""
    change = f"ALTER COLUMN {column.name} TYPE {column.data_type.sql}"
    return f"{change}, ALTER COLUMN {column.name} DROP NOT NULL" if column.optional else change


def declared_type(column: Column, *, earlier: bool = False) -> str:
    """Type and nullability as PostgreSQL reports them: `numeric(15,3) not null`; `earlier`: those before a widening."""
    kind = (earlier and column.data_type.earlier) or column.data_type.sql
    return kind if column.optional and not (earlier and column.once_required) else f"{kind} not null"


def all_keys() -> list[Key]:
    """All keys; foreign keys last, because they need the primary keys."""
    found = []
    for name, table in tables().items():
        found.append(Key(name, f"{name}_pkey", "PRIMARY KEY", table.key))
        for column in table.columns:
            if column.unique:
                found.append(Key(name, f"{name}_{column.name}_key", "UNIQUE", column.name))
            if column.references:
                target = f" REFERENCES {column.references} ({tables()[column.references].key})"
                found.append(Key(name, f"{name}_{column.name}_fkey", "FOREIGN KEY", column.name, target))
    return sorted(found, key=lambda key: bool(key.references))


def all_indexes() -> list[Index]:
    """Indexes on the columns that the catalog marks `indexed`; those on optional columns leave out NULLs."""
    found = []
    for name, table in tables().items():
        for column in table.columns:
            if column.indexed:
                condition = f" WHERE {column.name} IS NOT NULL" if column.optional else ""
                found.append(Index(name, f"{name}_{column.name}_idx", column.name, condition))
    return found


def _definition(table: Table, column: Column) -> str:
    """One column of CREATE TABLE: name, type, nullability, default, checks."""
    parts = [column.name, declared_type(column).replace("not null", "NOT NULL")]
    if column.default:
        parts.append(f"DEFAULT {column.default}")
    if condition := _check(table, column):
        parts.append(f"CONSTRAINT {table.name}_{column.name}_check CHECK ({condition})")
    if column.not_before:
        condition = f"{column.not_before} <= {column.name}"
        parts.append(f"CONSTRAINT {table.name}_dates_check CHECK ({condition})")
    return " ".join(parts)


def _check(table: Table, column: Column) -> str:
    """Condition on the values of one column, empty where the catalog states none."""
    name = column.name
    if column.form == "email":
        return f"{name} = btrim({name}) AND {name} LIKE '%_@_%'"
    if column.not_blank:
        return f"btrim({name}) <> ''"
    if column.one_of:
        values = ", ".join(f"'{value}'" for value in column.one_of)
        return f"{name} IN ({values})"
    if column.type == "char2":
        return f"{name} ~ '^[A-Z]{{2}}$'"
    filled_by_server = table.mart or column.default
    if column.type in ("date", "timestamptz") and not filled_by_server:
        return f"isfinite({name})"
    return " AND ".join(_bounds(column))


def _bounds(column: Column) -> list[str]:
    """Conditions for the smallest and largest number; only columns with a smallest one are checked."""
    found = []
    if column.above is not None:
        found.append(f"{column.name} > {column.above}")
    if column.least is not None:
        found.append(f"{column.name} >= {column.least}")
    if column.most is not None:
        found.append(f"{column.name} <= {column.most}")
    elif found and column.type in BELOW:
        found.append(f"{column.name} < {BELOW[column.type]}")
    return found
