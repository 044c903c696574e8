import fc from 'fast-check';
import { joinBatch, splitBatch } from './batch.js';

const split = (text: string | Buffer, limits?: Parameters<typeof splitBatch>[1]) =>
  splitBatch(Buffer.from(text as string), limits);
const ping = (id: unknown) => JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' });
const nested = (depth: number) =>
  `{"jsonrpc":"2.0","id":1,"method":"x","params":${'{"a":'.repeat(depth - 2)}{}${'}'.repeat(depth - 2)}}`;

describe('splitBatch', () => {
  it('finds messages of all kinds, as they were written', () => {
    const texts = [ping(1), '{"jsonrpc":"2.0","method":"n","params":{"n":1.0}}', '{"jsonrpc":"2.0","id":"a","result":{}}'];
    const bytes = Buffer.from(` [ ${texts.join(' ,\n')} ] `);
    const verdict = splitBatch(bytes);
    if (!verdict.ok) throw new Error(verdict.message);
    expect(verdict.messages.map((message) => message.bytes.toString('utf8'))).toEqual(texts);
    expect(verdict.messages.map(({ range }) => bytes.toString('utf8', range.start, range.end))).toEqual(texts);
    expect(verdict.messages.map(({ scanned }) => scanned.ok && scanned.kind)).toEqual(['request', 'notification', 'response']);
  });

  it.each<readonly [id: string, body: string | Buffer, reason: string]>([
    ['BA-empty', '[]', 'invalid_request'],
    ['BA-empty-space', ' [ ] ', 'invalid_request'],
    ['BA-object', ping(1), 'invalid_request'],
    ['BA-nothing', '', 'invalid_request'],
    ['BA-open', `[${ping(1)}`, 'parse_error'],
    ['BA-only-open', '[', 'parse_error'],
    ['BA-comma-last', `[${ping(1)},]`, 'parse_error'],
    ['BA-comma-first', `[,${ping(1)}]`, 'parse_error'],
    ['BA-no-comma', `[${ping(1)} ${ping(2)}]`, 'parse_error'],
    ['BA-brace', `[${ping(1)}}`, 'parse_error'],
    ['BA-after', `[${ping(1)}] x`, 'parse_error'],
    ['BA-two', `[${ping(1)}][${ping(1)}]`, 'parse_error'],
    ['BA-bom', `\ufeff[${ping(1)}]`, 'parse_error'],
    ['BA-utf8', Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]), 'parse_error'],
    ['BA-lone-surrogate', '["\\ud800"]', 'parse_error'],
    ['BA-many', `[${Array.from({ length: 101 }, (_, index) => ping(index)).join(',')}]`, 'invalid_request'],
    ['BA-initialize', `[{"jsonrpc":"2.0","id":1,"method":"initialize"},${ping(2)}]`, 'invalid_request'],
    ['BA-initialize-alone', '[{"jsonrpc":"2.0","id":1,"method":"initialize"}]', 'invalid_request'],
    [
      'BA-modern',
      '[{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}]',
      'invalid_request',
    ],
    ['BA-same-id', `[${ping('a')},{"jsonrpc":"2.0","id":"\\u0061","method":"ping"}]`, 'invalid_request'],
    ['BA-too-deep', `[${nested(65)}]`, 'parse_error'],
  ])('%s is refused as a whole', (_id, body, reason) => {
    expect(split(body)).toMatchObject({ ok: false, reason });
  });

  it.each([
    ['BA-number', '7'],
    ['BA-batch-in-batch', `[${ping(1)}]`],
    ['BA-no-version', '{"id":1,"method":"x"}'],
    ['BA-owned-key-twice', '{"jsonrpc":"2.0","id":1,"method":"x","method":"y"}'],
  ])('%s is refused by itself', (_id, element) => {
    const verdict = split(`[${ping(9)},${element}]`);
    expect(verdict).toMatchObject({
      ok: true,
      messages: [{ scanned: { ok: true } }, { scanned: { reason: 'invalid_request' } }],
    });
  });

  it('takes a message as deep, and as many, as the limits say', () => {
    expect(split(`[${nested(64)}]`)).toMatchObject({ ok: true, messages: [{ scanned: { ok: true } }] });
    expect(split(`[${nested(5)}]`, { maxDepth: 5 })).toMatchObject({ ok: true, messages: [{ scanned: { ok: true } }] });
    expect(split(`[${nested(6)}]`, { maxDepth: 5 })).toMatchObject({ ok: false });
    expect(split(`[${ping(1)},${ping(2)}]`, { maxMessages: 2 }).ok).toBe(true);
    expect(split(`[${ping(1)},${ping(2)}]`, { maxMessages: 1 }).ok).toBe(false);
    expect(split(`[${Array.from({ length: 100 }, (_, index) => ping(index)).join(',')}]`).ok).toBe(true);
  });

  it('takes equal ids of requests and responses, and of numbers and text, for different ones', () => {
    expect(split(`[${ping(1)},${ping('1')},{"jsonrpc":"2.0","id":1,"result":{}}]`).ok).toBe(true);
  });

  it('splits what joinBatch joins, and takes for JSON what JSON.parse does', () => {
    const element = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value)),
      fc.constantFrom(ping(1), ping('x'), '{"jsonrpc":"2.0","method":"n"}'),
    );
    const whole = fc.array(element, { minLength: 1, maxLength: 6 });
    const cut = fc.option(fc.tuple(fc.nat(), fc.constantFrom('', ',', ']', '[', '"', '}')), { nil: undefined });
    fc.assert(
      fc.property(whole, cut, (elements, mutation) => {
        const joined = joinBatch(elements.map((text) => Buffer.from(text)))?.toString('utf8') ?? '';
        const at = mutation === undefined ? 0 : mutation[0] % (joined.length + 1);
        const text = mutation === undefined ? joined : joined.slice(0, at) + mutation[1] + joined.slice(at + 1);
        let parsed: unknown;
        try {
          parsed = JSON.parse(text);
        } catch {
          parsed = undefined;
        }
        const verdict = split(text);
        if (!verdict.ok)
          return expect(verdict.reason === 'parse_error').toBe(parsed === undefined && text.trim().startsWith('['));
        expect(verdict.messages.map(({ bytes }) => JSON.parse(bytes.toString('utf8')) as unknown)).toEqual(parsed);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('joinBatch', () => {
  it('has nothing to say where nothing was asked', () => {
    expect(joinBatch([])).toBeUndefined();
    expect(joinBatch([Buffer.from('{"n":1.0}')])?.toString('utf8')).toBe('[{"n":1.0}]');
  });
});
