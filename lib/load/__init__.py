"""Frames into tables: built beside the live ones and swapped, or added to them; checked, and never seen half done."""

from lib.load.appending import append
from lib.load.fingerprint import fingerprint
from lib.load.quality import checks
from lib.load.replacing import replace
from lib.load.result import Load
from lib.load.scores import save_scores

__all__ = ["MODES", "Load", "append", "checks", "fingerprint", "replace", "save_scores"]

MODES = {"replace": replace, "append": append}
