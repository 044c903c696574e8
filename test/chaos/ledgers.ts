import { readFileSync } from 'node:fs';
import type { CallKindName } from './call-kinds.js';
import type { EdgeName } from './fault-kinds.js';

/** How a call ended, as its client saw it. */
export type Answer =
  /** Every byte of the upstream's result came. */
  | { readonly kind: 'result' }
  /** The same, and the result says that the tool failed. */
  | { readonly kind: 'tool_error' }
  /** The gateway refused it. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** No whole answer came, or the call was not even taken. */
  | { readonly kind: 'none'; readonly why: string }
  /** An answer that is not this call's. */
  | { readonly kind: 'wrong'; readonly text: string };

/** One call, as its client wrote it down. */
export interface LedgerCall {
  /** Also its request id. */
  readonly id: string;
  readonly edge: EdgeName;
  readonly kind: CallKindName;
  /** Milliseconds since the start of the load, by the clock of the clients. */
  readonly beganAtMs: number;
  readonly endedAtMs: number;
  readonly answer: Answer;
}

/** A line of the clients' ledger: a call is written when it begins, and again when it has ended. Requests are what is no call. */
export type ClientLine =
  | { readonly line: 'began'; readonly call: Omit<LedgerCall, 'endedAtMs' | 'answer'> }
  | { readonly line: 'ended'; readonly id: string; readonly atMs: number; readonly answer: Answer }
  | { readonly line: 'request'; readonly id: string };

/** What an upstream did, as it wrote it down. */
export interface Execution {
  /** The client's id of the call. */
  readonly call: string;
  readonly tool: string;
}

/** What clients wrote down. */
export interface ClientLedger {
  readonly calls: ReadonlyMap<string, LedgerCall>;
  /** Ids of requests that are no calls, such as those that open sessions. */
  readonly requests: ReadonlySet<string>;
}

export function readClientLedger(file: string): ClientLedger {
  const calls = new Map<string, LedgerCall>();
  const requests = new Set<string>();
  for (const line of linesOf<ClientLine>(file)) {
    if (line.line === 'request') requests.add(line.id);
    else if (line.line === 'began')
      calls.set(line.call.id, { ...line.call, endedAtMs: Infinity, answer: { kind: 'none', why: 'never ended' } });
    else {
      const call = calls.get(line.id);
      if (call !== undefined) calls.set(line.id, { ...call, endedAtMs: line.atMs, answer: line.answer });
    }
  }
  return { calls, requests };
}

export const readExecutions = (files: readonly string[]): Execution[] => files.flatMap((file) => linesOf<Execution>(file));

function linesOf<T>(file: string): T[] {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as T);
}
