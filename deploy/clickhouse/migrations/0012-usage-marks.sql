-- Which minutes have got events: what says which counts of usage_minutes and usage_days are to be made anew. Written by usage_marking
-- with every insert of events; a mark that is there twice, or for nothing, costs a count and changes none.
CREATE TABLE IF NOT EXISTS usage_marks
(
    tenant LowCardinality(String),
    minute DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    marked_at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(marked_at)
ORDER BY (marked_at, tenant, minute)
TTL toDateTime(marked_at) + INTERVAL 90 DAY
SETTINGS
    index_granularity = 8192,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
