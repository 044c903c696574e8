import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import type { Envelope, Range } from './envelope.js';
import { scanMessage } from './gate.js';

type Members = readonly (readonly [key: string, value: string])[];

const RUNS = { numRuns: 300 };

/** JSON text of any value, written in an unusual way: white space, escapes, duplicate keys. */
const jsonText = (): fc.Arbitrary<string> =>
  fc
    .tuple(fc.jsonValue({ maxDepth: 4, stringUnit: 'grapheme' }), fc.constantFrom('', ' ', '\n', '\t '), fc.boolean())
    .map(([value, space, escaped]) => {
      const text = JSON.stringify(value, undefined, space);
      const spelt = escaped
        ? text.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
        : text;
      return `${space}${spelt}${space}`;
    });

/** Plain runs, which are read by the word, broken by what needs escapes. */
const escaped = (): fc.Arbitrary<string> =>
  fc.string({ unit: fc.oneof({ weight: 6, arbitrary: fc.constant('a') }, fc.constantFrom('"', '\\', '\n')), maxLength: 60 });
const wellFormed = (): fc.Arbitrary<string> => fc.oneof(fc.string({ unit: 'grapheme', maxLength: 90 }), escaped());
const quoted = (text: fc.Arbitrary<string>): fc.Arbitrary<string> => text.map((value) => JSON.stringify(value));
const id = (): fc.Arbitrary<string> => fc.oneof(fc.maxSafeInteger().map(String), quoted(wellFormed()));
const member = (key: string, value: fc.Arbitrary<string>): fc.Arbitrary<readonly [string, string]> =>
  value.map((text) => [key, text] as const);

/** Some of the members, in any order, among strangers. */
function object(
  members: readonly fc.Arbitrary<readonly [string, string]>[],
  required: readonly fc.Arbitrary<readonly [string, string]>[] = [],
): fc.Arbitrary<string> {
  const strangers = fc.array(
    fc.tuple(
      wellFormed().map((key) => `x${key}`),
      jsonText(),
    ),
    { maxLength: 3 },
  );
  const chosen = fc.tuple(...members.map((one) => fc.option(one, { nil: undefined })));
  return fc
    .tuple(fc.tuple(...required), chosen, strangers)
    .chain(([all, some, strange]) => {
      const list = [...all, ...some.filter((one) => one !== undefined), ...strange];
      return fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length });
    })
    .map((list: Members) => `{${list.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(' , ')}}`);
}

const meta = (): fc.Arbitrary<string> =>
  object([
    member('progressToken', id()),
    member('traceparent', quoted(wellFormed())),
    member('io.modelcontextprotocol/protocolVersion', jsonText()),
    member('io.modelcontextprotocol/clientCapabilities', jsonText()),
    member('io.modelcontextprotocol/clientInfo', jsonText()),
  ]);
const ref = (): fc.Arbitrary<string> =>
  object(['type', 'name', 'uri'].map((key) => member(key, fc.oneof(quoted(wellFormed()), jsonText()))));
const params = (): fc.Arbitrary<string> =>
  object([
    ...[
      'name',
      'uri',
      'cursor',
      'arguments',
      'requestId',
      'progressToken',
      'level',
      'task',
      'taskId',
      'inputResponses',
      'requestState',
    ].map((key) => member(key, fc.oneof(quoted(wellFormed()), jsonText()))),
    member('_meta', meta()),
    member('ref', ref()),
  ]);
const version = member('jsonrpc', fc.constant('"2.0"'));
const method = member('method', quoted(fc.oneof(wellFormed(), fc.constantFrom('tools/call', 'notifications/progress'))));
const request = (): fc.Arbitrary<string> => object([member('params', params())], [version, method, member('id', id())]);
const notification = (): fc.Arbitrary<string> => object([member('params', params())], [version, method]);
const result = (): fc.Arbitrary<string> =>
  object([
    member('isError', fc.oneof(fc.constantFrom('true', 'false'), jsonText())),
    member('resultType', jsonText()),
    member('content', jsonText()),
    member('structuredContent', jsonText()),
    member('inputRequests', jsonText()),
    member('requestState', jsonText()),
  ]);
/** What may stand where the gate looks at members: the name `__proto__` is refused there. */
const plainJson = (): fc.Arbitrary<string> => jsonText().filter((text) => !text.includes('__proto__'));
const response = (): fc.Arbitrary<string> =>
  fc.oneof(
    object([], [version, member('id', id()), member('result', fc.oneof(result(), plainJson()))]),
    object([], [version, member('id', id()), member('error', fc.oneof(object([member('code', jsonText())]), plainJson()))]),
  );
