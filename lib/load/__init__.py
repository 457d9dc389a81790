"""Frames into tables: built beside the live ones and swapped, or added to them; checked, and never seen half done."""

from lib.load.append import append
from lib.load.replace import replace
from lib.load.result import Load, fingerprint
from lib.load.scores import save_scores

__all__ = ["MODES", "Load", "append", "fingerprint", "replace", "save_scores"]

MODES = {"replace": replace, "append": append}
