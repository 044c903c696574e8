import { NO_FIELDS } from './field-paths.js';
import { renderPayload } from './render-payload.js';

const key = Buffer.alloc(32, 1);
const plan = (mode: 'redacted' | 'full', limitBytes: number) => ({ mode, limitBytes, clear: NO_FIELDS, clearResult: NO_FIELDS });
const rendered = (...args: Parameters<typeof renderPayload>) => JSON.parse(renderPayload(...args).toString()) as unknown;

describe('what is kept of a call', () => {
  it('full: parts are kept byte for byte', () => {
    const parts = { arguments: Buffer.from('{"a": 12345678901234567890, "b":1.0}'), result: Buffer.from('{}') };
    expect(renderPayload(plan('full', 1_024), parts, key).toString()).toBe(
      '{"mode":"full","arguments":{"a": 12345678901234567890, "b":1.0},"result":{}}',
    );
  });

  it.each([
    ['between characters', '"aaaaü"', 5, '"aaaa'],
    ['within a character', '"aaaaü"', 6, '"aaaa'],
    ['behind a character', '"aaaaü"', 7, '"aaaaü'],
  ])('full: what is too long is cut %s', (_id, text, limit, start) => {
    expect(rendered(plan('full', limit), { error: Buffer.from(text) }, key)).toEqual({
      mode: 'full',
      error: { truncated: true, bytes: 8, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string, start },
    });
  });

  it('redacted: of what is too long there is its length, and no digest that anybody could try values against', () => {
    const [one, other] = [key, Buffer.alloc(32, 2)].map((own) =>
      rendered(plan('redacted', 4), { result: Buffer.from('"aaaa"') }, own),
    );
    expect(one).toEqual({
      mode: 'redacted',
      result: { omitted: 'too_long', bytes: 6, digest: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/) as string },
    });
    expect(other).not.toEqual(one);
  });

  it('has only the parts that there are', () => {
    expect(rendered(plan('redacted', 100), {}, key)).toEqual({ mode: 'redacted' });
  });
});
