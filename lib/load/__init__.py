"""Load a shop into PostgreSQL: replace all rows or append to them; all of it or nothing, with marts and checks."""

from lib.load.append import append
from lib.load.marts import save_scores
from lib.load.replace import replace
from lib.load.result import Load, fingerprint

__all__ = ["MODES", "Load", "append", "fingerprint", "replace", "save_scores"]

MODES = {"replace": replace, "append": append}  # by the parameter load_mode
