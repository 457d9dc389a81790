-- Permissions of loader and reader on the schema workbook; those on the shop's tables are granted in lib/db/roles.py.
GRANT USAGE ON SCHEMA workbook TO workbook_loader, workbook_reader;
GRANT SELECT, INSERT, DELETE ON workbook.rejects, workbook.data_quality_results TO workbook_loader;
GRANT SELECT, INSERT, UPDATE ON workbook.shop TO workbook_loader;
GRANT SELECT ON workbook.data_quality_results TO workbook_reader
