import fc from 'fast-check';
import { decodeCursor, encodeCursor } from './cursor.js';

describe('cursors', () => {
  it('are read back as they were written', () => {
    fc.assert(
      fc.property(fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue())), (state) => {
        const cursor = encodeCursor(state);
        expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(decodeCursor(cursor)).toEqual(JSON.parse(JSON.stringify(state)));
      }),
    );
  });

  it.each([
    ['empty', ''],
    ['padding', 'e30='],
    ['standard-alphabet', '+/+/'],
    ['not-base64', 'not a cursor!'],
    ['cut', encodeCursor({ a: 'bcd' }).slice(0, -2)],
    ['not-json', Buffer.from('nope').toString('base64url')],
    ['not-an-object', Buffer.from('"text"').toString('base64url')],
    ['null', Buffer.from('null').toString('base64url')],
    ['loose-bits', 'e31'],
  ])('%s: is not a cursor of ours', (_id, text) => {
    expect(decodeCursor(text)).toBeUndefined();
  });
});
