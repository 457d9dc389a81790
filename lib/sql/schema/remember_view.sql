-- Records the statement that the workbook created a view with.
INSERT INTO workbook.views (name, statement)
VALUES (:name, :statement)
ON CONFLICT (name) DO UPDATE SET statement = excluded.statement
