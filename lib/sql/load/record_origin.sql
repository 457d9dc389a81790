-- Record where the shop in the database comes from.
INSERT INTO workbook.shop (kind, source, format, time_zone, currency, run_id)
VALUES (:kind, :source, :format, :time_zone, :currency, :run_id)
ON CONFLICT (one) DO UPDATE
SET kind = excluded.kind, source = excluded.source, format = excluded.format,
    time_zone = excluded.time_zone, currency = excluded.currency, run_id = excluded.run_id, loaded_at = now()
