import { CappedSeries, type CounterSeries, type HistogramSeries, type Telemetry } from '@switchyard/telemetry';

/** What the edge counts. Labels are bounded: methods and reasons come from tables, and of names there are so many. */
export interface EdgeMetrics {
  readonly durations: Durations;
  readonly toolCalls: ToolCalls;
  /** What the gateway itself has taken of a call: all but the time of its upstream. */
  readonly ownTime: HistogramSeries;
  /** Upstreams by name, then by outcome. */
  readonly upstreams: CappedSeries<CappedSeries<HistogramSeries>>;
  /** Tokens that say that they are ours, with keys that the authorization server does not publish. */
  readonly unknownKeys: CounterSeries;
}

const SERVERS = 128;
const TOOLS_OF_A_SERVER = 256;
const PAIRS = 4_096;
const UPSTREAMS = 256;
const OUTCOMES = 8;

/** Calls by server, tool and outcome. Upstreams and clients name tools as they like, so each server has so many, and all together too. */
export class ToolCalls {
  readonly #servers: CappedSeries<CappedSeries<CappedSeries<CounterSeries>>>;
  #pairs = 0;

  constructor(begin: (labels: { server: string; tool: string; outcome: string }) => CounterSeries) {
    const outcomes = (server: string, tool: string) => new CappedSeries(OUTCOMES, (outcome) => begin({ server, tool, outcome }));
    this.#servers = new CappedSeries(SERVERS, (server) => {
      const tools = Math.max(0, Math.min(TOOLS_OF_A_SERVER, PAIRS - this.#pairs));
      return new CappedSeries(tools, (tool) => {
        this.#pairs += 1;
        return outcomes(server, tool);
      });
    });
  }

  /**
   * Counts a call. Only one that went well begins a series of its tool's own: upstreams refuse names that clients make up, and those
   * must not take the place of tools.
   * @param tool undefined: none that there is
   */
  count(server: string, tool: string | undefined, outcome: string): void {
    this.#servers
      .of(server)
      .of(tool, outcome === 'ok')
      .of(outcome)
      .count();
  }
}

type ExchangeLabels = {
  readonly method: string;
  readonly outcome: string;
  readonly reason: string;
  readonly origin: string;
};

/** How long exchanges took, by method, outcome and reason, and where failures come from. */
export class Durations {
  readonly #begin: (labels: ExchangeLabels) => HistogramSeries;
  readonly #series = new Map<string, Map<string, HistogramSeries>>();

  constructor(begin: (labels: ExchangeLabels) => HistogramSeries) {
    this.#begin = begin;
  }

  /** Adds an exchange. @param origin of a failure, which outcome and reason decide; empty where there is none */
  record(seconds: number, method: string, outcome: string, reason: string, origin: string): void {
    const ofMethod = this.#series.get(method) ?? this.#beginMethod(method);
    const ending = reason === '' ? outcome : `${outcome} ${reason}`;
    let series = ofMethod.get(ending);
    if (series === undefined) ofMethod.set(ending, (series = this.#begin({ method, outcome, reason, origin })));
    series.record(seconds);
  }

  #beginMethod(method: string): Map<string, HistogramSeries> {
    const ofMethod = new Map<string, HistogramSeries>();
    this.#series.set(method, ofMethod);
    return ofMethod;
  }
}

const BOUNDARIES_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

const OWN_BOUNDARIES_SECONDS = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

/** Creates the instruments. */
export function createEdgeMetrics(
  { meter, histograms, counters }: Pick<Telemetry, 'meter' | 'histograms' | 'counters'>,
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
    description:
      'Exchanges on MCP endpoints, by method, outcome, reason and origin of failures: time from the first byte of a request to its event',
    boundaries: BOUNDARIES_SECONDS,
  });
  const toolCalls = counters.create({
    name: 'switchyard_tool_calls',
    description:
      'Calls of tools, by server, tool and outcome; tools beyond the first so many, and such that there are not, are other',
  });
  const ownTime = histograms.create({
    name: 'switchyard_own_duration_seconds',
    description: 'What the gateway itself has taken of calls of tools: all but the time of their upstreams',
    boundaries: OWN_BOUNDARIES_SECONDS,
  });
  const upstreams = histograms.create({
    name: 'switchyard_upstream_duration_seconds',
    description: 'Exchanges with upstreams, by upstream and outcome: time until the answer',
    boundaries: BOUNDARIES_SECONDS,
  });
  const unknownKeys = counters.create({
    name: 'switchyard_tokens_of_unknown_keys',
    description: 'Access tokens that name a signing key which the authorization server does not publish',
  });
  return {
    unknownKeys: unknownKeys.series({}),
    durations: new Durations((labels) => durations.series(labels)),
    toolCalls: new ToolCalls((labels) => toolCalls.series(labels)),
    ownTime: ownTime.series({}),
    upstreams: new CappedSeries(
      UPSTREAMS,
      (upstream) => new CappedSeries(OUTCOMES, (outcome) => upstreams.series({ upstream, outcome })),
    ),
  };
}
