import type { StreamMessage } from '@switchyard/messaging';
import { insertToken, isUnsuspicious, joinLines, joinMessages, linesOf, refusal } from './message-lines.js';

const message = (data: string | Uint8Array, messageId = 'edge-1/1/1-2'): StreamMessage => ({
  subject: 's',
  messageId,
  sequence: '1',
  data: Buffer.from(data as string),
});
const badUtf8 = Buffer.from([0x22, 0xc3, 0x28, 0x22]);

describe('lines of a message', () => {
  it.each([
    ['none', '', []],
    ['one', '{}\n', [[1, '{}']]],
    [
      'two',
      '{"a":1}\n{"b":2}\n',
      [
        [1, '{"a":1}'],
        [2, '{"b":2}'],
      ],
    ],
    [
      'no-last-feed',
      'a\nb',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'empty-lines',
      '\n\na\n\nb\n',
      [
        [3, 'a'],
        [5, 'b'],
      ],
    ],
  ])('%s: are found, with their numbers', (_id, data, expected) => {
    expect(linesOf(message(data)).map(({ number, bytes }) => [number, bytes.toString()])).toEqual(expected);
  });

  it('are joined so that each stands on its own line', () => {
    expect(joinMessages([message('a\n'), message('b'), message(''), message('c\n')]).toString()).toBe('a\nb\nc\n');
    expect(joinLines(linesOf(message('a\n\nb'))).toString()).toBe('a\nb\n');
  });

  it.each([
    ['plain', '{"a":"ü"}\n', undefined],
    ['bad-utf8', badUtf8, 'not_utf8'],
    ['too-long', `"${'x'.repeat(1024 ** 2)}"`, 'line_too_long'],
  ])('%s: are refused where no engine should see them', (_id, data, expected) => {
    const [line] = linesOf(message(data));
    expect(line && refusal(line)).toBe(expected);
    expect(isUnsuspicious(message(data))).toBe(expected === undefined);
  });
});

describe('a message with empty lines', () => {
  it.each([
    ['at its beginning', '\na\n', false],
    ['within', 'a\n\nb\n', false],
    ['at its end', 'a\n\n', false],
    ['nowhere', 'a\nb', true],
    ['alone', '', true],
  ])('%s: is taken apart', (_id, data, expected) => {
    expect(isUnsuspicious(message(data))).toBe(expected);
  });
});

describe('the token of an insert', () => {
  const data = Buffer.from('a\n');

  it('is the same for the same messages', () => {
    expect(insertToken([message('a\n')], data)).toBe(insertToken([message('a\n')], data));
  });

  it.each([
    ['other-id', insertToken([message('a\n', 'edge-2/1/1-2')], data)],
    ['more-ids', insertToken([message('a\n'), message('a\n')], data)],
    ['another-occasion', insertToken([message('a\n')], data, 'rebuild 1 ')],
    ['other-bytes', insertToken([message('a\n')], Buffer.from('b\n'))],
  ])('%s: is another one', (_id, token) => {
    expect(token).not.toBe(insertToken([message('a\n')], data));
  });
});
