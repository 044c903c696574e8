-- How long payloads are kept says audit.retention, which knows legal holds; a TTL does not. It cannot be taken away by a statement that may run
-- twice, and times end in 2106: this one is far behind every retention.
ALTER TABLE event_payloads MODIFY TTL toDateTime(stored_at) + INTERVAL 40 YEAR
