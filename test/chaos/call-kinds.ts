/** A kind of call that clients make. */
interface CallKind {
  readonly tool: string;
  /** How many of a hundred calls. */
  readonly share: number;
  /** Whether doing it twice is another thing than doing it once. */
  readonly mayChange: boolean;
  /** Whether the access rules grant it. */
  readonly granted: boolean;
}

export const CALL_KINDS = {
  read: { tool: 'get_balance', share: 40, mayChange: false, granted: true },
  pay: { tool: 'pay', share: 38, mayChange: true, granted: true },
  'pay-slowly': { tool: 'pay_slowly', share: 10, mayChange: true, granted: true },
  fail: { tool: 'fail', share: 6, mayChange: true, granted: true },
  forbidden: { tool: 'forbidden', share: 6, mayChange: true, granted: false },
} as const satisfies Readonly<Record<string, CallKind>>;

export type CallKindName = keyof typeof CALL_KINDS;

/** The upstream's own names of tools that only read, as the gateway's configuration says them. */
export const READ_ONLY = ['get_*'];
