-- The link of each event to the one before it. It covers the bytes of the line as they were recorded.
ALTER TABLE events ADD COLUMN IF NOT EXISTS chain String CODEC(ZSTD(1)) AFTER session_id;
