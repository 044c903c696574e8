-- As 0062.
TRUNCATE TABLE IF EXISTS usage_days_before_0063 SETTINGS max_table_size_to_drop = 0;
