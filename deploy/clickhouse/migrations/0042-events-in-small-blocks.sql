-- A page of somebody's events is rows that lie apart: of each, every column's block is decompressed. Blocks of 16 KiB instead of 64 KiB take a
-- quarter less CPU time for such a page, at 2 % more disk: docs/adr/0079-tables-for-a-hundred-million-events.md. Parts of before get them as they are merged.
ALTER TABLE events MODIFY SETTING min_compress_block_size = 16384;
