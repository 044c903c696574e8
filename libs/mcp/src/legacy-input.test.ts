import { gated, requestText } from './gated.fixture.js';
import { inputAnswerOf, inputRequestOf, legacyServerRequest } from './legacy-input.js';
import { REVISION_2025_06_18 } from './revisions/2025-06-18.js';
import { REVISION_2025_11_25 } from './revisions/2025-11-25.js';
import { readUrlElicitations, urlElicitationRequired } from './url-elicitations.js';

const errorText = (error: string) => `{"jsonrpc":"2.0","id":7,"error":${error}}`;

describe('a legacy server’s request as an input request', () => {
  it.each<readonly [id: string, method: string, params: string | undefined, expected: object | undefined]>([
    ['LI-ping', 'ping', undefined, undefined],
    ['LI-task', 'tasks/get', '{"taskId":"1"}', undefined],
    ['LI-roots', 'roots/list', undefined, { request: { key: 'k', method: 'roots/list' } }],
    ['LI-roots-meta', 'roots/list', '{"_meta":{"progressToken":0}}', { request: { paramsJson: '{}' } }],
    ['LI-no-params', 'elicitation/create', undefined, undefined],
    [
      'LI-form',
      'elicitation/create',
      '{"message":"m","requestedSchema":{"type":"object","x":1.0},"_meta":{"progressToken":1,"traceparent":"t"},"task":{}}',
      { request: { paramsJson: '{"message":"m","requestedSchema":{"type":"object","x":1.0},"_meta":{"traceparent":"t"}}' } },
    ],
    [
      'LI-url',
      'elicitation/create',
      '{"mode":"url","elicitationId":"e-1","message":"m","url":"https://x"}',
      { elicitationId: 'e-1', request: { paramsJson: '{"mode":"url","message":"m","url":"https://x"}' } },
    ],
    [
      'LI-sampling',
      'sampling/createMessage',
      '{"messages":[],"maxTokens":1e2,"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"1"}}}',
      { request: { method: 'sampling/createMessage', paramsJson: '{"messages":[],"maxTokens":1e2}' } },
    ],
  ])('%s', (_id, method, params, expected) => {
    const text = params === undefined ? `{"jsonrpc":"2.0","id":0,"method":"${method}"}` : requestText(method, params);
    const { bytes, envelope } = gated(text);
    const asked = inputRequestOf(bytes, envelope, 'k');
    if (expected === undefined) expect(asked).toBeUndefined();
    else expect(asked).toMatchObject(expected);
  });
});

describe('an input request as a legacy server’s', () => {
  const elicit = (paramsJson: string) => ({ key: 'k', method: 'elicitation/create' as const, paramsJson });
  it.each([
    [
      'LS-form-new',
      elicit('{"mode":"form","message":"m","n":1.0}'),
      REVISION_2025_11_25,
      '{"mode":"form","message":"m","n":1.0}',
    ],
    ['LS-form-old', elicit('{"mode":"form","message":"m","n":1.0}'), REVISION_2025_06_18, '{"message":"m","n":1.0}'],
    ['LS-url', elicit('{"mode":"url","url":"u"}'), REVISION_2025_11_25, '{"mode":"url","url":"u","elicitationId":"e\\"1"}'],
    [
      'LS-url-own-id',
      elicit('{"elicitationId":"x","mode":"url"}'),
      REVISION_2025_11_25,
      '{"elicitationId":"e\\"1","mode":"url"}',
    ],
    [
      'LS-sampling',
      { key: 'k', method: 'sampling/createMessage' as const, paramsJson: '{"mode":"form"}' },
      REVISION_2025_06_18,
      '{"mode":"form"}',
    ],
  ])('%s', (_id, request, client, params) => {
    const bytes = legacyServerRequest('"g-1"', request, client, 'e"1');
    expect(bytes.toString('utf8')).toBe(`{"jsonrpc":"2.0","id":"g-1","method":"${request.method}","params":${params}}`);
    expect(gated(bytes).envelope.kind).toBe('request');
  });

  it('LS-roots has no params', () => {
    const bytes = legacyServerRequest('0', { key: 'k', method: 'roots/list' }, REVISION_2025_11_25, 'e');
    expect(bytes.toString('utf8')).toBe('{"jsonrpc":"2.0","id":0,"method":"roots/list"}');
  });
});

