-- As 0058.
INSERT INTO principals
SELECT DISTINCT tenant, principal_name, principal_issuer, principal_subject
FROM events
WHERE principal_name != '' AND ingested_at > now64(3, 'UTC') - INTERVAL 1 DAY;
