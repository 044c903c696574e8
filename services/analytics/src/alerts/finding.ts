/** Something that a rule has found to hold now. */
export interface Finding {
  /** Tells it from others of the same rule, as long as it holds. */
  readonly key: string;
  /** What it is about, by name: server, upstream, tool, principal and the like. May say whatever a client or an upstream made up. */
  readonly about: Readonly<Record<string, string>>;
  readonly value: number;
  /** What `value` is compared with. */
  readonly limit: number;
  /** One sentence without a full stop. */
  readonly says: string;
}

/** What one rule says of at most so many; the worst come first. */
export const FINDINGS_LIMIT = 200;
