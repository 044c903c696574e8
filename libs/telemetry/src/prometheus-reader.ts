import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { AggregationTemporality, type MetricProducer, MetricReader } from '@opentelemetry/sdk-metrics';

/** Renders a meter's instruments as Prometheus text whenever it is asked; serves nothing by itself. */
export class PrometheusReader extends MetricReader {
  readonly #serializer = new PrometheusSerializer();

  readonly #onError: (error: unknown) => void;

  /**
   * @param producers asked beside the meter
   * @param onError told of every observable instrument whose callback failed; the others are rendered all the same
   */
  constructor(producers: MetricProducer[], onError: (error: unknown) => void) {
    super({ aggregationTemporalitySelector: () => AggregationTemporality.CUMULATIVE, metricProducers: producers });
    this.#onError = onError;
  }

  /** Prometheus text exposition format 0.0.4. */
  async text(): Promise<string> {
    const { resourceMetrics, errors } = await this.collect();
    errors.forEach(this.#onError);
    return this.#serializer.serialize(resourceMetrics);
  }

  protected override async onForceFlush(): Promise<void> {}

  protected override async onShutdown(): Promise<void> {}
}
