-- Reads counts, not events: they are few, and counted again when events come late. Names that clients make up go well nowhere.
CREATE MATERIALIZED VIEW IF NOT EXISTS tools_seen_first TO tools_seen AS
SELECT tenant, server, upstream, capability, min(minute) AS first_at, now64(3, 'UTC') AS noted_at
FROM usage_minutes
WHERE type = 'tool.called' AND capability != '' AND events > errors + denied + cancelled
GROUP BY tenant, server, upstream, capability;
