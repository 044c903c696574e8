-- Attribution, time by stage, tokens and cost of an event. Rows from before say nothing of them: what a column of its type is empty with.
-- rule has as many values as the configurations have rules; teams, stages and origins are few. Counts are mostly 0, which ZSTD makes
-- nearly nothing of.
ALTER TABLE events
    ADD COLUMN IF NOT EXISTS teams Array(LowCardinality(String)) CODEC(ZSTD(1)) AFTER detail,
    ADD COLUMN IF NOT EXISTS on_behalf_of String CODEC(ZSTD(1)) AFTER teams,
    ADD COLUMN IF NOT EXISTS attempt UInt32 CODEC(ZSTD(1)) AFTER on_behalf_of,
    ADD COLUMN IF NOT EXISTS rule LowCardinality(String) AFTER attempt,
    ADD COLUMN IF NOT EXISTS origin LowCardinality(String) AFTER rule,
    ADD COLUMN IF NOT EXISTS stage_us Map(LowCardinality(String), UInt32) CODEC(ZSTD(1)) AFTER origin,
    ADD COLUMN IF NOT EXISTS arguments_tokens UInt32 CODEC(ZSTD(1)) AFTER stage_us,
    ADD COLUMN IF NOT EXISTS result_tokens UInt32 CODEC(ZSTD(1)) AFTER arguments_tokens,
    ADD COLUMN IF NOT EXISTS model_tokens_in UInt32 CODEC(ZSTD(1)) AFTER result_tokens,
    ADD COLUMN IF NOT EXISTS model_tokens_out UInt32 CODEC(ZSTD(1)) AFTER model_tokens_in,
    ADD COLUMN IF NOT EXISTS cost_micros UInt32 CODEC(ZSTD(1)) AFTER model_tokens_out,
    ADD COLUMN IF NOT EXISTS recorded_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)) AFTER cost_micros,
    ADD COLUMN IF NOT EXISTS session_id String CODEC(ZSTD(1)) AFTER recorded_at;
