import type { Telemetry } from '@switchyard/telemetry';
import type { SinkStatus } from './sink-status.js';

/** Figures of sinks, by the name that the configuration gives them. */
export class SinkMetrics {
  readonly delivered;
  readonly refused;
  readonly failures;
  readonly dropped;

  /** @param statuses of the sinks that are configured now */
  constructor(meter: Telemetry['meter'], statuses: () => readonly SinkStatus[]) {
    this.delivered = meter.createCounter('switchyard_sink_delivered_events', { description: 'Events that a sink took' });
    this.refused = meter.createCounter('switchyard_sink_dead_letters', { description: 'Events that a sink refused for good' });
    this.failures = meter.createCounter('switchyard_sink_failures', { description: 'Requests that have to be sent again' });
    this.dropped = meter.createCounter('switchyard_sink_dropped_batches', {
      description: 'Batches of events that left the stream by their age before a sink took them; 0 while all is well',
    });
    const gauge = (name: string, description: string, unit: string, valueOf: (status: SinkStatus) => number) =>
      meter
        .createObservableGauge(name, { description, unit })
        .addCallback((result) => statuses().forEach((status) => result.observe(valueOf(status), { sink: status.name })));
    gauge('switchyard_sink_backlog', 'Batches of events that a sink has yet to be sent', '{batch}', ({ backlog }) => backlog);
    gauge('switchyard_sink_oldest', 'Age of the oldest event that a sink has yet to take', 'ms', ({ oldestMs }) => oldestMs);
    gauge('switchyard_sink_up', '1 while a sink takes what it is sent', '1', ({ state }) => (state === 'ok' ? 1 : 0));
  }

  /** Counts from 0 on: what begins with its first count has not increased. */
  begin(sink: string): void {
    for (const counter of [this.delivered, this.refused, this.failures, this.dropped]) counter.add(0, { sink });
  }
}
