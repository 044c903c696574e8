-- As 0058.
INSERT INTO event_sequences
SELECT emitter, epoch, intDiv(sequence, 65536) AS part, groupBitmapState(toUInt32(sequence % 65536)) AS seen
FROM events
WHERE ingested_at > now64(3, 'UTC') - INTERVAL 1 DAY
GROUP BY emitter, epoch, part;
