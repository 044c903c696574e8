import type { Evidence, SeenEvent } from './evidence.js';
import type { LedgerCall } from './ledgers.js';

const edge = { emitter: 'edge-1', epoch: 1 };
const ofCall = (id: string, type: SeenEvent['type'], outcome: SeenEvent['outcome']) => ({ type, outcome, request_id: id });
const events: readonly Pick<SeenEvent, 'type' | 'outcome' | 'reason' | 'request_id' | 'detail'>[] = [
  { type: 'session.opened', outcome: 'ok', request_id: 'r-1' },
  ofCall('paid', 'tool.intended', 'pending'),
  ofCall('paid', 'proxy.hop', 'ok'),
  ofCall('paid', 'tool.called', 'ok'),
  ofCall('failed', 'tool.called', 'error'),
  { ...ofCall('denied', 'policy.denied', 'denied'), reason: 'policy_denied' },
  { type: 'audit.shed', outcome: 'error', detail: { events: '2', 'tool.called ok': '1', 'tool.called audit_unavailable': '1' } },
];
const call = (id: string, kind: LedgerCall['kind'], answer: LedgerCall['answer']): [string, LedgerCall] => [
  id,
  { id, edge: 'edge-1', kind, beganAtMs: 10_000, endedAtMs: 10_100, answer },
];
const withIds = events.map((event, index) => ({ ...event, ...edge, sequence: index + 1, event_id: `edge-1/1/${index + 1}` }));
const ids = new Set(withIds.map(({ event_id: id }) => id));

/** A small run in which everything went as it should, with a call of each kind. */
export const SOUND: Evidence = {
  strict: false,
  calls: new Map([
    call('paid', 'pay', { kind: 'result' }),
    call('failed', 'fail', { kind: 'tool_error' }),
    call('denied', 'forbidden', { kind: 'refused', reason: 'policy_denied' }),
    call('withheld', 'read', { kind: 'refused', reason: 'audit_unavailable' }),
    call('not-taken', 'pay', { kind: 'refused', reason: 'audit_unavailable' }),
    call('cut-off', 'pay', { kind: 'none', why: 'ECONNRESET' }),
    call('unheard', 'read', { kind: 'none', why: 'ECONNREFUSED' }),
  ]),
  requests: new Set(['r-1']),
  executions: ['paid', 'failed', 'withheld', 'cut-off'].map((id) => ({ call: id, tool: 'any' })),
  events: withIds,
  rows: { inserted: 9, read: 7, distinct: 7, sequences: 7, ofSequences: 7, counted: 3, ofCounted: 3 },
  stream: { messages: 2, lines: 9, ids },
  spooled: new Set(['edge-1/1/7']),
  damaged: [],
  said: [{ ...edge, written: 7 }],
  openGaps: [],
  trail: { events: 7, checkpoints: 2, copies: 2, signed: new Map([['edge-1/1', 7]]) },
  kills: [{ member: 'edge-1', atMs: 10_090, untilMs: 12_000 }],
  unplanned: [],
  disorderly: [],
  held: [{ member: 'edge-1', filesBefore: 40, filesAfter: 42, residentMiBBefore: 100, residentMiBAfter: 140 }],
};
