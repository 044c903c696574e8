import type { Envelope, Range } from './envelope.js';
import { isBatch, scanMessage } from './gate.js';

function read(text: string): { envelope: Envelope; at: (range: Range | undefined) => string | undefined } {
  const bytes = Buffer.from(text);
  const envelope = scanMessage(bytes);
  if (!envelope.ok) throw new Error(envelope.message);
  return { envelope, at: (range) => range && bytes.toString('utf8', range.start, range.end) };
}

describe('scanMessage', () => {
  it('reads a modern tools/call', () => {
    const { envelope, at } = read(
      '{"jsonrpc":"2.0","id":"a\\u0062","method":"tools/call","params":{"name":"écho","arguments":{"name":"x"},"_meta":{' +
        '"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities": {"roots":{}} ,' +
        '"io.modelcontextprotocol/clientInfo":{"name":"c"},"progressToken":0,"traceparent":"00-aa-bb-01","other":[1]}}}',
    );
    expect(envelope).toMatchObject({
      kind: 'request',
      id: '"a\\u0062"',
      method: 'tools/call',
      name: 'écho',
      progressToken: '0',
      protocolVersion: '2026-07-28',
      hasProtocolVersionKey: true,
      traceparent: '00-aa-bb-01',
    });
    expect(at(envelope.idRange)).toBe('"a\\u0062"');
    expect(at(envelope.nameRange)).toBe('"écho"');
    expect(at(envelope.argumentsRange)).toBe('{"name":"x"}');
    expect(at(envelope.progressTokenRange)).toBe('0');
    expect(at(envelope.clientCapabilitiesRange)).toBe('{"roots":{}}');
    expect(at(envelope.clientInfoRange)).toBe('{"name":"c"}');
    expect(at(envelope.metaRange)).toMatch(/^\{"io\..*\[1\]\}$/);
    expect(at(envelope.paramsRange)).toMatch(/^\{"name".*\}\}$/);
    expect(envelope.malformedMetaKey).toBeUndefined();
  });

  it('reads the members in any order', () => {
    const { envelope } = read(
      '{"params":{"_meta":{"progressToken":"t"},"uri":"file:///a"},"method":"resources/read","id":7,"jsonrpc":"2.0"}',
    );
    expect(envelope).toMatchObject({
      kind: 'request',
      id: '7',
      method: 'resources/read',
      uri: 'file:///a',
      progressToken: '"t"',
    });
  });

  it('decodes escapes in keys and values', () => {
    const { envelope, at } = read(
      '{"jsonrpc":"2.0","\\u0069d":1,"m\\u0065thod":"tools\\/call","params":{"n\\u0061me":"a\\nb\\ud83d\\ude00"}}',
    );
    expect(envelope).toMatchObject({ kind: 'request', id: '1', method: 'tools/call', name: 'a\nb😀' });
    expect(at(envelope.nameRange)).toBe('"a\\nb\\ud83d\\ude00"');
  });

  it('reads the ref of completion/complete', () => {
    const { envelope, at } = read(
      '{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"p","uri":"u"},"argument":{}}}',
    );
    expect(envelope).toMatchObject({ refType: 'ref/prompt', refName: 'p', refUri: 'u' });
    expect(at(envelope.refRange)).toBe('{"type":"ref/prompt","name":"p","uri":"u"}');
    expect(at(envelope.refNameRange)).toBe('"p"');
    expect(at(envelope.refUriRange)).toBe('"u"');
  });

  it('takes the token of notifications/progress from params, and no token of other notifications', () => {
    const progress = read(
      '{"jsonrpc":"2.0","method":"notifications/progress","params":{"_meta":{"progressToken":"no"},"progressToken":"yes","progress":1}}',
    );
    expect(progress.envelope).toMatchObject({ kind: 'notification', id: '', progressToken: '"yes"' });
    expect(progress.at(progress.envelope.progressTokenRange)).toBe('"yes"');
    const other = read('{"jsonrpc":"2.0","method":"notifications/x","params":{"_meta":{"progressToken":1},"progressToken":2}}');
    expect(other.envelope.progressToken).toBeUndefined();
    const request = read('{"jsonrpc":"2.0","id":1,"method":"x","params":{"progressToken":2}}');
    expect(request.envelope.progressToken).toBeUndefined();
  });

  it.each([
    ['cancel-number', '7', '7'],
    ['cancel-string', '"7"', '"7"'],
    ['cancel-null', 'null', undefined],
    ['cancel-object', '{}', undefined],
  ])('%s: reads requestId as JSON text', (_id, text, expected) => {
    const { envelope } = read(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${text}}}`);
    expect(envelope.requestId).toBe(expected);
  });

  it('tells an empty cursor from none, and where one of another type stands', () => {
    expect(read('{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":""}}').envelope.cursor).toBe('');
    expect(read('{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}').envelope.cursorRange).toBeUndefined();
    const wrong = read('{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":{"a":1}}}');
    expect(wrong.envelope.cursor).toBeUndefined();
    expect(wrong.at(wrong.envelope.cursorRange)).toBe('{"a":1}');
  });

  it.each([
    ['meta-version', '"io.modelcontextprotocol/protocolVersion":1', 'io.modelcontextprotocol/protocolVersion'],
    ['meta-capabilities', '"io.modelcontextprotocol/clientCapabilities":[]', 'io.modelcontextprotocol/clientCapabilities'],
    ['meta-info', '"io.modelcontextprotocol/clientInfo":"me"', 'io.modelcontextprotocol/clientInfo'],
    ['meta-fine', '"io.modelcontextprotocol/clientInfo":{},"io.modelcontextprotocol/clientCapabilities":{}', undefined],
  ])('%s: names the envelope key of the wrong type', (_id, member, expected) => {
    const { envelope } = read(`{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{${member}}}}`);
    expect(envelope.malformedMetaKey).toBe(expected);
  });

  it.each([
    ['result-plain', '"result":{"content":[]}', { resultIsError: false }],
    ['result-error', '"result":{"isError":true,"content":[]}', { resultIsError: true }],
    ['result-error-text', '"result":{"isError":"true"}', { resultIsError: false }],
    ['result-type', '"result":{"resultType":"input_required"}', { resultIsError: false, resultType: 'input_required' }],
    ['result-array', '"result":[1]', { resultIsError: undefined }],
    ['error', '"error":{"code":-32602,"message":"x"}', { errorCode: -32602 }],
    ['error-code-text', '"error":{"code":"1"}', { errorCode: undefined }],
    ['error-code-fraction', '"error":{"code":1.5}', { errorCode: undefined }],
    ['error-text', '"error":"x"', { errorCode: undefined }],
  ])('%s: reads a response', (_id, member, expected) => {
    const { envelope, at } = read(`{"jsonrpc":"2.0","id":3,${member}}`);
    expect(envelope).toMatchObject({ kind: 'response', id: '3', method: '', ...expected });
    expect(at(envelope.resultRange ?? envelope.errorRange)).toBe(member.slice(member.indexOf(':') + 1));
  });

  it('reads long strings at every alignment', () => {
    for (let shift = 0; shift < 8; shift += 1) {
      for (const length of [0, 1, 62, 63, 64, 65, 66, 67, 68, 127, 128, 129, 1000]) {
        const text = `{"jsonrpc":"2.0","id":1,"method":"m","params":{"arguments":"${'x'.repeat(length)}"}}`;
        const bytes = Buffer.from(' '.repeat(shift) + text).subarray(shift);
        const envelope = scanMessage(bytes);
        expect(envelope).toMatchObject({ ok: true, argumentsRange: { start: 59, end: 61 + length } });
      }
    }
  });

  it('sees every special byte wherever it stands in a long string', () => {
    for (let at = 0; at < 140; at += 1) {
      for (const [special, isFine] of [
        ['\u0000', false],
        ['\u001f', false],
        ['\\', false],
        ['\u0020', true],
        ['!', true],
        ['#', true],
        ['[', true],
        [']', true],
        ['\u007f', true],
      ] as const) {
        const value = `${'é'.repeat(at % 5)}${'x'.repeat(at)}${special}${'y'.repeat(140 - at)}`;
        const bytes = Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"m","params":{"arguments":"${value}"}}`);
        expect([at, special, scanMessage(bytes).ok]).toEqual([at, special, isFine]);
      }
    }
  });

  it('is not led astray by texts that it has seen before', () => {
    const names = ['echo', 'Echo', 'echo ', 'Ã©', 'é', 'é', '', 'e'.repeat(500), 'ecoh', 'eccho'];
    for (let round = 0; round < 3; round += 1) {
      for (const name of names) {
        const { envelope } = read(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } }));
        expect(envelope.name).toBe(name);
      }
    }
  });

  it('does not take a text for the one whose characters are its bytes', () => {
    for (let round = 0; round < 1_000; round += 1) {
      const filling = [3, 5, 7, 11].map((factor) => ((round * factor * 2_654_435_761) >>> 0).toString(36)).join('');
      const name = `éééé${filling}é`;
      const bytesAsText = Buffer.from(name).toString('latin1');
      for (const text of [bytesAsText, name]) {
        expect(read(`{"jsonrpc":"2.0","id":1,"method":"m","params":{"name":"${text}"}}`).envelope.name).toBe(text);
      }
    }
  });
});

describe('isBatch', () => {
  it.each([
    ['batch', '[{}]', true],
    ['batch-space', ' \n\t[', true],
    ['object', '{"a":[]}', false],
    ['object-space', '  {', false],
    ['empty', '', false],
    ['space', '   ', false],
  ])('%s', (_id, text, expected) => {
    expect(isBatch(Buffer.from(text))).toBe(expected);
  });
});
