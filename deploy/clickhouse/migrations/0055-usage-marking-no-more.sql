DROP VIEW IF EXISTS usage_marking;
