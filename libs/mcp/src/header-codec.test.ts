import fc from 'fast-check';
import { decodeHeaderValue, encodeHeaderValue } from './header-codec.js';

const base64 = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`;

describe('encodeHeaderValue', () => {
  it.each([
    ['plain', 'echo', 'echo'],
    ['inner-space', 'a b\tc', 'a b\tc'],
    ['uri', 'file:///a?b=c#d', 'file:///a?b=c#d'],
    ['empty', '', base64('')],
    ['leading-space', ' a', base64(' a')],
    ['trailing-tab', 'a\t', base64('a\t')],
    ['unicode', 'é', base64('é')],
    ['line-break', 'a\r\nX: y', base64('a\r\nX: y')],
    ['del', 'a\u007f', base64('a\u007f')],
    ['sentinel', '=?base64?YQ==?=', base64('=?base64?YQ==?=')],
    ['sentinel-overlapping', '=?base64?=', base64('=?base64?=')],
    ['sentinel-open', '=?base64?YQ==', '=?base64?YQ=='],
    ['sentinel-capital', '=?BASE64?YQ==?=', '=?BASE64?YQ==?='],
  ])('%s', (_id, text, value) => {
    expect(encodeHeaderValue(text)).toBe(value);
  });
});

describe('decodeHeaderValue', () => {
  it.each([
    ['plain', 'echo', 'echo'],
    ['outer-space', ' \t echo \t', 'echo'],
    ['empty', '', ''],
    ['encoded', '=?base64?w6k=?=', 'é'],
    ['encoded-outer-space', ' =?base64?w6k=?= ', 'é'],
    ['encoded-empty', '=?base64??=', ''],
    ['capital-marker', '=?BASE64?w6k=?=', '=?BASE64?w6k=?='],
    ['open', '=?base64?w6k=', '=?base64?w6k='],
    ['overlapping', '=?base64?=', undefined],
    ['no-padding', '=?base64?w6k?=', undefined],
    ['url-alphabet', '=?base64?_-8=?=', undefined],
    ['inner-space', '=?base64?w6 k=?=', undefined],
    ['loose-bits', '=?base64?YR==?=', undefined],
    ['not-base64', '=?base64?*?=', undefined],
    ['not-utf8', '=?base64?/w==?=', undefined],
    ['two-sentinels', '=?base64?YQ==?==?base64?YQ==?=', undefined],
    ['raw-latin1', 'caf\u00e9', undefined],
    ['raw-control', 'a\u0001', undefined],
  ])('%s', (_id, value, text) => {
    expect(decodeHeaderValue(value)).toBe(text);
  });

  it('reads back every text, from a value that a field can hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const value = encodeHeaderValue(text);
        expect(value).toMatch(/^[\x20-\x7e\t]+$/);
        expect(value).toBe(value.trim());
        expect(decodeHeaderValue(value)).toBe(text);
      }),
    );
  });
});
