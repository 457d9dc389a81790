"""Own CSV files as the six typed tables, with every line that cannot be used and the reason why."""

from lib.data.imports.formats import Imported, Policy
from lib.data.imports.importing import FORMATS, import_shop
from lib.data.imports.rejects import write_rejects

__all__ = ["FORMATS", "Imported", "Policy", "import_shop", "write_rejects"]
