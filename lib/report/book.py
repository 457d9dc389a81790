"""An executed notebook as a file: its cells, and the figures among its outputs."""

from collections.abc import Iterator
from pathlib import Path

from lib.errors import UsageError

__all__ = ["PLOTLY", "figures", "read_notebook"]

PLOTLY = "application/vnd.plotly.v1+json"


def read_notebook(notebook: Path) -> dict:
    """The notebook as nbformat gives it; UsageError for a file that is none."""
    import nbformat  # slow to import, and not needed to import this package

    try:
        return nbformat.read(notebook, as_version=4)
    except (OSError, nbformat.reader.NotJSONError) as error:
        raise UsageError(f"{notebook} is not a notebook that can be read: {error}") from error


def figures(book: dict) -> Iterator[dict]:
    """The plotly figures of the outputs, in order."""
    for cell in book.cells:
        yield from (o.data[PLOTLY] for o in cell.get("outputs", ()) if PLOTLY in o.get("data", {}))
