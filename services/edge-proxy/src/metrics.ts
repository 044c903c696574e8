import type { HistogramSeries, Telemetry } from '@switchyard/telemetry';

/** What the edge counts. Labels are bounded: methods and reasons come from tables, servers from the configuration. */
export interface EdgeMetrics {
  readonly durations: Durations;
}

/** How long exchanges took, by method, outcome and reason. */
export class Durations {
  readonly #begin: (labels: { method: string; outcome: string; reason: string }) => HistogramSeries;
  readonly #series = new Map<string, Map<string, HistogramSeries>>();

  constructor(begin: (labels: { method: string; outcome: string; reason: string }) => HistogramSeries) {
    this.#begin = begin;
  }

  /** Adds an exchange. */
  record(seconds: number, method: string, outcome: string, reason: string): void {
    const ofMethod = this.#series.get(method) ?? this.#beginMethod(method);
    const ending = reason === '' ? outcome : `${outcome} ${reason}`;
    let series = ofMethod.get(ending);
    if (series === undefined) ofMethod.set(ending, (series = this.#begin({ method, outcome, reason })));
    series.record(seconds);
  }

  #beginMethod(method: string): Map<string, HistogramSeries> {
    const ofMethod = new Map<string, HistogramSeries>();
    this.#series.set(method, ofMethod);
    return ofMethod;
  }
}

const BOUNDARIES_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Creates the instruments. */
export function createEdgeMetrics(
  { meter, histograms }: Pick<Telemetry, 'meter' | 'histograms'>,
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
  const durations = histograms.create({
    name: 'switchyard_exchange_duration_seconds',
    description: 'Exchanges on MCP endpoints, by method, outcome and reason: time from the first byte of a request to its event',
    boundaries: BOUNDARIES_SECONDS,
  });
  return { durations: new Durations((labels) => durations.series(labels)) };
}
