-- Lines of the events stream that are no events: kept byte for byte with the reason, while the rest of their batch goes on.
-- Read them as `SELECT line, error FROM dead_letters FINAL`.
CREATE TABLE IF NOT EXISTS dead_letters
(
    subject LowCardinality(String),
    message_id String,
    line_number UInt32,
    reason LowCardinality(String),
    error String CODEC(ZSTD(1)),
    line_base64 String CODEC(ZSTD(3)),
    line String ALIAS base64Decode(line_base64),
    dead_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
PARTITION BY tuple()
ORDER BY (subject, message_id, line_number)
SETTINGS
    index_granularity = 8192,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 1000;
