-- Puts the present instant into the session's name, which everybody may see of everybody's sessions.
SELECT set_config(
    'application_name',
    left(split_part(current_setting('application_name'), ' since ', 1), 30)
        || to_char(clock_timestamp() AT TIME ZONE 'UTC', '" since "YYYY-MM-DD HH24:MI:SS" UTC"'),
    :local
)
