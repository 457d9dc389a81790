"""Pages that people read: one offline HTML file per executed notebook, the front page and the data dictionary."""

from lib.report.pages.dictionary import DICTIONARY, write_dictionary
from lib.report.pages.exporter import export
from lib.report.pages.front import write_index
from lib.report.pages.thumbnails import preview

__all__ = ["DICTIONARY", "export", "preview", "write_dictionary", "write_index"]
