-- Its events are those of `events`, and would outlive their retention here. The empty table stays: a slower replica, which would rename `events`
-- once more, is refused by it.
TRUNCATE TABLE IF EXISTS events_before_0050 SETTINGS max_table_size_to_drop = 0;
