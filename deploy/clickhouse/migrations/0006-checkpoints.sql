-- What the audit trail was when it was signed: one row a checkpoint.
CREATE TABLE IF NOT EXISTS checkpoints
(
    tenant LowCardinality(String),
    number UInt64,
    at DateTime64(3, 'UTC'),
    jws String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY tuple()
ORDER BY (tenant, number)
SETTINGS
    index_granularity = 8192,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
