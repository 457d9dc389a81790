"""The pages that people read: one offline HTML file per executed notebook, and their front page."""

from lib.report.pages.dictionary import PAGE as DICTIONARY
from lib.report.pages.dictionary import write_dictionary
from lib.report.pages.exporter import export
from lib.report.pages.front import write_index
from lib.report.pages.thumbnails import card

__all__ = ["DICTIONARY", "card", "export", "write_dictionary", "write_index"]
