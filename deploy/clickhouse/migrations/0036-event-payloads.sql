-- What was captured of calls, encrypted: events refer to it by payload_id and vouch for it by the SHA-256 of the ciphertext. It goes before they do.
-- To keep it for another time: ALTER TABLE event_payloads MODIFY TTL toDateTime(stored_at) + INTERVAL 30 DAY.
CREATE TABLE IF NOT EXISTS event_payloads
(
    tenant LowCardinality(String),
    payload_id FixedString(32),
    key_id String CODEC(ZSTD(1)),
    captured_at DateTime64(3, 'UTC'),
    ciphertext String CODEC(NONE),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
PARTITION BY (tenant, toMonday(stored_at))
ORDER BY (tenant, payload_id)
TTL toDateTime(stored_at) + INTERVAL 90 DAY
SETTINGS
    index_granularity = 256,
    ttl_only_drop_parts = 1,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 1000;
