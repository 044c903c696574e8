import { classify, type Classified, type ClassifyHead, type ClassifyReason } from './classify.js';
import { scanMessage } from './gate.js';

const JSON_HEAD: ClassifyHead = { contentType: 'application/json', accept: 'application/json, text/event-stream' };
const V = 'io.modelcontextprotocol/protocolVersion';
const C = 'io.modelcontextprotocol/clientCapabilities';
const I = 'io.modelcontextprotocol/clientInfo';
const MODERN_META = { [V]: '2026-07-28', [C]: {} };
const MODERN_HEAD = { protocolVersion: '2026-07-28', mcpMethod: 'tools/list' };
const CALL_HEAD = { protocolVersion: '2026-07-28', mcpMethod: 'tools/call', mcpName: 'echo' };

const request = (method: string, params?: object) => ({ jsonrpc: '2.0', id: 1, method, params });
const notification = (method: string, params?: object) => ({ jsonrpc: '2.0', method, params });
const modern = (method: string, params: object = {}, meta: object = MODERN_META) => request(method, { ...params, _meta: meta });
const RESPONSE = { jsonrpc: '2.0', id: 1, result: {} };
const CALL = modern('tools/call', { name: 'echo' });

function decide(head: ClassifyHead, body: object) {
  const envelope = scanMessage(Buffer.from(JSON.stringify(body)));
  if (!envelope.ok) throw new Error(envelope.message);
  return classify({ ...JSON_HEAD, ...head }, envelope);
}

const legacy = (revision: string): Classified => ({ era: 'legacy', revision });
const MODERN: Classified = { era: 'modern', revision: '2026-07-28' };

