DROP VIEW IF EXISTS principals_seen;
