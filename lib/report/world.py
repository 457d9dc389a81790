"""Makes the world map of the reports from a topology of Natural Earth: `python -m lib.report.world SOURCE TARGET`."""

import json
import sys
from itertools import accumulate, pairwise
from pathlib import Path

from babel import Locale
from babel.core import get_global

from lib.countries import alpha3

__all__ = ["convert"]

# Natural Earth draws these as part of another country; orders carry their own code: (west, south, east, north).
_PARTS = {
    "FRA": {
        "GUF": (-55, 2, -51, 6),
        "GLP": (-62, 15.8, -61, 16.6),
        "MTQ": (-61.3, 14.3, -60.8, 14.9),
        "REU": (55, -21.5, 56, -20.8),
        "MYT": (45, -13.1, 45.4, -12.6),
    },
    "NLD": {"BES": (-69, 12, -62.9, 17.7)},
    "NOR": {"SJM": (-10, 70.5, 35, 81)},
}
# Kosovo has no ISO number (XKK is CLDR's code); the islets carry Australia's.
_ODD = {"Kosovo": "XKK", "Ashmore and Cartier Is.": None}


def convert(topology: dict) -> dict:
    """The topology plotly.js reads: countries by ISO-3 code with name and centre `ct`, land, coastlines, empty rest."""
    centre = _Centres(topology)
    countries = []
    for geometry in topology["objects"]["countries"]["geometries"]:
        for code, polygons in _split(_code(geometry), geometry, centre):
            countries.append(_country(code, geometry["properties"]["name"], polygons, centre))
    land = topology["objects"]["land"]
    coasts = [ring for part in land["geometries"] for polygon in _polygons(part) for ring in polygon]
    nothing = {"type": "GeometryCollection", "geometries": []}
    return {
        "type": "Topology",
        "transform": topology["transform"],
        "objects": {
            "countries": {"type": "GeometryCollection", "geometries": sorted(countries, key=lambda c: c["id"] or "~")},
            "land": land,
            "coastlines": {"type": "MultiLineString", "arcs": coasts},
            **dict.fromkeys(("lakes", "ocean", "rivers", "subunits"), nothing),
        },
        "arcs": topology["arcs"],
    }


def _country(code: str | None, name: str, polygons: list, centre: "_Centres") -> dict:
    territory = get_global("territory_aliases").get(code, [None])[0]
    properties = {"name": Locale("en").territories.get(territory, name), "ct": centre.of(polygons)}
    return {"type": "MultiPolygon", "id": code, "properties": properties, "arcs": polygons}


def _code(geometry: dict) -> str | None:
    name = geometry["properties"]["name"]
    if name in _ODD or "id" not in geometry:
        return _ODD.get(name)
    (territory,) = get_global("territory_aliases")[geometry["id"]]
    return alpha3(territory)


def _split(code: str | None, geometry: dict, centre: "_Centres") -> list[tuple[str | None, list]]:
    boxes = _PARTS.get(code, {})
    pieces: dict[str | None, list] = {}
    for polygon in _polygons(geometry):
        lon, lat = centre.of([polygon])
        inside = [part for part, (w, s, e, n) in boxes.items() if w <= lon <= e and s <= lat <= n]
        pieces.setdefault(inside[0] if inside else code, []).append(polygon)
    return list(pieces.items())


def _polygons(geometry: dict) -> list:
    return [geometry["arcs"]] if geometry["type"] == "Polygon" else geometry["arcs"]


class _Centres:
    """Centres of the largest polygon of a shape, in degrees: where a map puts its hover label."""

    def __init__(self, topology: dict) -> None:
        scale, shift = topology["transform"]["scale"], topology["transform"]["translate"]
        self._arcs = [_degrees(arc, scale, shift) for arc in topology["arcs"]]

    def of(self, polygons: list) -> list[float]:
        _, lon, lat = max(_area_and_centre(self._ring(polygon[0])) for polygon in polygons)
        return [round((lon + 180) % 360 - 180, 2), round(lat, 2)]

    def _ring(self, indices: list[int]) -> list[tuple[float, float]]:
        arcs = (self._arcs[i] if i >= 0 else self._arcs[~i][::-1] for i in indices)
        points: list[tuple[float, float]] = []
        for lon, lat in (point for arc in arcs for point in arc):
            previous = points[-1][0] if points else lon
            points.append((previous + (lon - previous + 180) % 360 - 180, lat))  # steps over the date line go on
        return points


def _degrees(arc: list, scale: list[float], shift: list[float]) -> list[tuple[float, float]]:
    points = accumulate(arc, lambda here, step: (here[0] + step[0], here[1] + step[1]))
    return [(x * scale[0] + shift[0], y * scale[1] + shift[1]) for x, y in points]


def _area_and_centre(ring: list[tuple[float, float]]) -> tuple[float, float, float]:
    x0, y0 = ring[0]
    area = lon = lat = 0.0
    for (ax, ay), (bx, by) in pairwise(ring):
        cross = (ax - x0) * (by - y0) - (bx - x0) * (ay - y0)
        area, lon, lat = area + cross, lon + cross * (ax + bx - 2 * x0), lat + cross * (ay + by - 2 * y0)
    return (abs(area), x0 + lon / (3 * area), y0 + lat / (3 * area)) if area else (0.0, x0, y0)


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    target.write_text(json.dumps(convert(json.loads(source.read_text("utf-8"))), separators=(",", ":")), "utf-8")
