-- Every event as it was recorded, byte for byte: what its link covers, and what exports that can be verified are made of.
-- Columns are read from the line itself. Delivery is at least once: equal lines have equal keys, readers take one per sequence.
CREATE TABLE IF NOT EXISTS event_lines
(
    line String CODEC(ZSTD(3)),
    tenant LowCardinality(String) DEFAULT JSONExtractString(line, 'tenant'),
    emitter LowCardinality(String) DEFAULT JSONExtractString(line, 'emitter'),
    epoch UInt64 DEFAULT toUInt64OrZero(JSONExtractString(line, 'epoch')) CODEC(Delta(8), ZSTD(1)),
    sequence UInt64 DEFAULT toUInt64OrZero(JSONExtractString(line, 'sequence')) CODEC(Delta(8), ZSTD(1)),
    stored_at DateTime DEFAULT now() CODEC(Delta(4), ZSTD(1)),
    INDEX by_stored_at stored_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(fromUnixTimestamp64Milli(toInt64(least(epoch, 4102444800000)), 'UTC'))
ORDER BY (tenant, emitter, epoch, sequence)
SETTINGS
    index_granularity = 8192,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 10000;
