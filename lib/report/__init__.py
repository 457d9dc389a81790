"""The pages that people read: one offline HTML file per executed notebook, and their front page."""

from lib.report.card import card
from lib.report.dictionary import PAGE as DICTIONARY
from lib.report.dictionary import write_dictionary
from lib.report.exporter import export
from lib.report.front import write_index

__all__ = ["DICTIONARY", "card", "export", "write_dictionary", "write_index"]
