-- Up to which mark usage_minutes and usage_days have been made, each by the clock of the database.
CREATE TABLE IF NOT EXISTS usage_progress
(
    rollup LowCardinality(String),
    through DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(through)
ORDER BY rollup
SETTINGS
    index_granularity = 8192,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
