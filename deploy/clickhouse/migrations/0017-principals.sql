-- Who has been seen under which name. A question about a name becomes one about subjects, which events are also sorted by.
CREATE TABLE IF NOT EXISTS principals
(
    tenant LowCardinality(String),
    principal_name String CODEC(ZSTD(1)),
    principal_issuer LowCardinality(String),
    principal_subject String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, principal_name, principal_issuer, principal_subject)
SETTINGS
    index_granularity = 8192,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
