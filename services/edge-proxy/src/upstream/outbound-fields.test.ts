import { NO_CREDENTIAL } from '../stages/lease.js';
import { outboundFields } from './outbound-fields.js';

const CALL = {
  era: 'modern',
  revision: '2026-07-28',
  method: 'tools/call',
  name: 'hello',
  paramHeaders: { 'mcp-param-a': '1' },
  session: undefined,
  credential: { ...NO_CREDENTIAL, headers: { authorization: 'Bearer up', 'Mcp-Name': 'never' } },
  requestId: 'r1',
  traceparent: '00-t-s-01',
} as const;

const linesOf = (request: Parameters<typeof outboundFields>[0]) => outboundFields(request, 'message').trimEnd().split('\r\n');
const differences = (request: Parameters<typeof outboundFields>[0]) => {
  const usual = new Set(linesOf(CALL));
  return linesOf(request).filter((line) => !usual.has(line));
};

describe('fields of a request to an upstream', () => {
  it('are all of them the gateway’s, beside the credential’s', () => {
    expect(linesOf(CALL)).toEqual([
      'content-type: application/json',
      'accept: application/json, text/event-stream',
      'accept-encoding: identity',
      'user-agent: switchyard',
      'authorization: Bearer up',
      'mcp-protocol-version: 2026-07-28',
      'mcp-method: tools/call',
      'mcp-name: hello',
      'x-request-id: r1',
      'traceparent: 00-t-s-01',
      'mcp-param-a: 1',
    ]);
  });

  // Each comes after a request that differs from it in this alone.
  it.each([
    ['method', { method: 'prompts/get' }, ['mcp-method: prompts/get']],
    ['name', { name: 'other' }, ['mcp-name: other']],
    ['no-name', { name: undefined, method: 'hello' }, ['mcp-method: hello']],
    ['revision', { revision: '2027-01-01' }, ['mcp-protocol-version: 2027-01-01']],
    ['request-id', { requestId: 'r2' }, ['x-request-id: r2']],
    ['session', { session: 's1' }, ['mcp-session-id: s1']],
    ['parameters', { paramHeaders: { 'mcp-param-a': '2' } }, ['mcp-param-a: 2']],
    [
      'credential',
      { credential: { ...CALL.credential, headers: { authorization: 'Bearer two' } } },
      ['authorization: Bearer two'],
    ],
  ])('%s: is the request’s own', (_id, change, expected) => {
    linesOf(CALL);
    expect(differences({ ...CALL, ...change })).toEqual(expected);
    expect(differences(CALL)).toEqual([]);
  });

  it('of the legacy era say the version and the session', () => {
    expect(differences({ ...CALL, era: 'legacy', revision: '2025-11-25', session: 's1' })).toEqual([
      'mcp-protocol-version: 2025-11-25',
      'mcp-session-id: s1',
    ]);
  });
});
