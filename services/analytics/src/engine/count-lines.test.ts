import { countLines } from './count-lines.js';

describe('counting lines', () => {
  it.each([
    ['none', '', 0],
    ['one', 'a\n', 1],
    ['no-last-feed', 'a\nb', 2],
    ['empty-lines', '\n\na\n\n\nb\n\n', 2],
  ])('%s', (_id, text, count) => {
    expect(countLines(Buffer.from(`xx${text}yy`).subarray(2, -2))).toBe(count);
  });
});
