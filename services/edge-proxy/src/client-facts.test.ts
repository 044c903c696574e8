import { clientFacts } from './client-facts.js';

describe('what a client says that it is', () => {
  it.each([
    ['both', '{"name":"a","version":"1"}', 'a', '1'],
    ['name only', '{"name":"ä"}', 'ä', ''],
    ['cut within a character', JSON.stringify({ name: `${'n'.repeat(199)}😀` }), `${'n'.repeat(199)}\ufffd`, ''],
    ['no strings', '{"name":1,"version":"1"}', '', ''],
    ['no object', '"a"', '', ''],
    ['long', JSON.stringify({ name: 'n'.repeat(5000), version: '1' }), 'n'.repeat(200), '1'],
  ])('%s: is read where the gate found it, again and again', (_id, text, name, version) => {
    const bytes = Buffer.from(`[${text}]`);
    const range = { start: 1, end: bytes.length - 1 };
    for (let time = 0; time < 2; time += 1)
      expect(clientFacts(bytes, range)).toEqual({ client_name: name, client_version: version });
  });

  it('absent: is empty', () => {
    expect(clientFacts(Buffer.from('{}'), undefined)).toEqual({ client_name: '', client_version: '' });
  });
});
