-- The key of a row where the files' own keys are UUIDs: the same.
CREATE MACRO key_of(kind, name) AS name
