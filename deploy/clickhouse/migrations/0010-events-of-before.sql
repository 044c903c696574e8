-- What a partition is cannot be changed: the table of before makes way for 0011, which 0019 fills from it. It is kept. Whoever has looked
-- at the new one may drop it.
RENAME TABLE IF EXISTS events TO events_before_0010;
