import { parse } from 'yaml';
import { editConfigText, type TextChange } from './index.js';

const FILE = `# ours
upstreams:
  a: { url: 'http://a/mcp' } # local
  b:
    command: node
    args: [x.js, y]

  # c:
  #   url: later

# what people use
servers:
  one: # first
    sources:
      - { upstream: a }
      - upstream: b
        # no moves
        deny: [move]
    access: [{ everyone: true }]
# the end
`;

const added: readonly { id: string; text: string; change: TextChange; after: string; lines: string }[] = [
  {
    id: 'I1 into a map, before the comments behind it',
    text: FILE,
    change: { path: ['upstreams', 'c'], value: { url: 'http://c/mcp' } },
    after: '    args: [x.js, y]\n',
    lines: '  c:\n    url: http://c/mcp\n',
  },
  {
    id: 'I2 at the end of a list',
    text: FILE,
    change: { path: ['servers', 'one', 'sources'], value: { upstream: 'c' }, append: true },
    after: '        deny: [move]\n',
    lines: '      - upstream: c\n',
  },
  {
    id: 'I3 a section that is missing',
    text: FILE,
    change: { path: ['teams', 'red'], value: { emails: ['a@b.c'] } },
    after: '    access: [{ everyone: true }]\n',
    lines: 'teams:\n  red:\n    emails:\n      - a@b.c\n',
  },
  {
    id: 'I4 a last line without its break',
    text: 'upstreams:\n  a: { url: x }',
    change: { path: ['upstreams', 'b'], value: { url: 'y' } },
    after: '{ url: x }',
    lines: '\n  b:\n    url: y\n',
  },
  {
    id: 'I5 behind a text block',
    text: 'a:\n  x: |\n    one\n    two\nb: 1\n',
    change: { path: ['a', 'y'], value: 2 },
    after: '    two\n',
    lines: '  y: 2\n',
  },
];

const rewritten: readonly { id: string; text: string; change: TextChange }[] = [
  { id: 'R1 an empty text', text: '', change: { path: ['a', 'b'], value: 1 } },
  { id: 'R2 a comment only', text: '# mine\n', change: { path: ['a', 'b'], value: 1 } },
  { id: 'R3 flow style', text: '# mine\n{ a: {} }\n', change: { path: ['a', 'b'], value: 1 } },
  { id: 'R4 an empty section', text: '# mine\na:\nc: 1\n', change: { path: ['a', 'b'], value: 1 } },
  { id: 'R5 what is there already', text: '# mine\na:\n  b: 0\n', change: { path: ['a', 'b'], value: 1 } },
  { id: 'R6 line breaks of Windows', text: '# mine\r\na:\r\n  c: 1\r\n', change: { path: ['a', 'b'], value: 1 } },
];

describe('editConfigText', () => {
  it.each(added)('adds lines and changes no others: $id', ({ text, change, after, lines }) => {
    expect(editConfigText(text, [change])).toBe(text.replace(after, `${after}${lines}`));
  });

  it.each(rewritten)('keeps comments: $id', ({ text, change }) => {
    const edited = editConfigText(text, [change]);
    expect(parse(edited)).toMatchObject({ a: { b: 1 } });
    if (text.includes('mine')) expect(edited).toContain('# mine');
  });

  it('makes several changes', () => {
    const changes = ['c', 'd'].map((name): TextChange => ({ path: ['upstreams', name], value: {} }));
    expect(Object.keys((parse(editConfigText(FILE, changes)) as { upstreams: object }).upstreams)).toEqual(['a', 'b', 'c', 'd']);
  });
});
