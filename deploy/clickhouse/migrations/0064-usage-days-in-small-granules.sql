-- The same counts in granules of 512 rows: what somebody used in a month is some hundred rows of each day, and a row takes long to read.
CREATE TABLE IF NOT EXISTS usage_days AS usage_days_before_0063
ENGINE = ReplacingMergeTree(events)
PARTITION BY (tenant, toYear(day))
ORDER BY (
    tenant, day, principal_subject, principal_issuer, principal_name, principal_kind, teams, client_id, client_name, type, server,
    upstream, capability)
SETTINGS
    index_granularity = 512,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
