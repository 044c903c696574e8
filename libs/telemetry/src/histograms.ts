import type { Resource } from '@opentelemetry/resources';
import type { CollectionResult, MetricProducer } from '@opentelemetry/sdk-metrics';
import { Histogram, type HistogramDefinition } from './histogram.js';
import { hrTime } from './hr-time.js';

/** The histograms of a process, as the SDK's readers collect them beside its own instruments. */
export class Histograms implements MetricProducer {
  readonly #resource: Resource;
  readonly #scope: string;
  readonly #histograms: Histogram[] = [];

  constructor(resource: Resource, scope: string) {
    this.#resource = resource;
    this.#scope = scope;
  }

  /** Makes a histogram; call once for each name. */
  create(definition: HistogramDefinition): Histogram {
    const histogram = new Histogram(definition, hrTime());
    this.#histograms.push(histogram);
    return histogram;
  }

  collect(): Promise<CollectionResult> {
    const endTime = hrTime();
    const metrics = this.#histograms.map((histogram) => histogram.metricData(endTime));
    const scopeMetrics = [{ scope: { name: this.#scope }, metrics }];
    return Promise.resolve({ resourceMetrics: { resource: this.#resource, scopeMetrics }, errors: [] });
  }
}
