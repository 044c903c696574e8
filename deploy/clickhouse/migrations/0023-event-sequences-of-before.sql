-- Events that were there before the view.
INSERT INTO event_sequences
SELECT emitter, epoch, intDiv(sequence, 65536) AS part, groupBitmapState(toUInt32(sequence % 65536)) AS seen
FROM events
GROUP BY emitter, epoch, part;
