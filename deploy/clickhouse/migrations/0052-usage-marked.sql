-- As usage_marking did, which may have stayed with the table that was renamed: servers differ in that.
CREATE MATERIALIZED VIEW IF NOT EXISTS usage_marked TO usage_marks AS
SELECT DISTINCT tenant, toStartOfMinute(occurred_at) AS minute, now64(6, 'UTC') AS marked_at
FROM events;
