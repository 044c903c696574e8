-- Which sequences of which emitter and boot are in `events`: a bitmap for each 65,536 of them. Bitmaps are joined, so that what is inserted
-- again changes nothing, and a hundred million events are some thousand rows. Retention of events takes nothing from it.
CREATE TABLE IF NOT EXISTS event_sequences
(
    emitter LowCardinality(String),
    epoch UInt64,
    part UInt64,
    seen AggregateFunction(groupBitmap, UInt32)
)
ENGINE = AggregatingMergeTree
ORDER BY (emitter, epoch, part)
SETTINGS
    index_granularity = 8192,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
