"""Own CSV files as the six typed tables, with every line that cannot be used and the reason why."""

from lib.sources.format import Imported, Policy
from lib.sources.importing import FORMATS, import_shop
from lib.sources.rejects import write_rejects

__all__ = ["FORMATS", "Imported", "Policy", "import_shop", "write_rejects"]
