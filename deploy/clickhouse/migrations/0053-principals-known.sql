-- As principals_seen did.
CREATE MATERIALIZED VIEW IF NOT EXISTS principals_known TO principals AS
SELECT DISTINCT tenant, principal_name, principal_issuer, principal_subject
FROM events
WHERE principal_name != '';
