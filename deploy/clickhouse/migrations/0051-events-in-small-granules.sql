-- The same events, in granules of 2,048 rows: somebody's events lie apart, and of each its granule is read, of every column. Parts of before
-- get them as they are merged. Measured: docs/adr/0084-a-persons-month.md
CREATE TABLE IF NOT EXISTS events AS events_before_0050
ENGINE = ReplacingMergeTree
PARTITION BY (tenant, toYYYYMM(ingested_at))
PRIMARY KEY (tenant, occurred_at)
ORDER BY (tenant, occurred_at, emitter, epoch, sequence, event_id)
SETTINGS
    index_granularity = 2048,
    min_compress_block_size = 16384,
    deduplicate_merge_projection_mode = 'rebuild',
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 10000;
