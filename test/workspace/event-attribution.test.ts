import { EVENT_TYPES } from '@switchyard/contracts';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { workspaceRoot } from './import-graph.js';

type Types = Readonly<Record<string, readonly [what: string, writer: string, fields: readonly string[]]>>;

const load = async () =>
  (await import(pathToFileURL(path.join(workspaceRoot, 'tools/event-types.mjs')).href)) as { readonly TYPES: Types };

const IDENTITY = ['event_id', 'tenant', 'type', 'occurred_at', 'emitter', 'epoch', 'sequence', 'outcome', 'chain'];
const REQUEST = ['request_id', 'trace_id'];
const WHO = ['principal_issuer', 'principal_subject', 'principal_name', 'principal_kind', 'client_id'];
const EXCHANGE = [
  ...[...REQUEST, ...WHO, 'teams', 'on_behalf_of', 'client_name', 'client_version', 'era', 'revision', 'session_id', 'server'],
  ...['upstream', 'capability', 'client_rpc_id', 'upstream_rpc_id', 'bytes_in', 'bytes_out', 'duration_us', 'stage_us', 'rule'],
];
const TOKENS = ['arguments_tokens', 'result_tokens', 'model_tokens_in', 'model_tokens_out', 'cost_micros'];

/** What only the gateway itself does, with nobody who asked for it in the request at hand. */
const OF_NOBODY = new Set(
  [
    ...['audit.checkpoint_signed', 'audit.shed', 'audit.gap_found', 'audit.gap_closed', 'event.unreadable'],
    ...['alert.fired', 'alert.resolved', 'alert.undelivered', 'audit.retention_intended', 'audit.retention_deleted'],
  ].values(),
);
/** The configuration is a file: its author is who wrote that, by name alone. */
const OF_A_FILE = new Set(['config.applied', 'config.rejected']);
const CALLS = /^(tool|prompt|resource|completion|task|policy|request)\./;

function expected(type: string, writer: string): readonly string[] {
  if (OF_NOBODY.has(type)) return IDENTITY;
  if (OF_A_FILE.has(type)) return [...IDENTITY, 'principal_name', 'snapshot'];
  if (writer === 'edge-proxy') return [...IDENTITY, ...EXCHANGE, ...(CALLS.test(type) ? TOKENS : [])];
  if (type === 'connection.leased') return [...IDENTITY, ...REQUEST, ...WHO, 'teams', 'on_behalf_of', 'server', 'client_name'];
  if (type === 'auth.token_issued') return [...IDENTITY, ...REQUEST, ...WHO, 'server', 'on_behalf_of'];
  return [...IDENTITY, ...REQUEST, ...WHO];
}

describe('the catalogue of events: who, in which request, with what', () => {
  it.each(EVENT_TYPES)('%s has the fields for it', async (type) => {
    const [, writer, fields] = (await load()).TYPES[type] ?? ['', '', []];
    expect(expected(type, writer).filter((field) => !fields.includes(field))).toEqual([]);
  });
});
