// What deploy/grafana holds: dashboards for Grafana, and rules for Prometheus, from the tables below. Written by `npm run docs`.
// test/e2e/observability.test.ts holds every expression against what the services really offer.
import { stringify } from 'yaml';

const WINDOWS = ['5m', '30m', '1h', '2h', '6h', '1d', '3d'];

/** Service level objectives over 30 days. `bad` and `all` are rates over a window; docs/slo.md says what they mean. */
const OBJECTIVES = [
  {
    name: 'availability',
    title: 'Exchanges that do not fail for a reason of the gateway’s own',
    target: 0.999,
    bad: (w) => `sum(rate(switchyard_exchange_duration_seconds_count{origin="gateway"}[${w}])) or vector(0)`,
    all: (w) => `sum(rate(switchyard_exchange_duration_seconds_count[${w}]))`,
    summary: 'The gateway fails more exchanges than its objective allows',
  },
  {
    name: 'own_time',
    title: 'Calls of tools that take at most 5 ms beside the time of their upstream',
    target: 0.99,
    bad: (w) =>
      `sum(rate(switchyard_own_duration_seconds_count[${w}])) - sum(rate(switchyard_own_duration_seconds_bucket{le="0.005"}[${w}]))`,
    all: (w) => `sum(rate(switchyard_own_duration_seconds_count[${w}]))`,
    summary: 'The gateway adds more time to calls than its objective allows',
  },
  {
    name: 'audit_freshness',
    title: 'Batches of events that can be queried within 2.5 s',
    target: 0.99,
    bad: (w) =>
      `sum(rate(switchyard_ingest_delay_count[${w}])) - sum(rate(switchyard_ingest_delay_bucket{le=~"2500([.]0)?"}[${w}]))`,
    all: (w) => `sum(rate(switchyard_ingest_delay_count[${w}]))`,
    summary: 'Events can be queried later than the objective allows',
  },
];

/** How fast an error budget may burn, over a long window and a short one that shows that it still does (SRE Workbook, chapter 5). */
const BURNS = [
  { rate: 14.4, long: '1h', short: '5m', severity: 'page' },
  { rate: 6, long: '6h', short: '30m', severity: 'page' },
  { rate: 3, long: '1d', short: '2h', severity: 'ticket' },
  { rate: 1, long: '3d', short: '6h', severity: 'ticket' },
];

const errorsOver = (name, window) => `switchyard:${name}:errors:ratio_rate${window}`;

const rounded = (number) => String(Number(number.toPrecision(12)));

function sloRules() {
  const recorded = OBJECTIVES.map(({ name, bad, all }) => ({
    name: `switchyard-slo-${name}`,
    rules: WINDOWS.map((window) => ({
      record: errorsOver(name, window),
      // Where nothing was asked for, nothing has failed: no series.
      expr: `(${bad(window)}) / (${all(window)} > 0)`,
    })),
  }));
  const alerts = OBJECTIVES.map(({ name, target, summary }) => ({
    name: `switchyard-slo-${name}-alerts`,
    rules: BURNS.map(({ rate, long, short, severity }) => {
      const limit = rounded(rate * (1 - target));
      return {
        alert: 'SwitchyardErrorBudgetBurn',
        expr: `${errorsOver(name, long)} > ${limit} and ${errorsOver(name, short)} > ${limit}`,
        labels: { severity, objective: name, window: long },
        annotations: {
          summary,
          description: `Over ${long} and ${short} the error budget of ${name} burns at more than ${rate} times the rate that uses it up in 30 days. See docs/slo.md.`,
        },
      };
    }),
  }));
  return [...recorded, ...alerts];
}

