-- The same counts in granules of 1,024 rows and blocks of 8 KiB: what somebody used in a month is some rows of each day. Measured:
-- docs/adr/0084-a-persons-month.md
CREATE TABLE IF NOT EXISTS usage_days AS usage_days_before_0063
ENGINE = ReplacingMergeTree(events)
PARTITION BY (tenant, toYear(day))
ORDER BY (
    tenant, day, principal_subject, principal_issuer, principal_name, principal_kind, teams, client_id, client_name, type, server,
    upstream, capability)
SETTINGS
    index_granularity = 1024,
    min_compress_block_size = 8192,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
