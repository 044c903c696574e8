import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { ConfigError, loadConfigFile, parseConfig, parseConfigText, positionInText, secretText } from './index.js';

const schema = z.strictObject({
  port: z.number().int().min(1).max(65535).default(8080),
  name: z.string().min(2).optional(),
  level: z.enum(['info', 'debug']).default('info'),
  tags: z.array(z.string()).max(2).default([]),
  target: z.union([z.string(), z.strictObject({ url: z.url('must be a URL. Write http://…') })]).optional(),
  servers: z
    .record(z.string().regex(/^[a-z]+$/, 'must be lower-case letters. Rename it.'), z.strictObject({ title: z.string() }))
    .default({}),
});

const refusals: { id: string; text: string; message: string }[] = [
  { id: 'unknown-key', text: 'prot: 1\n', message: 'x.yaml:1:1: prot: unknown key. Did you mean "port"?' },
  {
    id: 'unknown-key-far',
    text: 'a:\n  b: 1\n',
    message: 'x.yaml:1:1: a: unknown key. Known keys: port, name, level, tags, target, servers.',
  },
  {
    id: 'unknown-key-nested',
    text: 'servers:\n  demo:\n    titel: x\n    title: y\n',
    message: 'x.yaml:3:5: servers.demo.titel: unknown key. Did you mean "title"?',
  },
  {
    id: 'unknown-key-in-union',
    text: 'target:\n  uri: 1\n  url: http://a\n',
    message: 'x.yaml:2:3: target.uri: unknown key. Did you mean "url"?',
  },
  { id: 'wrong-type', text: 'port: "80"\n', message: 'x.yaml:1:7: port: must be a number, but is text.' },
  { id: 'empty-value', text: 'port:\n', message: 'x.yaml:1:6: port: must be a number, but is empty.' },
  { id: 'too-big', text: 'port: 70000\n', message: 'x.yaml:1:7: port: must be at most 65535.' },
  { id: 'too-short', text: 'name: a\n', message: 'x.yaml:1:7: name: must have at least 2 characters.' },
  { id: 'too-many', text: 'tags: [a, b, c]\n', message: 'x.yaml:1:7: tags: must have at most 2 entries.' },
  { id: 'list-item', text: 'tags:\n  - a\n  - 1\n', message: 'x.yaml:3:5: tags[1]: must be text, but is a number.' },
  { id: 'enum', text: 'level: trace\n', message: 'x.yaml:1:8: level: must be "info" or "debug".' },
  { id: 'missing', text: 'servers:\n  demo: {}\n', message: 'x.yaml:2:9: servers.demo.title: is required but missing. Add it.' },
  {
    id: 'record-key',
    text: 'servers:\n  Demo: { title: x }\n',
    message: 'x.yaml:2:3: servers.Demo: must be lower-case letters. Rename it.',
  },
  { id: 'own-message', text: 'target: { url: nope }\n', message: 'x.yaml:1:16: target.url: must be a URL. Write http://…' },
  { id: 'not-a-map', text: '- a\n', message: 'x.yaml:1:1: must be a map of keys, but is a list.' },
  { id: 'duplicate-key', text: 'port: 1\nport: 2\n', message: 'x.yaml:2:1: is not well-formed YAML: Map keys must be unique' },
  {
    id: 'proto-key',
    text: '__proto__: { port: 1 }\n',
    message: 'x.yaml:1:1: __proto__: is not allowed as a key. Use another name.',
  },
  {
    id: 'merge-key',
    text: 'servers:\n  <<: { a: { title: x } }\n',
    message: 'x.yaml:2:3: servers."<<": must be lower-case letters. Rename it.',
  },
  {
    id: 'map-as-key',
    text: '? { a: b }\n: 1\n',
    message: 'x.yaml:1:3: is not well-formed YAML: With stringKeys, all keys must be strings',
  },
  { id: 'json', text: '{\n\t"port": "80"\n}\n', message: 'x.yaml:2:10: port: must be a number, but is text.' },
  {
    id: 'env-missing',
    text: 'name: "${env:ABSENT}"\n',
    message: 'x.yaml:1:7: name: environment variable ABSENT is not set. Set it before starting.',
  },
  {
    id: 'env-empty',
    text: 'name: ${env:EMPTY}\n',
    message: 'x.yaml:1:7: name: environment variable EMPTY is empty. Set it before starting.',
  },
  {
    id: 'file-missing',
    text: 'name: ${file:/no/such}\n',
    message: 'x.yaml:1:7: name: file /no/such cannot be read (ENOENT). Create it, or correct the path.',
  },
  {
    id: 'unknown-reference',
    text: 'name: ${HOME}\n',
    message: 'x.yaml:1:7: name: ${HOME} is not a reference that can be used here. Write ${env:NAME} or ${file:PATH}.',
  },
];

function refusalOf(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('parseConfigText', () => {
  it.each(refusals)('refuses $id with its place', ({ text, message }) => {
    expect(refusalOf(() => parseConfigText(schema, text, { file: 'x.yaml', references: 'resolve', env: { EMPTY: '' } }))).toBe(
      message,
    );
  });

  it('names every problem on a line of its own', () => {
    const message = refusalOf(() => parseConfigText(schema, 'port: a\nlevl: info\n', { file: 'x.yaml', references: 'keep' }));
    expect(message.split('\n').map((line) => line.split(': ')[1])).toEqual(['port', 'levl']);
  });

  it('takes an empty text for an empty map', () => {
    expect(parseConfigText(schema, '# nothing\n', { file: 'x.yaml', references: 'keep' }).port).toBe(8080);
  });

  it('resolves references from the environment and from files beside the configuration', () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'switchyard-config-'));
    writeFileSync(path.join(directory, 'title.txt'), 'from a file\n');
    const file = path.join(directory, 'a.yaml');
    writeFileSync(file, 'name: "<${env:NAME}>"\nservers: { demo: { title: "${file:title.txt}" } }\n');
    const config = loadConfigFile(schema, file, { NAME: 'ana' });
    expect([config.name, config.servers['demo']?.title]).toEqual(['<ana>', 'from a file']);
  });

  it('keeps references where told to', () => {
    expect(parseConfigText(schema, 'name: "${secret:x}"', { file: 'x.yaml', references: 'keep' }).name).toBe('${secret:x}');
  });

  it('says which file cannot be read', () => {
    expect(refusalOf(() => loadConfigFile(schema, '/no/such.yaml', {}))).toMatch(/^\/no\/such\.yaml: cannot be read \(ENOENT\)/);
  });
});

describe('parseConfig', () => {
  it('names the source of a value', () => {
    expect(refusalOf(() => parseConfig(schema, { port: '1' }, 'the defaults'))).toBe(
      'the defaults: port: must be a number, but is text.',
    );
  });
});

describe('positionInText', () => {
  it('finds the nearest container of what is missing', () => {
    expect(positionInText('a:\n  b:\n    c: 1\n', 'x', ['a', 'b', 'zzz'])).toEqual({ line: 3, column: 5 });
  });
});

describe('Secret', () => {
  it('shows a mask everywhere but where it is revealed', () => {
    const { key } = z.strictObject({ key: secretText }).parse({ key: 'hunter2' });
    expect([JSON.stringify({ key }), `${key}`, key.reveal()]).toEqual(['{"key":"[secret]"}', '[secret]', 'hunter2']);
  });
});
