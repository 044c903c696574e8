-- The parts of before, as links. Of equal groups the one with the most events stays.
ALTER TABLE usage_days ATTACH PARTITION ALL FROM usage_days_before_0063;
