-- Sequences that should be in `events` and are not, or were not for a while. Read it with FINAL; a gap is open while closed_at is zero.
CREATE TABLE IF NOT EXISTS audit_gaps
(
    emitter LowCardinality(String),
    epoch UInt64,
    first UInt64,
    last UInt64,
    found_at DateTime64(3, 'UTC'),
    closed_at DateTime64(3, 'UTC'),
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (emitter, epoch, first, last)
SETTINGS
    index_granularity = 8192,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 1000;
