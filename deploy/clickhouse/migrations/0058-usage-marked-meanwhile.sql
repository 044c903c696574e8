-- What another replica has inserted between 0051 and 0052. So far that is all that the table has.
INSERT INTO usage_marks
SELECT DISTINCT tenant, toStartOfMinute(occurred_at) AS minute, now64(6, 'UTC') AS marked_at
FROM events
WHERE ingested_at > now64(3, 'UTC') - INTERVAL 1 DAY;
