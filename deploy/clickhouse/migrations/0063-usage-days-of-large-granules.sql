-- As 0050 does for events.
RENAME TABLE IF EXISTS usage_days TO usage_days_before_0063;
