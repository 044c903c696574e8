import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type CollectionResult,
  DataPointType,
  type MetricProducer,
  type SumMetricData,
} from '@opentelemetry/sdk-metrics';
import { hrTime } from './hr-time.js';

/** What was counted under one set of attributes. */
export class CounterSeries {
  value = 0;

  constructor(readonly attributes: Attributes) {}

  /** Counts one more. */
  count(): void {
    this.value += 1;
  }
}

/** A counter whose callers keep the series that they count in: the SDK's own looks one up, by sorting and joining, each time. */
export class Counter {
  readonly #definition: { readonly name: string; readonly description: string };
  readonly #startTime: HrTime = hrTime();
  readonly #series: CounterSeries[] = [];

  constructor(definition: { readonly name: string; readonly description: string }) {
    this.#definition = definition;
  }

  /** Begins the series of one set of attributes; call once for each. */
  series(attributes: Attributes): CounterSeries {
    const series = new CounterSeries(attributes);
    this.#series.push(series);
    return series;
  }

  /** Everything so far, as the SDK's readers take it. */
  metricData(endTime: HrTime): SumMetricData {
    return {
      descriptor: { ...this.#definition, unit: '', valueType: ValueType.INT },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPointType: DataPointType.SUM,
      isMonotonic: true,
      dataPoints: this.#series.map(({ attributes, value }) => ({ startTime: this.#startTime, endTime, attributes, value })),
    };
  }
}

/** The counters of a process that are counted in on every call, as the SDK's readers collect them beside its own instruments. */
export class Counters implements MetricProducer {
  readonly #resource: Resource;
  readonly #scope: string;
  readonly #counters: Counter[] = [];

  constructor(resource: Resource, scope: string) {
    this.#resource = resource;
    this.#scope = scope;
  }

  /** Makes a counter; call once for each name. */
  create(definition: { readonly name: string; readonly description: string }): Counter {
    const counter = new Counter(definition);
    this.#counters.push(counter);
    return counter;
  }

  collect(): Promise<CollectionResult> {
    const endTime = hrTime();
    const metrics = this.#counters.map((counter) => counter.metricData(endTime));
    const scopeMetrics = [{ scope: { name: this.#scope }, metrics }];
    return Promise.resolve({ resourceMetrics: { resource: this.#resource, scopeMetrics }, errors: [] });
  }
}
