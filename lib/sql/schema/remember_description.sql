-- Records a comment that the workbook wrote on a table or column.
INSERT INTO workbook.descriptions (relation, column_name, description)
VALUES (:relation, :column_name, :description)
ON CONFLICT (relation, column_name) DO UPDATE SET description = excluded.description
WHERE descriptions.description <> excluded.description
