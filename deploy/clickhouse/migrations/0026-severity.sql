-- How urgently somebody should look at an event, of what concerns security: high or critical. Empty of everything else, and of rows of before.
ALTER TABLE events ADD COLUMN IF NOT EXISTS severity LowCardinality(String) AFTER chain;