describe('a legacy client’s response as an answer', () => {
  it.each([
    ['LA-result', '{"jsonrpc":"2.0","id":1,"result":{"action":"accept","n":1.0}}', '{"action":"accept","n":1.0}'],
    ['LA-no-object', '{"jsonrpc":"2.0","id":1,"result":true}', undefined],
    ['LA-error', errorText('{"code":-1,"message":"User rejected"}'), undefined],
  ])('%s', (_id, text, resultJson) => {
    const { bytes, envelope } = gated(text);
    expect(inputAnswerOf('k', bytes, envelope)?.resultJson).toBe(resultJson);
  });
});

describe('the error that asks for elicitations by URL', () => {
  const one = '{"mode":"url","elicitationId":"e-1","message":"m","url":"https://x","n":1.0}';
  const two = '{"elicitationId":"e-2","url":"https://y","message":"m","mode":"url"}';

  it('is read', () => {
    const { bytes, envelope } = gated(errorText(`{"code":-32042,"message":"x","data":{"elicitations":[${one} , ${two}]}}`));
    expect(readUrlElicitations(bytes, envelope)).toEqual([
      {
        request: {
          key: 'url-1',
          method: 'elicitation/create',
          paramsJson: '{"mode":"url","message":"m","url":"https://x","n":1.0}',
        },
        elicitationId: 'e-1',
      },
      {
        request: { key: 'url-2', method: 'elicitation/create', paramsJson: '{"url":"https://y","message":"m","mode":"url"}' },
        elicitationId: 'e-2',
      },
    ]);
  });

  it.each([
    ['UE-other-code', `{"code":-32002,"message":"x","data":{"elicitations":[${one}]}}`],
    ['UE-no-data', '{"code":-32042,"message":"x"}'],
    ['UE-data-array', `{"code":-32042,"message":"x","data":[${one}]}`],
    ['UE-empty', '{"code":-32042,"message":"x","data":{"elicitations":[]}}'],
    [
      'UE-form',
      '{"code":-32042,"message":"x","data":{"elicitations":[{"mode":"form","elicitationId":"1","message":"m","url":"u"}]}}',
    ],
    ['UE-no-id', '{"code":-32042,"message":"x","data":{"elicitations":[{"mode":"url","message":"m","url":"u"}]}}'],
    ['UE-one-bad', `{"code":-32042,"message":"x","data":{"elicitations":[${one},1]}}`],
  ])('%s is not read', (_id, error) => {
    const { bytes, envelope } = gated(errorText(error));
    expect(readUrlElicitations(bytes, envelope)).toBeUndefined();
  });

  it('is written as it is read', () => {
    const { bytes, envelope } = gated(errorText(`{"code":-32042,"message":"x","data":{"elicitations":[${one},${two}]}}`));
    const asked = readUrlElicitations(bytes, envelope) ?? [];
    const written = gated(urlElicitationRequired('7', 'Sign in "first".', asked));
    expect(written.envelope).toMatchObject({ kind: 'response', id: '7', errorCode: -32042 });
    expect(readUrlElicitations(written.bytes, written.envelope)).toEqual(asked);
  });

  it('cannot ask for anything else', () => {
    const request = { key: 'k', method: 'elicitation/create' as const, paramsJson: '{"mode":"form"}' };
    expect(() => urlElicitationRequired('1', 'm', [{ request, elicitationId: 'e' }])).toThrow(/only elicitations by URL/);
    expect(() =>
      urlElicitationRequired('1', 'm', [{ request: { key: 'k', method: 'roots/list' }, elicitationId: 'e' }]),
    ).toThrow();
  });
});
