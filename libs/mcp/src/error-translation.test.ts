import { errorCodeEdits, missingCapabilities, toolErrorResponse, translateError } from './error-translation.js';
import { edited, gated } from './gated.fixture.js';
import type { Era } from './revisions/era.js';

const errorText = (error: string) => `{"jsonrpc":"2.0","id":7,"error":${error}}`;
const verdict = (code: number, from: Era, to: Era): string => {
  const made = translateError(code, from, to);
  if (made.kind === 'recode') return String(made.code);
  return made.kind === 'inner_hop' ? made.problem : made.kind;
};

describe('an upstream’s error', () => {
  /** [id, code, what becomes of it: legacy to modern, modern to legacy, modern to modern]; legacy to legacy all are relayed. */
  it.each<readonly [id: string, code: number, legacyToModern: string, modernToLegacy: string, modernToModern: string]>([
    ['ET-parse', -32700, 'relay', 'relay', 'relay'],
    ['ET-method', -32601, 'relay', 'relay', 'relay'],
    ['ET-params', -32602, 'relay', 'relay', 'relay'],
    ['ET-internal', -32603, 'relay', 'relay', 'relay'],
    ['ET-own', 4711, 'relay', 'relay', 'relay'],
    ['ET-refused-by-user', -1, 'relay', 'relay', 'relay'],
    ['ET-server-first', -32000, '-32603', 'relay', 'relay'],
    ['ET-session', -32001, '-32603', 'relay', 'relay'],
    ['ET-resource', -32002, '-32602', 'relay', '-32602'],
    ['ET-server-last', -32019, '-32603', 'relay', 'relay'],
    ['ET-header', -32020, '-32603', 'header_mismatch', 'header_mismatch'],
    ['ET-capability', -32021, '-32603', 'missing_capability', 'missing_capability'],
    ['ET-version', -32022, '-32603', 'unsupported_version', 'unsupported_version'],
    ['ET-url', -32042, 'url_elicitations', '-32603', '-32603'],
    ['ET-reserved-last', -32099, '-32603', '-32603', 'relay'],
    ['ET-beyond', -32100, 'relay', 'relay', 'relay'],
  ])('%s', (_id, code, legacyToModern, modernToLegacy, modernToModern) => {
    expect(verdict(code, 'legacy', 'legacy')).toBe('relay');
    expect(verdict(code, 'legacy', 'modern')).toBe(legacyToModern);
    expect(verdict(code, 'modern', 'legacy')).toBe(modernToLegacy);
    expect(verdict(code, 'modern', 'modern')).toBe(modernToModern);
  });

  it.each<readonly [id: string, error: string, uri: string | undefined, expected: string]>([
    ['EC-code', '{"code":-32000,"message":"m","x":1.0}', undefined, '{"code":-32603,"message":"m","x":1.0}'],
    ['EC-no-code', '{"message":"m"}', undefined, '{"message":"m","code":-32603}'],
    ['EC-uri', '{"code":-32002,"message":"m"}', 'u"', '{"code":-32603,"message":"m","data":{"uri":"u\\""}}'],
    ['EC-uri-in-data', '{"code":1,"data":{"a":1.0}}', 'u', '{"code":-32603,"data":{"a":1.0,"uri":"u"}}'],
    ['EC-uri-there', '{"code":1,"data":{"uri":"up"}}', 'u', '{"code":-32603,"data":{"uri":"up"}}'],
    ['EC-uri-odd', '{"code":1,"data":{"uri":1}}', 'u', '{"code":-32603,"data":{"uri":"u"}}'],
    ['EC-data-text', '{"code":1,"data":"gone"}', 'u', '{"code":-32603,"data":{"uri":"u"}}'],
    ['EC-data-twice', '{"code":1,"data":{},"data":{"uri":"x"}}', 'u', '{"code":-32603,"data":{"uri":"u"}}'],
  ])('%s gets another code', (_id, error, uri, expected) => {
    const message = gated(errorText(error));
    expect(edited(message, errorCodeEdits(message.bytes, message.envelope, -32603, uri))).toBe(errorText(expected));
  });

  it('must be one', () => {
    const { bytes, envelope } = gated('{"jsonrpc":"2.0","id":7,"result":{}}');
    expect(() => errorCodeEdits(bytes, envelope, 1)).toThrow(/no error/);
  });

  it('says which capabilities were missing', () => {
    const read = (error: string) => {
      const { bytes, envelope } = gated(errorText(error));
      return missingCapabilities(bytes, envelope);
    };
    expect(read('{"code":-32021,"data":{"requiredCapabilities":{"sampling":{}}}}')).toEqual({ sampling: {} });
    expect(read('{"code":-32021}')).toBeUndefined();
  });

  it('can be told to the model', () => {
    const legacy = gated(toolErrorResponse('7', 'no "way"', 'legacy'));
    expect(legacy.envelope).toMatchObject({ id: '7', resultIsError: true, resultType: undefined });
    expect(JSON.parse(legacy.bytes.toString('utf8'))).toMatchObject({
      result: { content: [{ type: 'text', text: 'no "way"' }] },
    });
    expect(gated(toolErrorResponse('7', '', 'modern')).envelope).toMatchObject({ resultIsError: true, resultType: 'complete' });
  });
});