const message = (): fc.Arbitrary<string> => fc.oneof(request(), notification(), response());

type Parsed = Record<string, unknown>;
const isRecord = (value: unknown): value is Parsed => typeof value === 'object' && value !== null && !Array.isArray(value);
const record = (value: unknown): Parsed => (isRecord(value) ? value : {});
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const has = (value: Parsed, key: string): boolean => Object.hasOwn(value, key);

/** What the envelope must say, read from JSON.parse's values. */
function expectedOf(root: Parsed): Partial<Record<keyof Envelope, unknown>> {
  const ownParams = record(root['params']);
  const ownMeta = record(ownParams['_meta']);
  const ownRef = record(ownParams['ref']);
  const ownResult = record(root['result']);
  const code = record(root['error'])['code'];
  return {
    kind: !has(root, 'method') ? 'response' : has(root, 'id') ? 'request' : 'notification',
    method: root['method'] ?? '',
    name: textOf(ownParams['name']),
    uri: textOf(ownParams['uri']),
    cursor: textOf(ownParams['cursor']),
    traceparent: textOf(ownMeta['traceparent']),
    protocolVersion: textOf(ownMeta['io.modelcontextprotocol/protocolVersion']),
    hasProtocolVersionKey: has(ownMeta, 'io.modelcontextprotocol/protocolVersion'),
    refType: textOf(ownRef['type']),
    refName: textOf(ownRef['name']),
    refUri: textOf(ownRef['uri']),
    resultType: textOf(ownResult['resultType']),
    resultIsError: isRecord(root['result']) ? ownResult['isError'] === true : undefined,
    ...(Number.isSafeInteger(code) ? { errorCode: code } : {}),
  };
}

/** Every range, with the value that its text must parse to. */
function rangesOf(envelope: Envelope, root: Parsed): readonly (readonly [string, Range | undefined, unknown])[] {
  const ownParams = record(root['params']);
  const ownMeta = record(ownParams['_meta']);
  const ownRef = record(ownParams['ref']);
  const token =
    envelope.method === 'notifications/progress'
      ? ownParams['progressToken']
      : envelope.kind === 'request'
        ? ownMeta['progressToken']
        : undefined;
  const scalar = (value: unknown): unknown => (typeof value === 'string' || typeof value === 'number' ? value : undefined);
  return [
    ['id', envelope.idRange, root['id']],
    ['params', envelope.paramsRange, root['params']],
    ['name', envelope.nameRange, textOf(ownParams['name'])],
    ['uri', envelope.uriRange, textOf(ownParams['uri'])],
    ['cursor', envelope.cursorRange, ownParams['cursor']],
    ['arguments', envelope.argumentsRange, ownParams['arguments']],
    ['task', envelope.taskRange, ownParams['task']],
    ['requestId', envelope.requestIdRange, scalar(ownParams['requestId'])],
    ['progressToken', envelope.progressTokenRange, scalar(token)],
    ['_meta', envelope.metaRange, ownParams['_meta']],
    ['capabilities', envelope.clientCapabilitiesRange, ownMeta['io.modelcontextprotocol/clientCapabilities']],
    ['clientInfo', envelope.clientInfoRange, ownMeta['io.modelcontextprotocol/clientInfo']],
    ['ref', envelope.refRange, ownParams['ref']],
    ['refName', envelope.refNameRange, textOf(ownRef['name'])],
    ['refUri', envelope.refUriRange, textOf(ownRef['uri'])],
    ['inputResponses', envelope.inputResponsesRange, ownParams['inputResponses']],
    ['requestState', envelope.requestStateRange, { ...ownParams, ...record(root['result']) }['requestState']],
    ['inputRequests', envelope.inputRequestsRange, record(root['result'])['inputRequests']],
    ['result', envelope.resultRange, root['result']],
    ['error', envelope.errorRange, root['error']],
  ];
}

/** Good JSON by every measure but our own scanner's: JSON.parse, and every string in it well formed. */
function isGoodJson(bytes: Buffer): boolean {
  if (!isUtf8(bytes)) return false;
  const text = bytes.toString('utf8');
  try {
    JSON.parse(text);
  } catch {
    return false;
  }
  return (text.match(/"(?:[^"\\]|\\.)*"/gs) ?? []).every((token) => String(JSON.parse(token)).isWellFormed());
}

