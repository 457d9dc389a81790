"""The sentences of the reports, one module per report."""
