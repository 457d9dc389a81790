"""The reusable code of the Shop Analytics Workbook; importing it does nothing."""
