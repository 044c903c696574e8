import fc from 'fast-check';
import { edited, gated, requestText, resultText } from './gated.fixture.js';
import { inputRequiredResponse, MOST_INPUTS, readInputRequired } from './input-requests.js';
import { elicitAction, firstRoundEdits, readInputResponses, retryEdits } from './input-responses.js';

const read = (result: string) => {
  const { bytes, envelope } = gated(resultText(result));
  return readInputRequired(bytes, envelope);
};

describe('a result of type input_required', () => {
  it.each<readonly [id: string, result: string, expected: object]>([
    [
      'IR-one',
      '{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":{"message":"m","n":1.0}}}}',
      { requests: [{ key: 'a', method: 'elicitation/create', paramsJson: '{"message":"m","n":1.0}' }] },
    ],
    [
      'IR-three-and-state',
      '{"inputRequests":{"r":{"method":"roots/list"},"s":{"params":{},"method":"sampling/createMessage"},"":{"method":"roots/list","params":{}}},"requestState":"a\\u0062"}',
      {
        requests: [
          { key: 'r', method: 'roots/list', paramsJson: undefined },
          { key: 's', method: 'sampling/createMessage', paramsJson: '{}' },
          { key: '', method: 'roots/list', paramsJson: '{}' },
        ],
        requestStateJson: '"a\\u0062"',
      },
    ],
    ['IR-state-only', '{"requestState":""}', { requests: [], requestStateJson: '""' }],
    ['IR-no-requests-and-state', '{"inputRequests":{},"requestState":"x"}', { requests: [], requestStateJson: '"x"' }],
    ['IR-key-proto', '{"inputRequests":{"__proto__":{"method":"roots/list"}}}', { requests: [{ key: '__proto__' }] }],
  ])('%s is read', (_id, result, expected) => {
    expect(read(result)).toMatchObject({ ok: true, ...expected });
  });

  it.each<readonly [id: string, result: string, fault: string]>([
    ['IF-nothing', '{"resultType":"input_required"}', 'nothing_asked'],
    ['IF-empty', '{"inputRequests":{}}', 'nothing_asked'],
    ['IF-array', '{"inputRequests":[]}', 'not_an_object'],
    ['IF-null', '{"inputRequests":null}', 'not_an_object'],
    ['IF-entry', '{"inputRequests":{"a":1}}', 'not_an_object'],
    ['IF-params', '{"inputRequests":{"a":{"method":"roots/list","params":[]}}}', 'not_an_object'],
    ['IF-no-params', '{"inputRequests":{"a":{"method":"elicitation/create"}}}', 'not_an_object'],
    ['IF-no-method', '{"inputRequests":{"a":{}}}', 'unknown_method'],
    ['IF-method', '{"inputRequests":{"a":{"method":"tools/call","params":{}}}}', 'unknown_method'],
    ['IF-method-number', '{"inputRequests":{"a":{"method":1,"params":{}}}}', 'unknown_method'],
    ['IF-twice', '{"inputRequests":{"a":{"method":"roots/list"},"\\u0061":{"method":"roots/list"}}}', 'repeated_key'],
    ['IF-state', '{"requestState":1}', 'state_not_text'],
    [
      'IF-many',
      `{"inputRequests":{${Array.from({ length: MOST_INPUTS + 1 }, (_, index) => `"${index}":{"method":"roots/list"}`).join(',')}}}`,
      'too_many',
    ],
  ])('%s is a fault', (_id, result, fault) => {
    expect(read(result)).toEqual({ ok: false, fault });
  });

  it('is read as it was written', () => {
    const params = fc
      .dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 2 }))
      .map((value) => JSON.stringify(value));
    const request = fc.record({
      key: fc.string({ unit: 'grapheme' }),
      method: fc.constantFrom('elicitation/create' as const, 'sampling/createMessage' as const),
      paramsJson: params,
    });
    const requests = fc.uniqueArray(request, { selector: ({ key }) => key, minLength: 1, maxLength: 5 });
    const state = fc.option(
      fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text)),
      { nil: undefined },
    );
    fc.assert(
      fc.property(requests, state, fc.boolean(), (list, requestStateJson, hasInfo) => {
        const asked = { requests: list, requestStateJson };
        const bytes = inputRequiredResponse('"x"', asked, hasInfo ? '{"name":"gw","version":"1"}' : undefined);
        const { envelope } = gated(bytes);
        expect(envelope).toMatchObject({ id: '"x"', resultType: 'input_required' });
        expect(readInputRequired(bytes, envelope)).toEqual({ ok: true, ...asked });
      }),
    );
  });

  it('asks for something', () => {
    expect(() => inputRequiredResponse('1', { requests: [] })).toThrow(/asks for something/);
  });
});

