"""The lines of a file as typed cells, and a fault for each line that cannot be."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import pandas as pd

from lib.sources.dialect import Dialect
from lib.sources.fields import Fields
from lib.sources.reading import Block, read_blocks
from lib.sources.rejects import faults_of

__all__ = ["Lines", "read_lines"]


@dataclass(frozen=True)
class Lines:
    """`usable` lines by field, `faults` of the others, both indexed by line number, and counts of what was done."""

    usable: pd.DataFrame
    faults: pd.DataFrame
    notes: Counter


def read_lines(path: Path, dialect: Dialect, fields: Fields) -> Lines:
    """All lines of a file, typed field by field; repeated texts are categories. Raises as read_blocks does."""
    unused, blocks = read_blocks(path, dialect)
    read = _joined(_checked(block, dialect, fields) for block in blocks)
    notes = Counter({f"columns of the file that are not used: {', '.join(unused)}": len(unused)})
    return Lines(read.usable, read.faults, read.notes + notes)


def _joined(parts: Iterator[Lines]) -> Lines:
    """All parts as one, with a whole number for each repeated text: small, and quick to group."""
    found = list(parts)
    usable = pd.concat([part.usable for part in found])
    usable = usable.astype(dict.fromkeys(usable.select_dtypes("str"), "category"))
    return Lines(usable, pd.concat([part.faults for part in found]), reduce(add, (part.notes for part in found)))


def _checked(block: Block, dialect: Dialect, fields: Fields) -> Lines:
    """The block's usable lines, typed, and a fault for each of the others: the first field that breaks a rule."""
    text, tidied = _tidied(block.text)
    parsed = {name: parse(text, name, dialect) for name, parse in fields.items()}
    broken = np.column_stack([found.rules != "" for found in parsed.values()])
    bad = broken.any(axis=1)
    first = (np.arange(bad.sum()), broken[bad].argmax(axis=1))
    rules = np.column_stack([found.rules[bad] for found in parsed.values()])[first]
    raw = block.text.loc[bad, list(parsed)].to_numpy()[first]
    faults = faults_of(text.index[bad], np.array(list(parsed))[first[1]], rules, raw)
    usable = pd.DataFrame({name: found.cells for name, found in parsed.items()})[~bad]
    empty = Counter({"empty lines skipped": block.empty})
    notes = [empty, tidied, *(Counter(found.notes) for found in parsed.values())]
    return Lines(usable, pd.concat([_too_short_or_long(block), faults]), reduce(add, notes))


def _too_short_or_long(block: Block) -> pd.DataFrame:
    lines, texts = [line for line, _ in block.broken], [text for _, text in block.broken]
    return faults_of(lines, "", "wrong_field_count", texts)


def _tidied(text: pd.DataFrame) -> tuple[pd.DataFrame, Counter]:
    """Text without outer white space and in Unicode's composed form, and how many cells that changed."""
    stripped = text.apply(lambda column: column.str.strip())
    composed = stripped.apply(_composed)
    trims, forms = (stripped != text).sum(), (composed != stripped).sum()
    return composed, Counter(
        {f"{name}: outer white space removed": count for name, count in trims.items()}
        | {f"{name}: written in Unicode's composed form (NFC)": count for name, count in forms.items()}
    )


def _composed(text: pd.Series) -> pd.Series:
    foreign = text[text.str.contains(r"[^\x00-\x7f]")]
    return text if foreign.empty else text.where(~text.index.isin(foreign.index), foreign.str.normalize("NFC"))
