/** Something that is good for a while: a token, temporary keys. */
export interface Granted<T> {
  readonly value: T;
  /** Infinity: for ever. */
  readonly lifetimeMs: number;
}

const renewAt = 0.8;

/** Keeps what was granted until four fifths of its life are over; whoever asks meanwhile shares one request for the next. */
export class Expiring<T> {
  readonly #obtain: () => Promise<Granted<T>>;
  readonly #clock: { now(): number };
  #held: { readonly value: T; readonly untilMs: number } | undefined;
  #asked: Promise<T> | undefined;

  constructor(clock: { now(): number }, obtain: () => Promise<Granted<T>>) {
    this.#clock = clock;
    this.#obtain = obtain;
  }

  /** @throws whatever obtaining throws */
  async get(): Promise<T> {
    if (this.#held !== undefined && this.#held.untilMs > this.#clock.now()) return this.#held.value;
    this.#asked ??= this.#renew().finally(() => (this.#asked = undefined));
    return this.#asked;
  }

  /** Forgets what is held, because it was refused. */
  drop(value: T): void {
    if (this.#held?.value === value) this.#held = undefined;
  }

  async #renew(): Promise<T> {
    const { value, lifetimeMs } = await this.#obtain();
    this.#held = { value, untilMs: this.#clock.now() + lifetimeMs * renewAt };
    return value;
  }
}
