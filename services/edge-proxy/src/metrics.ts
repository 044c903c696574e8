import type { Histogram, Meter } from '@opentelemetry/api';

/** What the edge counts. Labels are bounded: methods and reasons come from tables, servers from the configuration. */
export interface EdgeMetrics {
  readonly durationSeconds: Histogram;
}

/** Creates the instruments. */
export function createEdgeMetrics(
  meter: Meter,
  gauges: { readonly sessions: () => number; readonly calls: () => number; readonly spoolBytes: () => number },
): EdgeMetrics {
  meter
    .createObservableGauge('switchyard_sessions', { description: 'Sessions of legacy clients in memory' })
    .addCallback((result) => result.observe(gauges.sessions()));
  meter
    .createObservableGauge('switchyard_calls_in_hand', { description: 'Calls of legacy clients under way' })
    .addCallback((result) => result.observe(gauges.calls()));
  meter
    .createObservableGauge('switchyard_spool_bytes', { description: 'Events in the spool that are not safe elsewhere yet' })
    .addCallback((result) => result.observe(gauges.spoolBytes()));
  return {
    durationSeconds: meter.createHistogram('switchyard_exchange_duration_seconds', {
      description:
        'Exchanges on MCP endpoints, by method, outcome and reason: time from the first byte of a request to its event',
      advice: { explicitBucketBoundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] },
    }),
  };
}
