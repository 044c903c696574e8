import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api';
import { AggregationTemporality, DataPointType, type HistogramMetricData } from '@opentelemetry/sdk-metrics';

/** What a histogram is called and how fine it is. */
export interface HistogramDefinition {
  readonly name: string;
  readonly description: string;
  /** Upper bounds of the buckets, inclusive, ascending; one more bucket takes what is above. */
  readonly boundaries: readonly number[];
}

/** What was measured under one set of attributes. */
export class HistogramSeries {
  readonly counts: number[];
  readonly #boundaries: readonly number[];
  count = 0;
  sum = 0;

  constructor(
    readonly attributes: Attributes,
    boundaries: readonly number[],
  ) {
    this.#boundaries = boundaries;
    this.counts = Array.from({ length: boundaries.length + 1 }, () => 0);
  }

  /** Adds a measurement. */
  record(value: number): void {
    let bucket = 0;
    while (bucket < this.#boundaries.length && value > this.#boundaries[bucket]!) bucket += 1;
    this.counts[bucket]! += 1;
    this.count += 1;
    this.sum += value;
  }
}

/** A histogram whose callers keep the series that they record in: the SDK's own looks one up, by sorting and joining, each time. */
export class Histogram {
  readonly #definition: HistogramDefinition;
  readonly #startTime: HrTime;
  readonly #series: HistogramSeries[] = [];

  constructor(definition: HistogramDefinition, startTime: HrTime) {
    this.#definition = definition;
    this.#startTime = startTime;
  }

  /** Begins the series of one set of attributes; call once for each. */
  series(attributes: Attributes): HistogramSeries {
    const series = new HistogramSeries(attributes, this.#definition.boundaries);
    this.#series.push(series);
    return series;
  }

  /** Everything so far, as the SDK's readers take it. */
  metricData(endTime: HrTime): HistogramMetricData {
    const { name, description, boundaries } = this.#definition;
    return {
      descriptor: { name, description, unit: '', valueType: ValueType.DOUBLE },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: this.#series.map(({ attributes, counts, count, sum }) => ({
        startTime: this.#startTime,
        endTime,
        attributes,
        value: { buckets: { boundaries: [...boundaries], counts: [...counts] }, count, sum },
      })),
    };
  }
}
