import fc from 'fast-check';
import { edited, gated, resultText } from './gated.fixture.js';
import { legacyResultEdits, subscriptionIdEdits } from './legacy-result.js';
import { modernResultEdits, modernToolEdits, type ResultHints } from './modern-result.js';

const INFO = '{"name":"gw","version":"1"}';
const S = `"io.modelcontextprotocol/serverInfo":${INFO}`;

const modern = (result: string, method: string, hints?: ResultHints) => {
  const message = gated(resultText(result));
  return edited(message, modernResultEdits(message.bytes, message.envelope, method, hints));
};
const legacy = (result: string) => {
  const message = gated(resultText(result));
  return edited(message, legacyResultEdits(message.bytes, message.envelope));
};

describe('a legacy result as a modern one', () => {
  const hints = { serverInfoJson: INFO };
  it.each<readonly [id: string, method: string, result: string, hints: ResultHints | undefined, expected: string]>([
    ['MR-call', 'tools/call', '{"content":[],"n":1.0}', undefined, '{"content":[],"n":1.0,"resultType":"complete"}'],
    ['MR-call-info', 'tools/call', '{"content":[]}', hints, `{"content":[],"resultType":"complete","_meta":{${S}}}`],
    ['MR-call-no-content', 'tools/call', '{}', undefined, '{"resultType":"complete","content":[]}'],
    ['MR-stray-type', 'prompts/get', '{"resultType":"input_required","a":1}', undefined, '{"resultType":"complete","a":1}'],
    [
      'MR-stray-requests',
      'tools/call',
      '{"content":[],"inputRequests":{"a":1},"requestState":"s"}',
      undefined,
      '{"content":[],"resultType":"complete"}',
    ],
    [
      'MR-list',
      'prompts/list',
      '{"prompts":[]}',
      { ttlMs: 5000, cacheScope: 'public' },
      '{"prompts":[],"resultType":"complete","ttlMs":5000,"cacheScope":"public"}',
    ],
    [
      'MR-read-defaults',
      'resources/read',
      '{"ttlMs":9,"contents":[],"cacheScope":"public"}',
      undefined,
      '{"ttlMs":0,"contents":[],"cacheScope":"private","resultType":"complete"}',
    ],
    [
      'MR-complete-is-not-cached',
      'completion/complete',
      '{"completion":{}}',
      undefined,
      '{"completion":{},"resultType":"complete"}',
    ],
    [
      'MR-meta-kept',
      'prompts/get',
      '{"_meta":{"a":1.0,"io.modelcontextprotocol/serverInfo":{"name":"up"}}}',
      hints,
      `{"_meta":{"a":1.0,${S}},"resultType":"complete"}`,
    ],
    [
      'MR-meta-without-own',
      'prompts/get',
      '{"_meta":{"a":1,"io.modelcontextprotocol/serverInfo":{"name":"up"}}}',
      undefined,
      '{"_meta":{"a":1},"resultType":"complete"}',
    ],
    ['MR-meta-odd', 'prompts/get', '{"_meta":null}', undefined, '{"resultType":"complete"}'],
    ['MR-meta-odd-info', 'prompts/get', '{"_meta":null}', hints, `{"_meta":{${S}},"resultType":"complete"}`],
    ['MR-meta-twice', 'prompts/get', '{"_meta":{"a":1},"_meta":{}}', hints, `{"_meta":{${S}},"resultType":"complete"}`],
    [
      'MR-tools',
      'tools/list',
      '{"tools":[{"name":"a","execution":{"taskSupport":"optional"}}, {"execution":{},"name":"b"},{"name":"c"},1]}',
      undefined,
      '{"tools":[{"name":"a"}, {"name":"b"},{"name":"c"},1],"resultType":"complete","ttlMs":0,"cacheScope":"private"}',
    ],
    ['MR-no-object', 'tools/call', '[1.0]', hints, '[1.0]'],
  ])('%s', (_id, method, result, given, expected) => {
    expect(modern(result, method, given)).toBe(resultText(expected));
  });

  it('takes one tool as well', () => {
    const bytes = Buffer.from('{"name":"a","execution":{}}');
    expect(modernToolEdits(bytes, { start: 0, end: bytes.length })).toEqual([{ range: { start: 11, end: 26 }, text: '' }]);
  });

  it('leaves errors alone', () => {
    const { bytes, envelope } = gated('{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":""}}');
    expect(modernResultEdits(bytes, envelope, 'tools/call', hints)).toEqual([]);
  });
});

