import fc from 'fast-check';
import { edited, gated, requestText } from './gated.fixture.js';
import { legacyRequestEdits } from './legacy-request.js';
import { modernRequestEdits, type RequestMeta } from './modern-request.js';

const META: RequestMeta = { protocolVersion: '2026-07-28', clientCapabilitiesJson: '{"roots":{}}' };
const FULL: RequestMeta = { ...META, clientInfoJson: '{"name":"c","version":"1"}', logLevel: 'debug' };
const V = '"io.modelcontextprotocol/protocolVersion":"2026-07-28"';
const C = '"io.modelcontextprotocol/clientCapabilities":{"roots":{}}';
const I = '"io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"}';
const L = '"io.modelcontextprotocol/logLevel":"debug"';

const modern = (text: string, meta: RequestMeta) => {
  const message = gated(text);
  return edited(message, modernRequestEdits(message.bytes, message.envelope, meta));
};
const legacy = (text: string) => {
  const message = gated(text);
  return edited(message, legacyRequestEdits(message.bytes, message.envelope));
};

describe('a legacy request as a modern one', () => {
  it.each<readonly [id: string, text: string, meta: RequestMeta, expected: string]>([
    [
      'MQ-no-params',
      '{"jsonrpc":"2.0","id":0,"method":"tools/list"}',
      META,
      `{"jsonrpc":"2.0","id":0,"params":{"_meta":{${V},${C}}},"method":"tools/list"}`,
    ],
    ['MQ-empty-params', requestText('tools/list', '{ }'), META, requestText('tools/list', `{"_meta":{${V},${C}} }`)],
    [
      'MQ-params',
      requestText('tools/call', '{"name":"t","arguments":{"n":1.0}}'),
      FULL,
      requestText('tools/call', `{"_meta":{${V},${C},${I},${L}},"name":"t","arguments":{"n":1.0}}`),
    ],
    ['MQ-empty-meta', requestText('x', '{"_meta":{}}'), META, requestText('x', `{"_meta":{${V},${C}}}`)],
    [
      'MQ-keeps-what-is-there',
      requestText('x', '{"_meta":{"progressToken":0,"traceparent":"00-a","com.x/y":1.0}}'),
      META,
      requestText('x', `{"_meta":{"progressToken":0,"traceparent":"00-a","com.x/y":1.0,${V},${C}}}`),
    ],
    [
      'MQ-replaces-what-it-owns',
      requestText(
        'x',
        '{"_meta":{"io.modelcontextprotocol/logLevel":"info","io.modelcontextprotocol/clientCapabilities":{"sampling":{}},"progressToken":"p","io.modelcontextprotocol/clientInfo":{}}}',
      ),
      META,
      requestText('x', `{"_meta":{${C},"progressToken":"p",${V}}}`),
    ],
    [
      'MQ-no-related-task',
      requestText('x', '{"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"1"}}}'),
      META,
      requestText('x', `{"_meta":{${V},${C}}}`),
    ],
  ])('%s', (_id, text, meta, expected) => {
    expect(modern(text, meta)).toBe(expected);
    expect(gated(modern(text, meta)).envelope).toMatchObject({ protocolVersion: '2026-07-28', malformedMetaKey: undefined });
  });

  it('is not for notifications', () => {
    const { bytes, envelope } = gated('{"jsonrpc":"2.0","method":"notifications/initialized"}');
    expect(() => modernRequestEdits(bytes, envelope, META)).toThrow(/only requests/);
  });
});

describe('a modern request as a legacy one', () => {
  it.each([
    ['LQ-envelope-only', requestText('tools/list', `{"_meta":{${V},${C},${I},${L}}}`), requestText('tools/list', '{"_meta":{}}')],
    [
      'LQ-keeps-token-and-trace',
      requestText('x', `{"_meta":{${V},"progressToken":0,${C},"traceparent":"00-a","baggage":"b",${I}},"name":"t"}`),
      requestText('x', '{"_meta":{"progressToken":0,"traceparent":"00-a","baggage":"b"},"name":"t"}'),
    ],
    [
      'LQ-retry',
      requestText('tools/call', `{"inputResponses":{"a":{}},"name":"t","requestState":"s","_meta":{${V},${C}}}`),
      requestText('tools/call', '{"name":"t","_meta":{}}'),
    ],
    ['LQ-unknown-reserved-key', requestText('x', '{"_meta":{"io.modelcontextprotocol/x":1.0}}'), undefined],
    ['LQ-nothing', requestText('x', '{"a":1.0}'), undefined],
    ['LQ-no-params', '{"jsonrpc":"2.0","id":0,"method":"tools/list"}', undefined],
  ])('%s', (_id, text, expected) => {
    expect(legacy(text)).toBe(expected ?? text);
  });
});

describe('requests there and back', () => {
  it('lose nothing', () => {
    const key = fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => `x${text}`);
    const members = fc
      .dictionary(key, fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constant('1.0e5')))
      .map((value) => JSON.stringify(value).slice(1, -1).replaceAll('"1.0e5"', '1.0e5'));
    const object = (inner: string, more: readonly string[]) => `{${[...more, inner].filter((text) => text !== '').join(', ')}}`;
    fc.assert(
      fc.property(
        members,
        members,
        fc.option(fc.maxSafeInteger(), { nil: undefined }),
        fc.boolean(),
        (inner, metaInner, token, hasMeta) => {
          const meta = object(metaInner, token === undefined ? [] : [`"progressToken":${token}`]);
          const text = requestText('tools/call', object(inner, hasMeta ? [`"_meta":${meta}`] : []));
          const there = modern(text, FULL);
          expect(legacy(there)).toBe(hasMeta ? text : legacy(modern(text, META)));
          expect(JSON.parse(legacy(there))).toEqual(
            hasMeta ? JSON.parse(text) : { ...(JSON.parse(text) as object), params: { ...paramsOf(text), _meta: {} } },
          );
        },
      ),
    );
  });
});

const paramsOf = (text: string): object => (JSON.parse(text) as { params: object }).params;