/** Rules of the specification in the order in which they apply; the id's number is the rule's. Rule 1 is the HTTP method, rule 3 the gate's. */
const DECISIONS: readonly (readonly [id: string, head: ClassifyHead, body: object, expected: Classified | ClassifyReason])[] = [
  ['2-json', { contentType: 'Application/JSON; charset=utf-8' }, request('ping'), legacy('2025-03-26')],
  ['2-json-sloppy', { contentType: 'application/json;' }, request('ping'), legacy('2025-03-26')],
  ['2-no-type', { contentType: undefined }, request('ping'), 'unsupported_media_type'],
  ['2-text', { contentType: 'text/plain' }, request('ping'), 'unsupported_media_type'],
  ['2-text-with-json-inside', { contentType: 'text/plain; a=application/json' }, request('ping'), 'unsupported_media_type'],
  ['2-json-suffix', { contentType: 'application/vnd.x+json' }, request('ping'), 'unsupported_media_type'],
  ['2-twice', { contentType: ['application/json', 'text/plain'] }, request('ping'), 'unsupported_media_type'],
  ['2-twice-joined', { contentType: 'application/json, application/json' }, request('ping'), 'unsupported_media_type'],
  ['2-accept-none', { accept: undefined }, request('ping'), legacy('2025-03-26')],
  ['2-accept-any', { accept: '*/*' }, request('ping'), legacy('2025-03-26')],
  ['2-accept-weights', { accept: 'text/event-stream;q=0.5, application/*' }, request('ping'), legacy('2025-03-26')],
  ['2-accept-two-fields', { accept: ['text/event-stream', 'application/json'] }, request('ping'), legacy('2025-03-26')],
  ['2-accept-json-only', { accept: 'application/json' }, request('ping'), 'not_acceptable'],
  ['2-accept-html', { accept: 'text/html' }, request('ping'), 'not_acceptable'],
  ['2-accept-refused', { accept: 'application/json, text/event-stream;q=0' }, request('ping'), 'not_acceptable'],
  ['2-accept-notification', { accept: 'application/json' }, notification('notifications/cancelled'), legacy('2025-03-26')],

  ['4-response', {}, RESPONSE, legacy('2025-03-26')],
  ['4-response-old', { protocolVersion: '2025-11-25' }, RESPONSE, legacy('2025-11-25')],
  ['4-response-modern', { protocolVersion: '2026-07-28' }, RESPONSE, 'invalid_request'],
  ['4-response-unknown', { protocolVersion: '2020-01-01' }, RESPONSE, 'unsupported_version'],

  ['5-initialize', {}, request('initialize', { protocolVersion: '2025-11-25' }), legacy('2025-03-26')],
  ['5-initialize-of-modern', {}, request('initialize', { protocolVersion: '2026-07-28' }), legacy('2025-03-26')],
  ['5-initialize-old-field', { protocolVersion: '2025-06-18' }, request('initialize'), legacy('2025-06-18')],
  ['5-initialize-odd-field', { protocolVersion: 'banana' }, request('initialize'), legacy('2025-03-26')],
  ['5-initialize-modern-field', { protocolVersion: '2026-07-28' }, request('initialize'), 'header_mismatch'],
  ['5-initialize-broken-envelope', {}, modern('initialize', {}, { [V]: '2026-07-28' }), legacy('2025-03-26')],
  ['5-initialize-old-envelope', {}, modern('initialize', {}, { [V]: '2025-11-25', [C]: {} }), legacy('2025-03-26')],
  ['5-initialize-modern', { ...MODERN_HEAD, mcpMethod: 'initialize' }, modern('initialize'), MODERN],

  ['6-list', MODERN_HEAD, modern('tools/list'), MODERN],
  ['6-call', CALL_HEAD, CALL, MODERN],
  ['6-session-field', { ...CALL_HEAD, sessionId: 'abc' }, CALL, MODERN],
  ['6-unknown-method', { ...MODERN_HEAD, mcpMethod: 'no/such' }, modern('no/such'), MODERN],
  ['6-info', MODERN_HEAD, modern('tools/list', {}, { ...MODERN_META, [I]: { name: 'c', version: '1' } }), MODERN],
  ['6-envelope-version-number', MODERN_HEAD, modern('tools/list', {}, { [V]: 1, [C]: {} }), 'invalid_params'],
  ['6-envelope-version-null', MODERN_HEAD, modern('tools/list', {}, { [V]: null, [C]: {} }), 'invalid_params'],
  ['6-envelope-no-capabilities', MODERN_HEAD, modern('tools/list', {}, { [V]: '2026-07-28' }), 'invalid_params'],
  ['6-envelope-capabilities-array', MODERN_HEAD, modern('tools/list', {}, { [V]: '2026-07-28', [C]: [] }), 'invalid_params'],
  ['6-envelope-info-text', MODERN_HEAD, modern('tools/list', {}, { ...MODERN_META, [I]: 'c' }), 'invalid_params'],
  [
    '6-envelope-first',
    { ...MODERN_HEAD, protocolVersion: '2025-11-25' },
    modern('tools/list', {}, { [V]: '2026-07-28' }),
    'invalid_params',
  ],
  ['6-version-other', { ...MODERN_HEAD, protocolVersion: '2025-11-25' }, modern('tools/list'), 'header_mismatch'],
  ['6-version-before-support', { ...MODERN_HEAD, protocolVersion: '2027-01-01' }, modern('tools/list'), 'header_mismatch'],
  ['6-version-missing', { mcpMethod: 'tools/list' }, modern('tools/list'), 'header_mismatch'],
  ['6-version-twice', { ...MODERN_HEAD, protocolVersion: ['2026-07-28', '2026-07-28'] }, modern('tools/list'), 'header_mismatch'],
  [
    '6-version-twice-joined',
    { ...MODERN_HEAD, protocolVersion: '2026-07-28, 2026-07-28' },
    modern('tools/list'),
    'header_mismatch',
  ],
  ['6-version-space', { ...MODERN_HEAD, protocolVersion: ' 2026-07-28\t' }, modern('tools/list'), MODERN],
  [
    '6-unsupported',
    { ...MODERN_HEAD, protocolVersion: '2027-01-01' },
    modern('tools/list', {}, { [V]: '2027-01-01', [C]: {} }),
    'unsupported_version',
  ],
  [
    '6-unsupported-no-field',
    { mcpMethod: 'tools/list' },
    modern('tools/list', {}, { [V]: '2027-01-01', [C]: {} }),
    'unsupported_version',
  ],
  [
    '6-unsupported-old',
    { ...MODERN_HEAD, protocolVersion: '2025-11-25' },
    modern('tools/list', {}, { [V]: '2025-11-25', [C]: {} }),
    'unsupported_version',
  ],
  [
    '6-unsupported-odd',
    { ...MODERN_HEAD, protocolVersion: 'banana' },
    modern('tools/list', {}, { [V]: 'banana', [C]: {} }),
    'unsupported_version',
  ],
  ['6-method-missing', { protocolVersion: '2026-07-28' }, modern('tools/list'), 'header_mismatch'],
  ['6-method-other', { ...MODERN_HEAD, mcpMethod: 'tools/call' }, modern('tools/list'), 'header_mismatch'],
  ['6-method-case', { ...MODERN_HEAD, mcpMethod: 'Tools/List' }, modern('tools/list'), 'header_mismatch'],
  ['6-method-empty', { ...MODERN_HEAD, mcpMethod: '' }, modern('tools/list'), 'header_mismatch'],
  ['6-method-twice', { ...MODERN_HEAD, mcpMethod: ['tools/list', 'tools/list'] }, modern('tools/list'), 'header_mismatch'],
  ['6-method-twice-joined', { ...MODERN_HEAD, mcpMethod: 'tools/list, tools/list' }, modern('tools/list'), 'header_mismatch'],
  ['6-name-missing', { ...CALL_HEAD, mcpName: undefined }, CALL, 'header_mismatch'],
  ['6-name-other', { ...CALL_HEAD, mcpName: 'Echo' }, CALL, 'header_mismatch'],
  ['6-name-twice', { ...CALL_HEAD, mcpName: ['echo', 'echo'] }, CALL, 'header_mismatch'],
  ['6-name-twice-joined', { ...CALL_HEAD, mcpName: 'echo, echo' }, CALL, 'header_mismatch'],
  ['6-name-one-value', { ...CALL_HEAD, mcpName: ['echo'] }, CALL, MODERN],
  ['6-name-space', { ...CALL_HEAD, mcpName: ' echo ' }, CALL, MODERN],
  ['6-name-encoded', { ...CALL_HEAD, mcpName: '=?base64?ZWNobw==?=' }, CALL, MODERN],
  ['6-name-encoded-unicode', { ...CALL_HEAD, mcpName: '=?base64?w6k=?=' }, modern('tools/call', { name: 'é' }), MODERN],
  ['6-name-raw-unicode', { ...CALL_HEAD, mcpName: 'é' }, modern('tools/call', { name: 'é' }), 'header_mismatch'],
  ['6-name-odd-sentinel', { ...CALL_HEAD, mcpName: '=?base64?ZWNobw?=' }, CALL, 'header_mismatch'],
  ['6-name-capital-sentinel', { ...CALL_HEAD, mcpName: '=?BASE64?ZWNobw==?=' }, CALL, 'header_mismatch'],
  ['6-name-with-comma', { ...CALL_HEAD, mcpName: 'a, b' }, modern('tools/call', { name: 'a, b' }), MODERN],
  ['6-name-absent-in-both', { ...CALL_HEAD, mcpName: undefined }, modern('tools/call'), MODERN],
  ['6-name-absent-in-body', CALL_HEAD, modern('tools/call'), 'header_mismatch'],
  ['6-name-number-in-body', { ...CALL_HEAD, mcpName: '7' }, modern('tools/call', { name: 7 }), 'header_mismatch'],
  ['6-name-prompt', { ...CALL_HEAD, mcpMethod: 'prompts/get' }, modern('prompts/get', { name: 'echo' }), MODERN],
  [
    '6-name-uri',
    { ...CALL_HEAD, mcpMethod: 'resources/read', mcpName: 'file:///a' },
    modern('resources/read', { uri: 'file:///a', name: 'b' }),
    MODERN,
  ],
  [
    '6-name-uri-other',
    { ...CALL_HEAD, mcpMethod: 'resources/read', mcpName: 'b' },
    modern('resources/read', { uri: 'file:///a', name: 'b' }),
    'header_mismatch',
  ],
  ['6-name-where-none-is-due', { ...MODERN_HEAD, mcpName: 'whatever' }, modern('tools/list', { name: 'x' }), MODERN],
  ['6-notification', {}, notification('x/y', { _meta: { [V]: '2026-07-28' } }), MODERN],
  [
    '6-notification-version-other',
    { protocolVersion: '2025-11-25' },
    notification('x/y', { _meta: { [V]: '2026-07-28' } }),
    'header_mismatch',
  ],
  ['6-notification-version-number', {}, notification('x/y', { _meta: { [V]: 7 } }), 'invalid_params'],
  ['6-notification-unsupported', {}, notification('x/y', { _meta: { [V]: '2027-01-01' } }), 'unsupported_version'],
  ['6-notification-method-other', { mcpMethod: 'z' }, notification('x/y', { _meta: { [V]: '2026-07-28' } }), 'header_mismatch'],

  ['7-no-claim', MODERN_HEAD, request('tools/list'), 'invalid_params'],
  ['7-no-claim-other-meta', MODERN_HEAD, request('tools/list', { _meta: { [C]: {} } }), 'invalid_params'],
  ['7-no-claim-future', { ...MODERN_HEAD, protocolVersion: '2027-01-01' }, request('tools/list'), 'invalid_params'],
  ['7-notification', { protocolVersion: '2026-07-28' }, notification('x/y'), MODERN],
  ['7-notification-method-other', { protocolVersion: '2026-07-28', mcpMethod: 'z' }, notification('x/y'), 'header_mismatch'],
  ['7-notification-future', { protocolVersion: '2027-01-01' }, notification('x/y'), 'unsupported_version'],

  ['8-no-field', {}, request('tools/list'), legacy('2025-03-26')],
  ['8-old-field', { protocolVersion: '2025-06-18' }, request('tools/list'), legacy('2025-06-18')],
  ['8-oldest-field', { protocolVersion: '2024-11-05' }, request('tools/list'), legacy('2024-11-05')],
  ['8-unknown-field', { protocolVersion: '2024-01-01' }, request('tools/list'), 'unsupported_version'],
  ['8-odd-field', { protocolVersion: 'banana' }, request('tools/list'), 'unsupported_version'],
  ['8-empty-field', { protocolVersion: '' }, request('tools/list'), 'unsupported_version'],
  ['8-field-twice', { protocolVersion: ['2025-06-18', '2025-06-18'] }, request('tools/list'), 'header_mismatch'],
  [
    '8-modern-fields-ignored',
    { mcpMethod: 'other', mcpName: 'other' },
    request('tools/call', { name: 'echo' }),
    legacy('2025-03-26'),
  ],
  ['8-other-meta', {}, request('tools/list', { _meta: { [C]: {}, progressToken: 1 } }), legacy('2025-03-26')],
  ['8-notification', { protocolVersion: '2025-11-25' }, notification('notifications/initialized'), legacy('2025-11-25')],
];

