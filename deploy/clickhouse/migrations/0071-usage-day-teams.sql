-- What was called on a day (UTC), by the teams of who called, all of them in one row: the calls of usage_day_people without the people. Made and read as
-- usage_days is. Some hundred rows a day: docs/adr/0089-large-parts-and-teams.md
CREATE TABLE IF NOT EXISTS usage_day_teams
(
    tenant LowCardinality(String),
    day Date CODEC(Delta(2), ZSTD(1)),
    teams Array(LowCardinality(String)) CODEC(ZSTD(1)),
    type LowCardinality(String),
    -- Events of the group, each once. Of two counts of a group the one with more events has seen all that the other has.
    events UInt64 CODEC(T64, ZSTD(1)),
    errors UInt64 CODEC(T64, ZSTD(1)),
    denied UInt64 CODEC(T64, ZSTD(1)),
    cancelled UInt64 CODEC(T64, ZSTD(1)),
    -- Failures by origin; of events that say none, none.
    failed_client UInt64 CODEC(T64, ZSTD(1)),
    failed_policy UInt64 CODEC(T64, ZSTD(1)),
    failed_gateway UInt64 CODEC(T64, ZSTD(1)),
    failed_upstream UInt64 CODEC(T64, ZSTD(1)),
    bytes_in UInt64 CODEC(T64, ZSTD(1)),
    bytes_out UInt64 CODEC(T64, ZSTD(1)),
    arguments_tokens UInt64 CODEC(T64, ZSTD(1)),
    result_tokens UInt64 CODEC(T64, ZSTD(1)),
    model_tokens_in UInt64 CODEC(T64, ZSTD(1)),
    model_tokens_out UInt64 CODEC(T64, ZSTD(1)),
    cost_micros UInt64 CODEC(T64, ZSTD(1)),
    duration_us UInt64 CODEC(T64, ZSTD(1)),
    upstream_us UInt64 CODEC(T64, ZSTD(1)),
    -- quantilesBFloat16Merge(0.5, 0.95, 0.99)(durations): within 0.4 %, and the same in whatever order events came.
    durations AggregateFunction(quantilesBFloat16(0.5, 0.95, 0.99), UInt32) CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(events)
PARTITION BY (tenant, toYear(day))
ORDER BY (tenant, day, teams, type)
SETTINGS
    index_granularity = 8192,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
