-- The parts of before, as links: nothing is read or written. Attached twice, every event is there twice, and read once.
ALTER TABLE events ATTACH PARTITION ALL FROM events_before_0050;