/** Conditions that need somebody, each with how long it may last. */
const ALERTS = [
  ['Down', 'up{job="switchyard"} == 0', '2m', 'page', 'A process of the gateway does not answer'],
  [
    'SpoolFills',
    'switchyard_spool_bytes > 268435456',
    '10m',
    'page',
    'Events wait in an edge’s spool; at its limit calls are refused',
  ],
  [
    'AuditRefuses',
    'max by (instance) (switchyard_audit_refusing) > 0',
    '1m',
    'page',
    'A process records no more events: its spool is at its limit or its disk refuses, and calls are refused or go on unrecorded',
  ],
  [
    'EventsUnrecorded',
    'sum by (type) (increase(switchyard_audit_unrecorded_events_total[15m])) > 0',
    '0m',
    'page',
    'Events could not be recorded; the event audit.shed says which',
  ],
  [
    'IngestStalled',
    'switchyard_ingest_stalled > 60000',
    '2m',
    'page',
    'No event could be stored for a minute; nothing is lost yet',
  ],
  [
    'DeadLetters',
    'increase(switchyard_dead_letters_total[15m]) > 0',
    '0m',
    'ticket',
    'Lines of the stream are no events, and are kept apart',
  ],
  [
    'SinkDrops',
    'increase(switchyard_sink_dropped_batches_total[15m]) > 0',
    '0m',
    'page',
    'Events left the stream before a sink took them',
  ],
  [
    'SinkBehind',
    'max by (sink) (switchyard_sink_oldest) > 600000',
    '10m',
    'ticket',
    'A sink has not taken events of ten minutes ago',
  ],
  ['SinkDown', 'max by (sink) (switchyard_sink_up) == 0', '10m', 'ticket', 'A sink does not take what it is sent'],
  ['SinkRefuses', 'increase(switchyard_sink_dead_letters_total[15m]) > 0', '0m', 'ticket', 'A sink refuses events for good'],
  [
    'RetentionRefused',
    'max by (table, reason) (switchyard_retention_kept_rows{reason=~"sink_behind|unsealed"}) > 0',
    '1d',
    'ticket',
    'Rows that are older than their retention cannot be deleted; docs/retention.md says what to do about each reason',
  ],
  [
    'RetentionFails',
    'max by (instance) (switchyard_retention_failed_passes) > 3',
    '1h',
    'ticket',
    'What is older than its retention could not be deleted; the log of analytics says why',
  ],
  [
    'UpstreamFails',
    'sum by (upstream) (rate(switchyard_upstream_duration_seconds_count{outcome="error"}[5m])) / sum by (upstream) (rate(switchyard_upstream_duration_seconds_count[5m])) > 0.5',
    '10m',
    'ticket',
    'More than half of what an upstream is asked fails',
  ],
  [
    'UnknownSigningKeys',
    'increase(switchyard_tokens_of_unknown_keys_total[15m]) > 0',
    '0m',
    'ticket',
    'Tokens name a signing key that is not published: they are made up, or replicas of the authorization server are out of step',
  ],
  ['EventLoopBlocked', 'nodejs_eventloop_delay_p99 > 0.25', '10m', 'ticket', 'A process has no time for its events'],
];

function alertRules() {
  const rules = ALERTS.map(([name, expr, lasting, severity, summary]) => ({
    alert: `Switchyard${name}`,
    expr,
    for: lasting,
    labels: { severity },
    annotations: { summary },
  }));
  return [{ name: 'switchyard', rules }];
}

const METRIC = 'switchyard_exchange_duration_seconds';
const quantile = (q, metric, by = '') => `histogram_quantile(${q}, sum by (le${by}) (rate(${metric}_bucket[$__rate_interval])))`;
const rateOf = (metric, by = '', matchers = '') => `sum${by && ` by (${by})`} (rate(${metric}${matchers}[$__rate_interval]))`;