describe('a modern result as a legacy one', () => {
  it.each([
    ['LR-call', '{"resultType":"complete","content":[],"n":1.0}', '{"content":[],"n":1.0}'],
    ['LR-list', '{"tools":[],"ttlMs":0,"cacheScope":"private","resultType":"complete"}', '{"tools":[]}'],
    ['LR-meta', `{"_meta":{"a":1.0,${S},"io.modelcontextprotocol/subscriptionId":1}}`, '{"_meta":{"a":1.0}}'],
    ['LR-meta-odd', '{"_meta":[],"resultType":"complete"}', '{"_meta":[]}'],
    ['LR-none', '{ "content" : [] }', '{ "content" : [] }'],
    [
      'LR-inner-members-stay',
      '{"structuredContent":{"resultType":1,"ttlMs":2}}',
      '{"structuredContent":{"resultType":1,"ttlMs":2}}',
    ],
    ['LR-no-object', '"x"', '"x"'],
  ])('%s', (_id, result, expected) => {
    expect(legacy(result)).toBe(resultText(expected));
  });

  it.each(['input_required', 'task', 'x'])('has no form where its type is %s', (type) => {
    expect(() => legacy(`{"resultType":"${type}"}`)).toThrow(/no legacy form/);
  });

  it('and back again loses nothing', () => {
    const key = fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => `x${text}`);
    const result = fc.dictionary(key, fc.jsonValue({ maxDepth: 3 })).map((value) => JSON.stringify({ content: [], ...value }));
    const method = fc.constantFrom('tools/call', 'resources/read', 'tools/list');
    fc.assert(
      fc.property(result, method, fc.constantFrom('', ',"_meta":{"a":1.0}'), (text, name, meta) => {
        const full = `${text.slice(0, -1)}${meta}}`;
        const there = gated(modern(full, name, meta === '' ? {} : { serverInfoJson: INFO }));
        expect(there.envelope.resultType).toBe('complete');
        expect(edited(there, legacyResultEdits(there.bytes, there.envelope))).toBe(resultText(full));
      }),
    );
  });
});

describe('the subscription that a notification belongs to', () => {
  const notification = (params?: string) => `{"jsonrpc":"2.0","method":"n"${params === undefined ? '' : `,"params":${params}`}}`;
  const K = '"io.modelcontextprotocol/subscriptionId"';
  it.each([
    ['SI-none-to-one', undefined, '"s"', `{"_meta":{${K}:"s"}}`],
    ['SI-params', '{"uri":"u"}', '7', `{"_meta":{${K}:7},"uri":"u"}`],
    ['SI-meta', '{"_meta":{"a":1.0}}', '7', `{"_meta":{"a":1.0,${K}:7}}`],
    ['SI-replaced', `{"_meta":{${K}:"up"},"uri":"u"}`, '0', `{"_meta":{${K}:0},"uri":"u"}`],
    ['SI-removed', `{"_meta":{${K}:"up","a":1.0}}`, undefined, '{"_meta":{"a":1.0}}'],
    ['SI-nothing-to-remove', '{"uri":"u"}', undefined, '{"uri":"u"}'],
    ['SI-nothing-at-all', undefined, undefined, undefined],
  ])('%s', (_id, params, subscriptionId, expected) => {
    const message = gated(notification(params));
    const text = edited(message, subscriptionIdEdits(message.bytes, message.envelope, subscriptionId));
    expect(text).toBe(notification(expected));
  });
});
