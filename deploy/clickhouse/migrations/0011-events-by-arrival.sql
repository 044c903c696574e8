-- Every event, one row each; columns are the fields of switchyard.events.v1.Event under the same names.
--
-- Delivery is at least once, so a row may be inserted again. Equal events have equal columns, hence an equal sorting key: readers take
-- one for each event_id (LIMIT 1 BY event_id, or FINAL), and merges keep one.
-- Partitions follow the clock of the database, not those of emitters: a clock that is wrong puts no event where retention ends early or
-- never, and a month can be dropped for one tenant alone. Repeats on both sides of the end of a month stay two rows that are read as one.
-- The key serves "newest first" (read backwards, stopping early) within a tenant. occurred_at orders, then the place in the
-- emitter's own sequence: a clock that stands still or goes back does not shuffle one emitter's events of one millisecond.
-- The projection serves "what did this person do": the same rows, sorted by person, in the columns that questions about people
-- select by or count. Every other column is read from the rows that it names. Measured: docs/adr/0048-events-by-arrival.md
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
    principal_issuer LowCardinality(String),
    principal_subject String CODEC(ZSTD(1)),
    principal_name String CODEC(ZSTD(1)),
    principal_kind LowCardinality(String),
    client_id LowCardinality(String),
    client_name LowCardinality(String),
    client_version LowCardinality(String),
    server LowCardinality(String),
    upstream LowCardinality(String),
    capability_kind LowCardinality(String),
    capability LowCardinality(String),
    upstream_capability LowCardinality(String),
    method LowCardinality(String),
    era LowCardinality(String),
    revision LowCardinality(String),
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
    snapshot LowCardinality(String),
    detail Map(String, String) CODEC(ZSTD(1)),
    teams Array(LowCardinality(String)) CODEC(ZSTD(1)),
    on_behalf_of String CODEC(ZSTD(1)),
    attempt UInt32 CODEC(ZSTD(1)),
    rule LowCardinality(String),
    origin LowCardinality(String),
    stage_us Map(LowCardinality(String), UInt32) CODEC(ZSTD(1)),
    arguments_tokens UInt32 CODEC(ZSTD(1)),
    result_tokens UInt32 CODEC(ZSTD(1)),
    model_tokens_in UInt32 CODEC(ZSTD(1)),
    model_tokens_out UInt32 CODEC(ZSTD(1)),
    cost_micros UInt32 CODEC(ZSTD(1)),
    recorded_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    session_id String CODEC(ZSTD(1)),
    chain String CODEC(ZSTD(1)),
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    INDEX by_request request_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_capability capability TYPE bloom_filter(0.01) GRANULARITY 1,
    PROJECTION by_principal
    (
        SELECT
            tenant, principal_subject, principal_name, occurred_at, emitter, epoch, sequence, event_id, type, server, capability,
            outcome, reason, duration_us, cost_micros
        ORDER BY tenant, principal_subject, occurred_at, emitter, epoch, sequence, event_id
    ),
    CONSTRAINT is_an_event CHECK event_id != '' AND tenant != '' AND type != '' AND occurred_at > toDateTime64(0, 3, 'UTC')
)
ENGINE = ReplacingMergeTree
PARTITION BY (tenant, toYYYYMM(ingested_at))
PRIMARY KEY (tenant, occurred_at)
ORDER BY (tenant, occurred_at, emitter, epoch, sequence, event_id)
SETTINGS
    index_granularity = 8192,
    deduplicate_merge_projection_mode = 'rebuild',
    -- An insert that was confirmed is on the disk. Both are off by default.
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    -- Remembers insert_deduplication_token also without replication. Off by default.
    non_replicated_deduplication_window = 10000;
