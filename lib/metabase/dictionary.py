"""The catalog in Metabase's own dictionary: meanings of tables and columns, and what kind of thing a column holds."""

from lib import catalog
from lib.catalog import Column, Table
from lib.metabase import normal
from lib.metabase.marker import Marker, digest, marked, parted
from lib.metabase.site import EDITED, KEEP, UPDATE, Change, Live, Site
from lib.metabase.warehouse import metadata, missing_from

__all__ = ["plan_dictionary", "write_table"]

# Semantic types by name, else by type and unit. Keys and references Metabase takes from the database itself.
BY_NAME = {
    "email": "type/Email",
    "name": "type/Name",
    "country_code": "type/Country",
    "shipping_country_code": "type/Country",
    "country": "type/Country",
    "city": "type/City",
    "shipping_city": "type/City",
    **dict.fromkeys(
        ("acquisition_channel", "category", "subcategory", "channel", "status", "event_type"), "type/Category"
    ),
}
BY_TYPE = {"money": "type/Currency", "total": "type/Currency", "ratio": "type/Percentage"}


def plan_dictionary(site: Site) -> list[Change]:
    """What to do with each table that Metabase knows whole."""
    known = metadata(site)
    missing = {name.partition(".")[0] for name in missing_from(known)}  # of these there is not yet all to compare
    return [_plan(site, table, known[name]) for name, table in catalog.tables().items() if name not in missing]


def _plan(site: Site, table: Table, live: Live) -> Change:
    has, wants, marker = _has(table, live), _wants(table), parted(live["description"])[1]
    others = [] if marker or has == wants else _described_otherwise(has, wants)
    theirs = digest(has) != marker.sha if marker else bool(others)
    action = EDITED if theirs and has != wants and not site.force else UPDATE
    if marker and marker.sha == digest(has) == digest(wants):
        action = KEEP
    note = (
        f"described otherwise: {', '.join(name or table.name for name in others)}"
        if action == EDITED and others
        else ""
    )
    link = f"{site.client.url}/reference/databases/{site.database}/tables/{live['id']}"
    return Change("table", table.name, action, live, link, note)


def _columns(table: Table) -> list[Column]:
    return [*table.columns, *catalog.bookkeeping()]


def _has(table: Table, live: Live) -> dict[str, str]:
    """Meanings in normal form, by column, and under "" that of the table: what the marker's digest is of.

    Kinds are not part of it: Metabase guesses at them by itself, at any time.
    """
    fields = {field["name"]: field.get("description") or "" for field in live["fields"]}
    return {"": parted(live["description"])[0]} | {column.name: fields[column.name] for column in _columns(table)}


def _wants(table: Table) -> dict[str, str]:
    return {"": table.meaning} | {column.name: column.meaning for column in _columns(table)}


def _described_otherwise(has: dict[str, str], wants: dict[str, str]) -> list[str]:
    """Descriptions by a person from before the first publication."""
    return [name for name, text in has.items() if text not in ("", wants[name])]


def semantic_type(column: Column) -> str | None:
    """Semantic type of a column in Metabase, such as `type/Currency`; None if there is none."""
    if column.references or column.type == "uuid":
        return None
    counted = "type/Quantity" if column.type == "integer" and column.unit else None
    return BY_NAME.get(column.name) or BY_TYPE.get(column.type) or counted


def write_table(site: Site, change: Change) -> Change:
    """Write the meanings that differ, and kinds where there are none; what is there then must be what was written."""
    if change.action != UPDATE:
        return change
    table, live = catalog.tables()[change.key], change.existing
    wants = _wants(table)
    site.save(live)
    for field, column in _pairs(table, live):
        if body := _differing(field, column, force=site.force):
            site.client.put(f"/api/field/{field['id']}", body)
    description = marked(wants[""], Marker(f"table.{table.name}", digest(wants)))
    site.client.put(f"/api/table/{live['id']}", {"description": description})
    normal.compare(f"table {table.name}", wants, _has(table, metadata(site)[table.name]))
    return change


def _pairs(table: Table, live: Live) -> list[tuple[Live, Column]]:
    columns = {column.name: column for column in _columns(table)}
    return [(field, columns[field["name"]]) for field in live["fields"] if field["name"] in columns]


def _differing(field: Live, column: Column, *, force: bool) -> dict[str, str]:
    """Changes of a column to send. An existing semantic type stays, unless forced, as a person may have set it."""
    body = {"description": column.meaning} if field.get("description") != column.meaning else {}
    kind, present = semantic_type(column), field.get("semantic_type")
    return body | ({"semantic_type": kind} if kind and kind != present and (force or not present) else {})
