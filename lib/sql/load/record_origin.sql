-- Record where the shop in the database comes from, and its definitions.
INSERT INTO workbook.shop (kind, source, format, time_zone, currency, sales_basis, run_id)
VALUES (:kind, :source, :format, :time_zone, :currency, :sales_basis, :run_id)
ON CONFLICT (one) DO UPDATE
SET kind = excluded.kind, source = excluded.source, format = excluded.format,
    time_zone = excluded.time_zone, currency = excluded.currency, sales_basis = excluded.sales_basis,
    run_id = excluded.run_id, loaded_at = now()
