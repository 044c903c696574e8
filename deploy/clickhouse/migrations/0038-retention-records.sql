-- What retention has deleted of the exact lines, as it was signed before: with it, exports of what is left verify. Kept for good.
CREATE TABLE IF NOT EXISTS retention_records
(
    tenant LowCardinality(String),
    id String,
    part UInt32,
    at DateTime64(3, 'UTC'),
    jws String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY tuple()
ORDER BY (tenant, at, id, part)
SETTINGS
    index_granularity = 8192,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 1000;
