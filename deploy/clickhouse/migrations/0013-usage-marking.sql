-- Marks minutes, and counts nothing: a materialised view sees every insert, also those of events that are there already.
CREATE MATERIALIZED VIEW IF NOT EXISTS usage_marking TO usage_marks AS
SELECT DISTINCT tenant, toStartOfMinute(occurred_at) AS minute, now64(6, 'UTC') AS marked_at
FROM events;
