import { emitterProgress, parseEmitterProgressKey } from '@switchyard/contracts';
import type { Clock } from '@switchyard/runtime';
import type { KvStore } from '@switchyard/state';
import type { Engine } from '../engine/engine.js';
import { GapTable, type Gap } from '../reconcile/gap-table.js';
import { readPresent } from '../reconcile/missing-sequences.js';
import type { SinkStatus } from '../sinks/sink-status.js';

/** What knowing how the audit trail is stands on. */
export interface PipelineDeps {
  readonly engine: Engine;
  /** The bucket `emitters`. */
  readonly emitters: KvStore;
  readonly sinks: { list(): Promise<SinkStatus[]> };
  readonly clock: Clock;
}

/** How far the latest boot of an emitter is. */
export interface EmitterHealth {
  readonly emitter: string;
  /** Events in its spool that the stream has not. */
  readonly waiting: number;
  /** How long the database has not had what the stream has; 0 while it follows. */
  readonly behindMs: number;
}

interface Mark {
  readonly sequence: number;
  readonly sinceMs: number;
}

/** How the audit trail is, in this process' eyes: how long something lasts it knows since it began to look. */
export class PipelineHealth {
  readonly #deps: PipelineDeps;
  readonly #gaps: GapTable;
  readonly #marks = new Map<string, Mark>();
  #awaySinceMs: number | undefined;

  constructor(deps: PipelineDeps) {
    this.#deps = deps;
    this.#gaps = new GapTable(deps.engine, deps.clock);
  }

  /** @throws StateUnavailable */
  sinks(): Promise<SinkStatus[]> {
    return this.#deps.sinks.list();
  }

  /** @throws EngineError */
  openGaps(): Promise<Gap[]> {
    return this.#gaps.open();
  }

  /** How long the database has not answered; 0 where it does. @param answers whether it does now */
  databaseAwayMs(answers: boolean): number {
    const nowMs = this.#deps.clock.now();
    if (answers) this.#awaySinceMs = undefined;
    else this.#awaySinceMs ??= nowMs;
    return nowMs - (this.#awaySinceMs ?? nowMs);
  }

  /** @throws EngineError, StateUnavailable */
  async emitters(): Promise<EmitterHealth[]> {
    const { engine, clock } = this.#deps;
    const said = await this.#said();
    const present = await readPresent(engine);
    const nowMs = clock.now();
    const health = said.map(({ emitter, epoch, written, forwarded }) => {
      const key = `${emitter}/${epoch}`;
      const stored = present.get(key)?.greatest ?? 0;
      const mark = this.#marks.get(key);
      // What the stream had then has come: what it has now is waited for from now on.
      const next = mark === undefined || stored >= mark.sequence ? { sequence: forwarded, sinceMs: nowMs } : mark;
      return {
        key,
        next,
        emitter,
        waiting: Math.max(0, written - forwarded),
        behindMs: stored >= next.sequence ? 0 : nowMs - next.sinceMs,
      };
    });
    this.#marks.clear();
    for (const { key, next } of health) this.#marks.set(key, next);
    return health.map(({ emitter, waiting, behindMs }) => ({ emitter, waiting, behindMs }));
  }

  /** Of each emitter the latest boot: what earlier ones left is a gap, or was sent on. */
  async #said() {
    const { emitters } = this.#deps;
    const latest = new Map<string, { key: string; emitter: string; epoch: number }>();
    for (const key of await emitters.keys('progress/')) {
      const names = parseEmitterProgressKey(key);
      if (names !== undefined && names.epoch > (latest.get(names.emitter)?.epoch ?? -1))
        latest.set(names.emitter, { key, ...names });
    }
    const entries = await Promise.all([...latest.values()].map(async (one) => ({ ...one, entry: await emitters.get(one.key) })));
    return entries.flatMap(({ emitter, epoch, entry }) =>
      entry === undefined ? [] : [{ emitter, epoch, ...emitterProgress.parse(JSON.parse(Buffer.from(entry.value).toString())) }],
    );
  }
}
