"""The catalog in Metabase's own dictionary: meanings of tables and columns, and what kind of thing a column holds."""

from typing import Any

from lib import catalog
from lib.catalog import Column, Table
from lib.metabase.collection import compare
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
BY_TYPE = {"money": "type/Currency", "ratio": "type/Percentage"}


def plan_dictionary(site: Site) -> list[Change]:
    """What to do with each table that Metabase knows."""
    known = metadata(site)
    missing = {name.partition(".")[0] for name in missing_from(known)}  # of these there is not yet all to compare
    return [_plan(site, table, known[name]) for name, table in catalog.tables().items() if name not in missing]


def _plan(site: Site, table: Table, live: Live) -> Change:
    marker = parted(live["description"])[1]
    has, wants = _has(table, live), _wants(table, live, force=site.force)
    foreign = [] if marker else _foreign(table, has)
    edited = digest(has) != marker.sha if marker else bool(foreign)
    action = EDITED if edited and not site.force else UPDATE
    if has == wants and marker:
        action = KEEP
    note = f"described otherwise: {', '.join(foreign)}" if foreign and action == EDITED else ""
    link = f"{site.client.url}/reference/databases/{site.database}/tables/{live['id']}"
    return Change("table", table.name, action, live, link, note)


def _columns(table: Table) -> list[Column]:
    return [*table.columns, *catalog.bookkeeping()]


def _has(table: Table, live: Live) -> dict[str, Any]:
    """The dictionary's entries in normal form: the table's meaning under "", of each column its meaning and kind.

    A kind counts where the catalog tells one; the others come from Metabase's own guesses, at any time.
    """
    fields = {field["name"]: field for field in live["fields"]}
    entries = {
        column.name: [
            fields[column.name].get("description") or "",
            fields[column.name].get("semantic_type") if semantic_type(column) else None,
        ]
        for column in _columns(table)
    }
    return {"": parted(live["description"])[0], **entries}


def _wants(table: Table, live: Live, *, force: bool) -> dict[str, Any]:
    """The entries as the catalog has them; a kind that is set already stays, as nobody knows who set it."""
    has = _has(table, live)
    wanted: dict[str, Any] = {"": table.meaning}
    for column in _columns(table):
        kind, present = semantic_type(column), has[column.name][1]
        wanted[column.name] = [column.meaning, kind if force else present or kind]
    return wanted


def semantic_type(column: Column) -> str | None:
    """What kind of thing a column holds, in Metabase's words: `type/Currency`; None for what has no such word."""
    if column.references or column.type == "uuid":
        return None
    counted = "type/Quantity" if column.type == "integer" and column.unit else None
    return BY_NAME.get(column.name) or BY_TYPE.get(column.type) or counted


def _foreign(table: Table, has: dict[str, Any]) -> list[str]:
    """Columns, and the table, that somebody else described, before the workbook ever did."""
    described = {"": has[""]} | {name: entry[0] for name, entry in has.items() if name}
    ours = {"": table.meaning} | {column.name: column.meaning for column in _columns(table)}
    return [name or table.name for name, text in described.items() if text not in ("", ours[name])]


def write_table(site: Site, change: Change) -> Change:
    """Write what differs of a table as planned; what is there then must be what was written."""
    if change.action != UPDATE:
        return change
    table, live = catalog.tables()[change.key], change.live
    has, wants = _has(table, live), _wants(table, live, force=site.force)
    site.save(live)
    for field in live["fields"]:
        if (entry := wants.get(field["name"])) and entry != has[field["name"]]:
            kind = {"semantic_type": entry[1]} if entry[1] else {}
            site.client.put(f"/api/field/{field['id']}", {"description": entry[0], **kind})
    description = marked(wants[""], Marker(f"table.{table.name}", digest(wants)))
    site.client.put(f"/api/table/{live['id']}", {"description": description})
    compare(f"table {table.name}", wants, _has(table, metadata(site)[table.name]))
    return change
