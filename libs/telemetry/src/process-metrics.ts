import type { Meter } from '@opentelemetry/api';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const nanosecondsPerSecond = 1e9;
const microsecondsPerSecond = 1e6;

/**
 * Observes this process: resident memory, CPU time and event loop delay, under OpenTelemetry's semantic convention names.
 * @returns stops the observation
 */
export function observeProcess(meter: Meter): () => void {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  meter
    .createObservableGauge('process.memory.usage', { unit: 'By', description: 'Resident memory' })
    .addCallback((result) => result.observe(process.memoryUsage.rss()));
  meter.createObservableCounter('process.cpu.time', { unit: 's', description: 'CPU time used' }).addCallback((result) => {
    const { user, system } = process.cpuUsage();
    result.observe(user / microsecondsPerSecond, { 'cpu.mode': 'user' });
    result.observe(system / microsecondsPerSecond, { 'cpu.mode': 'system' });
  });
  meter
    .createObservableGauge('nodejs.eventloop.delay.p99', { unit: 's', description: 'Delay of the event loop, 99th percentile' })
    .addCallback((result) => {
      // Of the time since the last look: an old spike must not stand for ever.
      result.observe(delay.percentile(99) / nanosecondsPerSecond);
      delay.reset();
    });
  return () => delay.disable();
}
