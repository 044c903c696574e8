import type { KvStore } from '@switchyard/state';
import { z } from 'zod';

const found = z.object({
  key: z.string(),
  about: z.record(z.string(), z.string()),
  value: z.number(),
  limit: z.number(),
  says: z.string(),
  /** Since when it holds, milliseconds since 1970, as all of these. */
  sinceMs: z.number(),
});

const instance = found.extend({
  /** When it held last. */
  trueAtMs: z.number(),
  /** When it fired; absent while it has not held for long enough. */
  firedAtMs: z.number().optional(),
  /** When people were told of it last; absent where they were not. */
  toldAtMs: z.number().optional(),
});

const delivery = z.object({ channel: z.string(), attempts: z.number(), dueAtMs: z.number() });

const message = z.object({
  id: z.string(),
  what: z.enum(['fired', 'firing', 'resolved']),
  atMs: z.number(),
  /** The first of what it is about. */
  items: z.array(found),
  /** How many it is about. */
  count: z.number(),
  /** Channels that have yet to take it. */
  pending: z.array(delivery),
});

const change = z.object({
  id: z.string(),
  type: z.enum(['alert.fired', 'alert.resolved']),
  atMs: z.number(),
  count: z.number(),
  says: z.array(z.string()),
  isSilenced: z.boolean(),
});

const delivered = z.object({
  channel: z.string(),
  atMs: z.number(),
  state: z.enum(['delivered', 'retrying', 'given up']),
  reason: z.string(),
});

const ruleState = z.object({
  /** What it was evaluated with: an alert of another kind, or over something else, is another. */
  identity: z.string(),
  evaluatedAtMs: z.number().optional(),
  /** Why it could not be evaluated; empty where it could. */
  failure: z.string(),
  instances: z.array(instance),
  /** What is over and was told of, and whose end was not. */
  ended: z.array(found),
  toldAtMs: z.number().optional(),
  messages: z.array(message),
  /** Events that have yet to be recorded. */
  changes: z.array(change),
  deliveries: z.array(delivered),
});

/** Something that a rule found, and since when. */
export type Found = z.infer<typeof found>;
/** What became of it. */
export type Instance = z.infer<typeof instance>;
/** What people are told, and who has yet to be. */
export type AlertMessage = z.infer<typeof message>;
/** A change that is an event. */
export type AlertChange = z.infer<typeof change>;
/** All that outlives a process, of one rule. */
export type RuleState = z.infer<typeof ruleState>;

const PREFIX = 'rule/';
const keyOf = (rule: string) => PREFIX + rule;

/** What is known of a rule that was never evaluated. */
export const nothingKnown = (identity: string): RuleState => ({
  identity,
  failure: '',
  instances: [],
  ended: [],
  messages: [],
  changes: [],
  deliveries: [],
});

/** Another replica has changed it: whoever finds out stops. */
export class AlertOvertaken extends Error {
  override readonly name = 'AlertOvertaken';
}

/** What is known of a rule, as whoever evaluates it has stored it last. @throws StateUnavailable */
export async function readRuleState(kv: KvStore, rule: string): Promise<RuleState | undefined> {
  const entry = await kv.get(keyOf(rule));
  return entry && ruleState.parse(JSON.parse(Buffer.from(entry.value).toString('utf8')));
}

/** Forgets rules that are not configured any more. @throws StateUnavailable */
export async function forgetRules(kv: KvStore, isConfigured: (rule: string) => boolean): Promise<void> {
  const gone = (await kv.keys(PREFIX)).filter((key) => !isConfigured(key.slice(PREFIX.length)));
  await Promise.all(gone.map((key) => kv.delete(key)));
}

/** The state of one rule in whoever evaluates it; every change is stored before it counts. */
export class RuleRecord {
  readonly #kv: KvStore;
  readonly #key: string;
  #revision: number | undefined;
  #state: RuleState;
  #work: Promise<unknown> = Promise.resolve();

  private constructor(kv: KvStore, key: string, state: RuleState, revision: number | undefined) {
    this.#kv = kv;
    this.#key = key;
    this.#state = state;
    this.#revision = revision;
  }

  /** @param identity as of `RuleState`; what is stored of another is forgotten @throws StateUnavailable */
  static async open(kv: KvStore, rule: string, identity: string): Promise<RuleRecord> {
    const key = keyOf(rule);
    const entry = await kv.get(key);
    const stored = entry && ruleState.parse(JSON.parse(Buffer.from(entry.value).toString('utf8')));
    const state = stored?.identity === identity ? stored : nothingKnown(identity);
    return new RuleRecord(kv, key, state, entry?.revision);
  }

  get state(): RuleState {
    return this.#state;
  }

  /** Changes it, one change after the other. @throws AlertOvertaken; StateUnavailable: then nothing has changed */
  change(to: (state: RuleState) => RuleState): Promise<void> {
    const work = this.#work.then(() => this.#save(to(this.#state)));
    this.#work = work.catch(() => undefined);
    return work;
  }

  async #save(state: RuleState): Promise<void> {
    const value = Buffer.from(JSON.stringify(state));
    const saved =
      this.#revision === undefined
        ? await this.#kv.create(this.#key, value)
        : await this.#kv.update(this.#key, value, this.#revision);
    if (!saved.ok) throw new AlertOvertaken(`${this.#key} was changed by another`);
    this.#revision = saved.revision;
    this.#state = state;
  }
}
