"""Load Parquet files into PostgreSQL: replace all rows by a swap, or append; checked, and atomic for readers."""

from lib.load.append import append
from lib.load.replace import replace
from lib.load.result import Load, fingerprint
from lib.load.scores import save_scores

__all__ = ["MODES", "Load", "append", "fingerprint", "replace", "save_scores"]

MODES = {"replace": replace, "append": append}