/** Title, unit, and expressions with their legends. */
const DASHBOARDS = [
  {
    uid: 'switchyard-gateway',
    title: 'Switchyard: calls',
    panels: [
      ['Exchanges by method', 'reqps', [[rateOf(`${METRIC}_count`, 'method'), '{{method}}']]],
      ['Failures by origin', 'reqps', [[rateOf(`${METRIC}_count`, 'origin', '{origin!=""}'), '{{origin}}']]],
      ['Refusals by reason', 'reqps', [[`topk(10, ${rateOf(`${METRIC}_count`, 'reason', '{reason!=""}')})`, '{{reason}}']]],
      ['Time of exchanges', 's', ['0.5', '0.95', '0.99'].map((q) => [quantile(q, METRIC), `p${q.slice(2).padEnd(2, '0')}`])],
      [
        'The gateway’s own time of calls',
        's',
        ['0.5', '0.95', '0.99'].map((q) => [quantile(q, 'switchyard_own_duration_seconds'), `p${q.slice(2).padEnd(2, '0')}`]),
      ],
      ['Time of upstreams, p95', 's', [[quantile('0.95', 'switchyard_upstream_duration_seconds', ', upstream'), '{{upstream}}']]],
      [
        'Upstreams that fail',
        'reqps',
        [[rateOf('switchyard_upstream_duration_seconds_count', 'upstream', '{outcome="error"}'), '{{upstream}}']],
      ],
      [
        'Most used tools',
        'reqps',
        [[`topk(10, ${rateOf('switchyard_tool_calls_total', 'server, tool')})`, '{{server}} {{tool}}']],
      ],
      ['Calls of tools by outcome', 'reqps', [[rateOf('switchyard_tool_calls_total', 'outcome'), '{{outcome}}']]],
      [
        'Calls that share the series `other`',
        'reqps',
        [[rateOf('switchyard_tool_calls_total', 'server', '{tool="other"}'), '{{server}}']],
      ],
      ['Sessions', 'short', [['sum by (instance) (switchyard_sessions)', '{{instance}}']]],
      ['Calls in hand', 'short', [['sum by (instance) (switchyard_calls_in_hand)', '{{instance}}']]],
    ],
  },
  {
    uid: 'switchyard-slo',
    title: 'Switchyard: service levels',
    panels: OBJECTIVES.flatMap(({ name, title, target }) => [
      [
        title,
        'percentunit',
        [
          [`1 - ${errorsOver(name, '1h')}`, 'one hour'],
          [`1 - ${errorsOver(name, '1d')}`, 'one day'],
          [`vector(${target})`, 'objective'],
        ],
      ],
      [
        `How fast the error budget burns: ${name}`,
        'short',
        ['5m', '1h', '6h'].map((window) => [`${errorsOver(name, window)} / ${rounded(1 - target)}`, window]),
      ],
    ]),
  },
  {
    uid: 'switchyard-audit',
    title: 'Switchyard: audit trail',
    panels: [
      ['Events stored', 'short', [[rateOf('switchyard_ingested_events_total'), 'events/s']]],
      ['Events that wait in spools', 'bytes', [['sum by (instance) (switchyard_spool_bytes)', '{{instance}}']]],
      [
        'From event to query',
        'ms',
        ['0.5', '0.99'].map((q) => [quantile(q, 'switchyard_ingest_delay'), `p${q.slice(2).padEnd(2, '0')}`]),
      ],
      ['Time to store a batch', 'ms', [[quantile('0.99', 'switchyard_ingest_duration'), 'p99']]],
      ['Nothing could be stored for', 'ms', [['max by (instance) (switchyard_ingest_stalled)', '{{instance}}']]],
      ['Lines that are no events', 'short', [['sum by (reason) (increase(switchyard_dead_letters_total[1h]))', '{{reason}}']]],
      ['Events that sinks took', 'short', [[rateOf('switchyard_sink_delivered_events_total', 'sink'), '{{sink}}']]],
      ['Batches that sinks have yet to be sent', 'short', [['max by (sink) (switchyard_sink_backlog)', '{{sink}}']]],
      ['Age of the oldest event that a sink has yet to take', 'ms', [['max by (sink) (switchyard_sink_oldest)', '{{sink}}']]],
      ['Requests to sinks that are sent again', 'reqps', [[rateOf('switchyard_sink_failures_total', 'sink'), '{{sink}}']]],
      ['Events that sinks refuse', 'short', [['sum by (sink) (increase(switchyard_sink_dead_letters_total[1h]))', '{{sink}}']]],
      [
        'Batches that no sink took in time',
        'short',
        [['sum by (sink) (increase(switchyard_sink_dropped_batches_total[1h]))', '{{sink}}']],
      ],
    ],
  },
  {
    uid: 'switchyard-processes',
    title: 'Switchyard: processes',
    panels: [
      ['Memory', 'bytes', [['process_memory_usage{job="switchyard"}', '{{instance}}']]],
      [
        'CPU',
        'percentunit',
        [['sum by (instance) (rate(process_cpu_time_total{job="switchyard"}[$__rate_interval]))', '{{instance}}']],
      ],
      ['Delay of the event loop, p99', 's', [['nodejs_eventloop_delay_p99', '{{instance}}']]],
      ['Credentials asked for', 'reqps', [[rateOf('switchyard_vault_leases_total', 'outcome'), '{{outcome}}']]],
      ['Records to encrypt anew', 'short', [['sum(switchyard_vault_records_to_reseal)', 'records']]],
      ['Configurations tried', 'short', [['sum by (outcome) (increase(switchyard_config_changes_total[1h]))', '{{outcome}}']]],
    ],
  },
];

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const WIDTH = 12;
const HEIGHT = 8;

function dashboard({ uid, title, panels }) {
  return {
    uid,
    title,
    schemaVersion: 39,
    version: 1,
    editable: false,
    tags: ['switchyard'],
    time: { from: 'now-6h', to: 'now' },
    refresh: '30s',
    templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Source' }] },
    panels: panels.map(([name, unit, targets], index) => ({
      id: index + 1,
      type: 'timeseries',
      title: name,
      datasource: DATASOURCE,
      gridPos: { x: (index % 2) * WIDTH, y: Math.floor(index / 2) * HEIGHT, w: WIDTH, h: HEIGHT },
      fieldConfig: { defaults: { unit, min: 0, custom: { fillOpacity: 10, showPoints: 'never' } }, overrides: [] },
      options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } },
      targets: targets.map(([expr, legendFormat], at) => ({
        refId: String.fromCharCode(65 + at),
        datasource: DATASOURCE,
        expr,
        legendFormat,
      })),
    })),
  };
}

const HEADER = '# Generated by `npm run docs` from tools/observability.mjs. Do not edit.\n';
const yaml = (value) => HEADER + stringify(value, { lineWidth: 0 });

/** Files of deploy/grafana, by name. */
export function observabilityFiles() {
  return [
    ['rules/slo.yaml', yaml({ groups: sloRules() })],
    ['rules/alerts.yaml', yaml({ groups: alertRules() })],
    ...DASHBOARDS.map((one) => [`dashboards/${one.uid}.json`, JSON.stringify(dashboard(one))]),
  ];
}
