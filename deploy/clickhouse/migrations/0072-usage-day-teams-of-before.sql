-- Days that were counted before: as 0040 does. A later count of a day has no fewer events, and stays.
INSERT INTO usage_day_teams
(
    tenant, day, teams, type, events, errors, denied, cancelled, failed_client, failed_policy, failed_gateway,
    failed_upstream, bytes_in, bytes_out, arguments_tokens, result_tokens, model_tokens_in, model_tokens_out, cost_micros, duration_us,
    upstream_us, durations
)
SELECT
    tenant, day, teams, type, sum(e.events), sum(e.errors), sum(e.denied), sum(e.cancelled), sum(e.failed_client),
    sum(e.failed_policy), sum(e.failed_gateway), sum(e.failed_upstream), sum(e.bytes_in), sum(e.bytes_out), sum(e.arguments_tokens),
    sum(e.result_tokens), sum(e.model_tokens_in), sum(e.model_tokens_out), sum(e.cost_micros), sum(e.duration_us), sum(e.upstream_us),
    quantilesBFloat16MergeState(0.5, 0.95, 0.99)(e.durations)
FROM usage_day_people AS e FINAL
GROUP BY tenant, day, teams, type
SETTINGS max_threads = 1, max_bytes_before_external_group_by = 536870912, max_partitions_per_insert_block = 0;
