import { BUCKETS } from '@switchyard/contracts';
import type { KvStore, State } from '@switchyard/state';
import { openRecord, sealRecord, type StoredRecord } from '../store/sealed-record.js';

const KIND = 'Person';
/** Most sessions of one person that are listed; the oldest are left out, and end with all others. */
const MOST = 1_000;

/** What somebody has signed in to with one client. */
export interface PersonSession {
  /** Of the grant. */
  readonly id: string;
  readonly clientId: string;
  readonly clientName: string;
  /** URL of what it opens. */
  readonly resource: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** What is kept of somebody. */
export interface PersonRecord {
  readonly sessions: readonly PersonSession[];
  /** Set where an administrator keeps them out. */
  readonly disabledAtMs?: number;
}

const NOTHING: PersonRecord = { sessions: [] };

/** Who has signed in, what for, and who is kept out. Written when somebody signs in, never when they call. */
export class PeopleRegister {
  readonly #bucket: KvStore;
  readonly #clock: { now(): number };

  private constructor(bucket: KvStore, clock: { now(): number }) {
    this.#bucket = bucket;
    this.#clock = clock;
  }

  static async open(state: State, tenant: string, clock: { now(): number }): Promise<PeopleRegister> {
    return new PeopleRegister(await state.bucket(BUCKETS.people, tenant), clock);
  }

  /** Subjects of everybody who has signed in, in order. */
  async subjects(): Promise<string[]> {
    return (await this.#bucket.keys()).sort();
  }

  /** @returns undefined where nobody of this subject has signed in */
  async find(subject: string): Promise<PersonRecord | undefined> {
    return (await this.#read(subject))?.record;
  }

  async isDisabled(subject: string): Promise<boolean> {
    return (await this.find(subject))?.disabledAtMs !== undefined;
  }

  async addSession(subject: string, session: PersonSession): Promise<void> {
    const nowMs = this.#clock.now();
    await this.#change(subject, ({ sessions, ...rest }) => {
      const others = sessions.filter(({ id, expiresAtMs }) => id !== session.id && expiresAtMs > nowMs);
      return { ...rest, sessions: [...others, session].slice(-MOST) };
    });
  }

  /** Keeps somebody out; what they have does not end by it. */
  async disable(subject: string): Promise<void> {
    await this.#change(subject, (record) => ({ ...record, disabledAtMs: this.#clock.now() }));
  }

  async enable(subject: string): Promise<void> {
    await this.#change(subject, ({ sessions }) => ({ sessions }));
  }

  async #change(subject: string, edit: (record: PersonRecord) => PersonRecord): Promise<void> {
    for (;;) {
      const found = await this.#read(subject);
      const value = sealRecord(KIND, subject, edit(found?.record ?? NOTHING) as unknown as StoredRecord);
      const written =
        found === undefined
          ? await this.#bucket.create(subject, value)
          : await this.#bucket.update(subject, value, found.revision);
      if (written.ok) return;
    }
  }

  async #read(subject: string): Promise<{ readonly record: PersonRecord; readonly revision: number } | undefined> {
    const entry = await this.#bucket.get(subject);
    if (entry === undefined) return undefined;
    return { record: openRecord(KIND, subject, entry.value) as unknown as PersonRecord, revision: entry.revision };
  }
}
