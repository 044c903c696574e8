-- As event_sequences_seen did.
CREATE MATERIALIZED VIEW IF NOT EXISTS event_sequences_known TO event_sequences AS
SELECT emitter, epoch, intDiv(sequence, 65536) AS part, groupBitmapState(toUInt32(sequence % 65536)) AS seen
FROM events
GROUP BY emitter, epoch, part;
