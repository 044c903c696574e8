-- Every event, one row each; columns are the fields of switchyard.events.v1.Event under the same names.
--
-- Delivery is at least once, so a row may be inserted again. Equal events have equal columns, hence an equal sorting key and an
-- equal partition: merges keep one, and until then readers take one per event_id (LIMIT 1 BY event_id, or FINAL).
-- The key serves "newest first" (read backwards, stopping early) within a tenant. occurred_at orders, then the place in the
-- emitter's own sequence: a clock that stands still does not shuffle one emitter's events of one millisecond.
-- LowCardinality is for small closed sets that questions filter by; it costs a third of an insert's time where it is everywhere.
CREATE TABLE IF NOT EXISTS events
(
    event_id String CODEC(ZSTD(1)),
    tenant LowCardinality(String),
    type LowCardinality(String),
    occurred_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    emitter LowCardinality(String),
    epoch UInt64 CODEC(Delta(8), ZSTD(1)),
    sequence UInt64 CODEC(Delta(8), ZSTD(1)),
    request_id String CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    principal_issuer String CODEC(ZSTD(1)),
    principal_subject String CODEC(ZSTD(1)),
    principal_name String CODEC(ZSTD(1)),
    principal_kind LowCardinality(String),
    client_id String CODEC(ZSTD(1)),
    client_name String CODEC(ZSTD(1)),
    client_version String CODEC(ZSTD(1)),
    server LowCardinality(String),
    upstream LowCardinality(String),
    capability_kind LowCardinality(String),
    capability String CODEC(ZSTD(1)),
    upstream_capability String CODEC(ZSTD(1)),
    method LowCardinality(String),
    era LowCardinality(String),
    revision String CODEC(ZSTD(1)),
    outcome LowCardinality(String),
    reason LowCardinality(String),
    http_status UInt32 CODEC(ZSTD(1)),
    rpc_code Int32 CODEC(ZSTD(1)),
    client_rpc_id String CODEC(ZSTD(1)),
    upstream_rpc_id String CODEC(ZSTD(1)),
    bytes_in UInt32 CODEC(ZSTD(1)),
    bytes_out UInt32 CODEC(ZSTD(1)),
    duration_us UInt32 CODEC(ZSTD(1)),
    upstream_us UInt32 CODEC(ZSTD(1)),
    snapshot String CODEC(ZSTD(1)),
    detail Map(String, String) CODEC(ZSTD(1)),
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    INDEX by_request request_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_subject principal_subject TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_name principal_name TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_client client_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_capability capability TYPE bloom_filter(0.01) GRANULARITY 1,
    CONSTRAINT is_an_event CHECK event_id != '' AND tenant != '' AND type != '' AND occurred_at > toDateTime64(0, 3, 'UTC')
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(occurred_at)
PRIMARY KEY (tenant, occurred_at)
ORDER BY (tenant, occurred_at, emitter, epoch, sequence, event_id)
SETTINGS
    index_granularity = 8192,
    -- An insert that was confirmed is on the disk. Both are off by default.
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    -- Remembers insert_deduplication_token also without replication. Off by default.
    non_replicated_deduplication_window = 10000;