describe('the retry of a request', () => {
  const answers = [
    { key: 'a', resultJson: '{"action":"accept","content":{"n":1.50}}' },
    { key: '"', resultJson: '{"roots":[]}' },
  ];
  const both = `"inputResponses":{"a":${answers[0]?.resultJson},"\\"":{"roots":[]}},"requestState":"s"`;

  it.each([
    ['RT-plain', '{"name":"t","x":1.0}', `{"name":"t","x":1.0,${both}}`],
    [
      'RT-second-round',
      '{"requestState":"old","name":"t","inputResponses":{"z":{}}}',
      `{"requestState":"s","name":"t","inputResponses":{"a":${answers[0]?.resultJson},"\\"":{"roots":[]}}}`,
    ],
  ])('%s carries answers and state', (_id, params, expected) => {
    const message = gated(requestText('tools/call', params));
    const edits = retryEdits(message.bytes, message.envelope, { answers, requestStateJson: '"s"' });
    expect(edited(message, edits)).toBe(requestText('tools/call', expected));
  });

  it('carries nothing of an earlier round that this one does not have', () => {
    const message = gated(requestText('tools/call', '{"name":"t","requestState":"old","inputResponses":{"z":{}}}'));
    const retry = (requestStateJson?: string) =>
      edited(message, retryEdits(message.bytes, message.envelope, { answers: [], requestStateJson }));
    expect(retry()).toBe(requestText('tools/call', '{"name":"t"}'));
    expect(retry('"n"')).toBe(requestText('tools/call', '{"name":"t","requestState":"n"}'));
    expect(edited(message, firstRoundEdits(message.bytes, message.envelope))).toBe(requestText('tools/call', '{"name":"t"}'));
  });

  it('leaves a first request alone', () => {
    const message = gated(requestText('tools/call', '{ "name":"t" }'));
    expect(firstRoundEdits(message.bytes, message.envelope)).toEqual([]);
  });

  it.each<readonly [id: string, params: string, expected: object | undefined]>([
    ['RR-none', '{}', undefined],
    ['RR-empty', '{"inputResponses":{}}', { ok: true, answers: [] }],
    [
      'RR-two',
      '{"inputResponses":{"a":{"action":"decline"},"b":{ "roots":[] }}}',
      {
        ok: true,
        answers: [
          { key: 'a', resultJson: '{"action":"decline"}' },
          { key: 'b', resultJson: '{ "roots":[] }' },
        ],
      },
    ],
    ['RR-array', '{"inputResponses":[]}', { ok: false, fault: 'not_an_object' }],
    ['RR-entry', '{"inputResponses":{"a":"yes"}}', { ok: false, fault: 'not_an_object' }],
    ['RR-twice', '{"inputResponses":{"a":{},"a":{}}}', { ok: false, fault: 'repeated_key' }],
    [
      'RR-many',
      `{"inputResponses":{${Array.from({ length: MOST_INPUTS + 1 }, (_, index) => `"${index}":{}`).join(',')}}}`,
      { ok: false, fault: 'too_many' },
    ],
  ])('%s: its answers are read', (_id, params, expected) => {
    const { bytes, envelope } = gated(requestText('tools/call', params));
    expect(readInputResponses(bytes, envelope)).toEqual(expected);
  });

  it.each([
    ['EA-accept', '{"action":"accept","content":{}}', 'accept'],
    ['EA-decline', '{"action":"decline"}', 'decline'],
    ['EA-cancel', '{"content":{"action":"accept"},"action":"cancel"}', 'cancel'],
    ['EA-unknown', '{"action":"maybe"}', undefined],
    ['EA-roots', '{"roots":[]}', undefined],
  ])('%s: how a user answered', (_id, resultJson, action) => {
    expect(elicitAction(resultJson)).toBe(action);
  });
});
