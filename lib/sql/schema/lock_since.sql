-- Puts the current time into application_name, which every user may read for every session in pg_stat_activity.
SELECT set_config(
    'application_name',
    left(split_part(current_setting('application_name'), ' since ', 1), 30)
        || to_char(clock_timestamp() AT TIME ZONE 'UTC', '" since "YYYY-MM-DD HH24:MI:SS" UTC"'),
    :local
)