const MUTATIONS = Buffer.from('{}[]",:\\/u0123456789abcdefDE+-. \n\ttrunsl\u0000\u001f\u007fé');

interface Mutation {
  readonly place: number;
  readonly kind: 'replace' | 'insert' | 'remove' | 'any';
  readonly byte: number;
}

const mutation = (): fc.Arbitrary<Mutation> =>
  fc.record({
    place: fc.nat(),
    kind: fc.constantFrom('replace', 'insert', 'remove', 'any'),
    byte: fc.integer({ min: 0, max: 255 }),
  });

function mutate(bytes: Buffer, { place, kind, byte }: Mutation): Buffer {
  const at = bytes.length === 0 ? 0 : place % bytes.length;
  const chosen = Buffer.from([kind === 'any' ? byte : (MUTATIONS[byte % MUTATIONS.length] ?? 0)]);
  const rest = bytes.subarray(kind === 'insert' ? at : at + 1);
  return Buffer.concat([bytes.subarray(0, at), ...(kind === 'remove' ? [] : [chosen]), rest]);
}

describe('scanMessage, for all messages', () => {
  it('says of every valid message what JSON.parse says', () => {
    fc.assert(
      fc.property(message(), (text) => {
        const envelope = scanMessage(Buffer.from(text));
        const root = record(JSON.parse(text));
        expect(envelope).toMatchObject({ ok: true, ...expectedOf(root) });
      }),
      RUNS,
    );
  });

  it('gives ranges whose text parses to the member', () => {
    fc.assert(
      fc.property(message(), (text) => {
        const bytes = Buffer.from(text);
        const envelope = scanMessage(bytes);
        if (!envelope.ok) throw new Error(envelope.message);
        for (const [name, range, value] of rangesOf(envelope, record(JSON.parse(text)))) {
          const slice = range && bytes.toString('utf8', range.start, range.end);
          expect([name, slice === undefined ? undefined : JSON.parse(slice)]).toEqual([name, value]);
          expect(slice).toBe(slice?.trim());
        }
      }),
      RUNS,
    );
  });

  it('keeps ids and tokens as text', () => {
    fc.assert(
      fc.property(id(), id(), (own, token) => {
        const text = `{"jsonrpc":"2.0","id": ${own} ,"method":"m","params":{"_meta":{"progressToken":${token}}}}`;
        expect(scanMessage(Buffer.from(text))).toMatchObject({ id: own, progressToken: token });
      }),
    );
  });

  it('takes for JSON exactly what JSON.parse does, however a message is mangled', () => {
    fc.assert(
      fc.property(message(), fc.array(mutation(), { minLength: 1, maxLength: 4 }), (text, mutations) => {
        const bytes = mutations.reduce(mutate, Buffer.from(text));
        const verdict = scanMessage(bytes);
        expect(verdict.ok || verdict.reason === 'invalid_request').toBe(isGoodJson(bytes));
      }),
      { numRuns: 3_000 },
    );
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(80), (bytes, maxDepth) => {
        expect(typeof scanMessage(Buffer.from(bytes), { maxDepth }).ok).toBe('boolean');
      }),
      { numRuns: 1_000 },
    );
  });

  it('refuses every owned key that is spelt in another case or form beside the right one', () => {
    const owned = fc.constantFrom(
      ['', 'method'],
      ['', 'params'],
      ['params', 'name'],
      ['params', 'arguments'],
      ['params', 'requestState'],
      ['params', 'inputResponses'],
      ['_meta', 'progressToken'],
    );
    const forms = [
      (letter: string) => letter.toUpperCase(),
      (letter: string) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0),
      (letter: string) => letter,
    ];
    const escapes = fc.boolean();
    fc.assert(
      fc.property(
        owned,
        fc.array(fc.constantFrom(...forms), { minLength: 14, maxLength: 14 }),
        escapes,
        ([where, key], spellings, escaped) => {
          const spelt = [...(key ?? '')].map((letter, index) => spellings[index]?.(letter) ?? letter).join('');
          const written = escaped
            ? [...spelt].map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')
            : spelt;
          const twice = (place: string): string => (place === where ? `"${written}":{},` : '');
          const text = `{${twice('')}"jsonrpc":"2.0","id":1,"method":"m","params":{${twice('params')}"name":"n","arguments":{},"inputResponses":{},"requestState":"s","_meta":{${twice('_meta')}"progressToken":1}}}`;
          expect(scanMessage(Buffer.from(text))).toMatchObject({ ok: false, reason: 'invalid_request' });
        },
      ),
    );
  });
});
