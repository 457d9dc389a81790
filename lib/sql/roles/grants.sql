-- What the loader and the reader may do with the tables of the present schema, and with what the workbook keeps.
GRANT SELECT, INSERT, UPDATE, DELETE
    ON users, products, marketing_campaigns, orders, order_items, events, daily_kpis, customer_lifetime_value
    TO workbook_loader;
GRANT SELECT
    ON users, products, marketing_campaigns, orders, order_items, events, daily_kpis, customer_lifetime_value
    TO workbook_reader;
GRANT USAGE ON SCHEMA workbook TO workbook_loader, workbook_reader;
GRANT SELECT, INSERT, DELETE ON workbook.rejects, workbook.data_quality_results TO workbook_loader;
GRANT SELECT ON workbook.data_quality_results TO workbook_reader
