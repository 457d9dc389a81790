"""Keys that depend on a shop's own numbers only: the same customer, product, order or item gets the same one again."""

import hashlib
import uuid
from collections.abc import Iterable
from typing import Any

import pandas as pd

__all__ = ["keys_of", "uuids"]

NAMESPACE = uuid.UUID("12850252-e6dc-4b12-88c7-a202b1da15dd")  # fixed for ever: the keys of all imports hang on it
ASIDE = "\x1f"  # parts a natural key; no accepted text holds it


def keys_of(kind: str, names: pd.Series) -> pd.Series:
    """The UUID of each text of a category column, as a category column."""
    names = names.cat.remove_unused_categories()
    return names.cat.rename_categories(uuids(kind, names.cat.categories))


def uuids(kind: str, *parts: Iterable[str]) -> list[str]:
    """The version 5 UUID of each natural key, one column per part: uuid.uuid5(NAMESPACE, kind and parts by ASIDE)."""
    base = hashlib.sha1(NAMESPACE.bytes + f"{kind}{ASIDE}".encode(), usedforsecurity=False)
    return [_uuid5(base, ASIDE.join(names)) for names in zip(*parts, strict=True)]


def _uuid5(base: Any, name: str) -> str:
    # A third of the time of uuid.uuid5, which hashes the namespace and builds an object for every key.
    digest = base.copy()
    digest.update(name.encode())
    raw = digest.hexdigest()
    variant = "89ab"[int(raw[16], 16) & 3]
    return f"{raw[:8]}-{raw[8:12]}-5{raw[13:16]}-{variant}{raw[17:20]}-{raw[20:32]}"
