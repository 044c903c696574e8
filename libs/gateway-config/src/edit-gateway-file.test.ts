import { addUpstream, mergeImport, parseGatewayConfig } from './index.js';

const FILE = `# Our gateway.
upstreams:
  # the demo
  everything: { url: 'http://127.0.0.1:3001/mcp' } # local

servers:
  work: # what people use
    sources:
      - { upstream: everything }
    access:
      - { everyone: true }
`;

describe('addUpstream', () => {
  it('adds an upstream and a server for it, keeping comments', () => {
    expect(addUpstream(FILE, 'docs', { url: 'https://docs.example/mcp' }, { file: 'f', server: 'docs' })).toBe(`# Our gateway.
upstreams:
  # the demo
  everything: { url: 'http://127.0.0.1:3001/mcp' } # local
  docs:
    url: https://docs.example/mcp

servers:
  work: # what people use
    sources:
      - { upstream: everything }
    access:
      - { everyone: true }
  docs:
    sources:
      - upstream: docs
    access:
      - everyone: true
`);
  });

  it('offers it in an existing server under its own prefix', () => {
    const text = addUpstream(FILE, 'docs', { command: 'docs', args: ['-v'] }, { file: 'f', server: 'work' });
    expect(parseGatewayConfig(text, 'f').servers['work']?.sources.map(({ upstream, prefix }) => [upstream, prefix])).toEqual([
      ['everything', ''],
      ['docs', 'docs__'],
    ]);
  });

  it.each([
    { id: 'E1 empty file', text: '' },
    { id: 'E2 comment only', text: '# mine\n' },
    { id: 'E4 flow style', text: '{ upstreams: {}, servers: {} }' },
    { id: 'E5 JSON', text: '{\n  "upstreams": {}\n}\n' },
  ])('writes into $id', ({ text }) => {
    const changed = addUpstream(text, 'docs', { url: 'https://docs.example/mcp' }, { file: 'f', server: 'docs' });
    expect(Object.keys(parseGatewayConfig(changed, 'f').servers)).toEqual(['docs']);
    if (text.startsWith('#')) expect(changed).toContain('# mine');
  });

  it.each([
    {
      id: 'E6 taken name',
      name: 'everything',
      entry: { url: 'https://x/' },
      message:
        'f:4:15: upstreams.everything: is there already, and it is something else. Choose another name, or change the entry in the file.',
    },
    {
      id: 'E7 bad entry',
      name: 'a',
      entry: { url: 'x' },
      message: 'a: url: must be an http or https URL. Write for example https://example.com/mcp.',
    },
    {
      id: 'E8 bad name',
      name: 'a b',
      entry: { url: 'https://x/' },
      message: 'a b: must be 1 to 63 letters, digits, "_" and "-", starting with a letter or digit. Rename it.',
    },
    {
      id: 'E9 unusable file',
      text: 'upstreams:\n',
      name: 'a',
      entry: { url: 'https://x/' },
      message: 'f:1:11: upstreams: must be a map of keys, but is empty.',
    },
  ])('refuses $id', ({ text = FILE, name, entry, message }) => {
    expect(() => addUpstream(text, name, entry, { file: 'f' })).toThrow(message);
  });
});

describe('mergeImport', () => {
  const imported = { upstreams: { docs: { url: 'https://docs.example/mcp' } }, servers: {} };

  it('changes nothing the second time', () => {
    const once = mergeImport(FILE, imported, 'f');
    expect(mergeImport(once, imported, 'f')).toBe(once);
  });

  it('refuses to replace something else', () => {
    const other = { upstreams: { everything: { url: 'https://else.example/mcp' } }, servers: {} };
    expect(() => mergeImport(FILE, other, 'f')).toThrow('f:4:15: upstreams.everything: is there already');
  });
});
