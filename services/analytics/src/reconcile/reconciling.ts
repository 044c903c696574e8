import { BUCKETS } from '@switchyard/contracts';
import type { State } from '@switchyard/state';
import type { Telemetry } from '@switchyard/telemetry';
import { setTimeout as delay } from 'node:timers/promises';
import type { Gap } from './gap-table.js';
import { sizeOf } from './ranges.js';
import { Reconciler, type ReconcilerDeps } from './reconciler.js';

const EVERY_MS = 60_000;

/** What reconciling stands on. */
export interface ReconcilingDeps extends Omit<ReconcilerDeps, 'emitters'> {
  readonly state: State;
  readonly tenant: string;
  readonly meter: Telemetry['meter'];
}

/**
 * Reconciles each minute; of several replicas the one that is first.
 * @returns what ends it, when the run in hand has ended
 */
export async function startReconciling(deps: ReconcilingDeps): Promise<{ close(): Promise<void> }> {
  const emitters = await deps.state.bucket(BUCKETS.emitters, deps.tenant);
  const reconciler = new Reconciler({ ...deps, emitters });
  const stopping = new AbortController();
  let open: readonly Gap[] = [];
  let failedRuns = 0;
  observe(deps.meter, { open: () => open, failedRuns: () => failedRuns });
  const run = async () => {
    while (!stopping.signal.aborted) {
      try {
        const turn = await emitters.create('reconciling', Buffer.from('1'), { ttlMs: EVERY_MS / 2 });
        if (turn.ok) open = (await reconciler.run()).open;
        failedRuns = 0;
      } catch (error) {
        failedRuns += 1;
        deps.log.warn('what the database has of events could not be compared', { error });
      }
      await delay(EVERY_MS, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
    }
  };
  const running = run();
  return {
    close: async () => {
      stopping.abort();
      await running;
    },
  };
}

function observe(
  meter: Telemetry['meter'],
  { open, failedRuns }: { readonly open: () => readonly Gap[]; readonly failedRuns: () => number },
): void {
  const gauges: readonly (readonly [name: string, description: string, value: () => number])[] = [
    ['switchyard_audit_open_gaps', 'Runs of events that were recorded and are not in the database', () => open().length],
    ['switchyard_audit_missing_events', 'Events that were recorded and are not in the database', () => sizeOf(open())],
    ['switchyard_audit_failed_reconciliations', 'Comparisons in a row that could not be made', failedRuns],
  ];
  for (const [name, description, value] of gauges)
    meter.createObservableGauge(name, { description }).addCallback((result) => result.observe(value()));
}
