-- Events that a sink refused for good: kept with the reason, in the words they were refused in, while the rest goes on.
-- Read them as `SELECT text, reason FROM sink_dead_letters FINAL`; `switchyard audit replay --dead-letters` sends them again.
CREATE TABLE IF NOT EXISTS sink_dead_letters
(
    tenant LowCardinality(String),
    sink LowCardinality(String),
    event_id String,
    reason String CODEC(ZSTD(1)),
    event String CODEC(ZSTD(3)),
    text String CODEC(ZSTD(3)),
    dead_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
PARTITION BY tuple()
ORDER BY (tenant, sink, event_id)
SETTINGS
    index_granularity = 8192,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 1000;
