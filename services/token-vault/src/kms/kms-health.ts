import { randomBytes } from 'node:crypto';
import { KmsUnavailable, type Kms } from './kms.js';

const okForMs = 15_000;
const failedForMs = 1_000;

/** Whether the key service does its work, asked by having it wrap something; the answer is remembered for a while. */
export class KmsHealth {
  readonly #kms: Kms;
  readonly #clock: { now(): number };
  #last: { readonly problem: KmsUnavailable | undefined; readonly untilMs: number } | undefined;
  #asked: Promise<KmsUnavailable | undefined> | undefined;

  constructor(kms: Kms, clock: { now(): number }) {
    this.#kms = kms;
    this.#clock = clock;
  }

  /** What is wrong with it: as it was up to 15 s ago, or one second where it failed. */
  async problem(): Promise<KmsUnavailable | undefined> {
    if (this.#last !== undefined && this.#last.untilMs > this.#clock.now()) return this.#last.problem;
    this.#asked ??= this.#ask().finally(() => (this.#asked = undefined));
    return this.#asked;
  }

  /** @throws KmsUnavailable where it does not do its work */
  async require(): Promise<void> {
    const problem = await this.problem();
    if (problem !== undefined) throw problem;
  }

  /** Takes notice of a failure that somebody else met. */
  failed(problem: KmsUnavailable): void {
    this.#last = { problem, untilMs: this.#clock.now() + failedForMs };
  }

  async #ask(): Promise<KmsUnavailable | undefined> {
    try {
      await this.#kms.wrap(randomBytes(32), { app: 'switchyard', purpose: 'health' });
      this.#last = { problem: undefined, untilMs: this.#clock.now() + okForMs };
    } catch (error) {
      if (!(error instanceof KmsUnavailable)) throw error;
      this.failed(error);
    }
    return this.#last?.problem;
  }
}
