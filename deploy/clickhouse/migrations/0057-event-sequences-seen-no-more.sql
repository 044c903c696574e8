DROP VIEW IF EXISTS event_sequences_seen;
