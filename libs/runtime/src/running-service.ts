/** Dependency → `ok`, or what is wrong with it. */
export type Readiness = Readonly<Record<string, 'ok' | (string & {})>>;

/** A service that has started. */
export interface RunningService {
  readonly name: string;
  /** Where its listeners are, by purpose. */
  readonly urls: Readonly<Record<string, string>>;
  /** What it depends on. Never throws: what cannot be asked is a sentence. */
  readiness(): Promise<Readiness>;
  /** Stops accepting, drains, flushes. Idempotent. */
  close(): Promise<void>;
}
