-- How many rows a granule has is said when a table is made: the table of before makes way for 0051, which gets its parts in 0061. What is
-- inserted meanwhile is refused, and tried again.
RENAME TABLE IF EXISTS events TO events_before_0050;
