-- Which tools have ever been called well, on which server and upstream: when first (by the minute), and when that became known, by the clock
-- of the database. Read it with GROUP BY and min(): merges alone join rows. Events that come late, or again, change no earlier time.
CREATE TABLE IF NOT EXISTS tools_seen
(
    tenant LowCardinality(String),
    server LowCardinality(String),
    upstream LowCardinality(String),
    capability LowCardinality(String),
    first_at SimpleAggregateFunction(min, DateTime('UTC')),
    noted_at SimpleAggregateFunction(min, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (tenant, server, upstream, capability)
SETTINGS
    index_granularity = 8192,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
