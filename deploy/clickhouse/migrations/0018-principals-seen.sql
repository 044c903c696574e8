-- Each caller of an insert who has a name, once.
CREATE MATERIALIZED VIEW IF NOT EXISTS principals_seen TO principals AS
SELECT DISTINCT tenant, principal_name, principal_issuer, principal_subject
FROM events
WHERE principal_name != '';
