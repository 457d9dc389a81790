"""The pages that people read: one offline HTML file per executed notebook, and their front page."""

from lib.report.exporter import export
from lib.report.front import write_index

__all__ = ["export", "write_index"]