describe('classify', () => {
  it.each(DECISIONS)('%s', (_id, head, body, expected) => {
    const verdict = decide(head, body);
    expect('refusal' in verdict ? verdict.refusal.reason : verdict).toEqual(expected);
  });

  it('has a stable id for every row', () => {
    expect(new Set(DECISIONS.map(([id]) => id)).size).toBe(DECISIONS.length);
  });

  it.each([
    ['unsupported_media_type', { contentType: 'text/plain' }, request('ping'), -32000, 415, undefined],
    ['not_acceptable', { accept: 'text/html' }, request('ping'), -32000, 406, undefined],
    ['invalid_request', { protocolVersion: '2026-07-28' }, RESPONSE, -32600, 400, undefined],
    ['header_mismatch', { protocolVersion: '2026-07-28' }, modern('tools/list'), -32020, 400, { header: 'Mcp-Method' }],
    ['invalid_params', MODERN_HEAD, request('tools/list'), -32602, 400, { missing: [V] }],
    [
      'unsupported_version',
      {},
      modern('tools/list', {}, { [V]: '2030-01-01', [C]: {} }),
      -32022,
      400,
      { supported: ['2026-07-28'], requested: '2030-01-01' },
    ],
  ])('%s: has the code, status and data of the specification', (reason, head, body, code, status, data) => {
    expect(decide(head, body)).toMatchObject({ refusal: { reason, code, status, ...(data !== undefined && { data }) } });
  });

  it('lists every revision to a legacy client that names an unknown one', () => {
    const supported = ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
    expect(decide({ protocolVersion: '2020-01-01' }, request('ping'))).toMatchObject({
      refusal: { data: { supported, requested: '2020-01-01' } },
    });
  });

  it('echoes at most the beginning of what it was sent', () => {
    const verdict = decide({ protocolVersion: 'x'.repeat(10_000) }, request('ping'));
    expect(JSON.stringify(verdict).length).toBeLessThan(500);
  });
});
