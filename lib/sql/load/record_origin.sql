-- Record where the shop in the database comes from.
INSERT INTO workbook.shop (kind, source, format, run_id)
VALUES (:kind, :source, :format, :run_id)
ON CONFLICT (one) DO UPDATE
SET kind = excluded.kind, source = excluded.source, format = excluded.format, run_id = excluded.run_id,
    loaded_at = now()
