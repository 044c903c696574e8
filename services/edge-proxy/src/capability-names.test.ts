import { create } from '@bufbuild/protobuf';
import { SnapshotSchema } from '@switchyard/contracts';
import type { Era } from '@switchyard/mcp';
import { CapabilityNames, type ListKey } from './capability-names.js';
import { compileCatalog, type CompiledServer } from './catalog.js';

const all = { tools: ['*'], prompts: ['*'], resources: ['*'] };

function serverOf(...sources: object[]): CompiledServer {
  const snapshot = create(SnapshotSchema, {
    publicUrl: 'http://localhost',
    servers: [{ slug: 's', sources: sources.map((source) => ({ ...all, ...source })) }],
  });
  const server = compileCatalog(snapshot).servers.get('s');
  if (server === undefined) throw new Error('no server');
  return server;
}

/** Names on the server, with the upstream and the name there that each stands for. */
const shown = (names: CapabilityNames, server: CompiledServer, list: ListKey = 'tools') =>
  Object.fromEntries(
    [...names.table(server, 'legacy', list).byExposed].map(([exposed, located]) => [
      exposed,
      located.map(({ source, name }) => `${source.upstream}/${name}`),
    ]),
  );

const OWNER = {};

interface Learned {
  readonly era?: Era;
  readonly list?: ListKey;
  readonly owner?: object;
  readonly context?: string;
  readonly atMs?: number;
}

function learn(names: CapabilityNames, upstream: string, own: readonly string[], learned: Learned = {}): void {
  const { era = 'legacy', list = 'tools', owner = OWNER, context = 'all', atMs = 0 } = learned;
  names.learn({ upstream, era, list, owner, context }, own, atMs);
}

const heard = (lists: Record<string, readonly string[]>, list: ListKey = 'tools') => {
  const names = new CapabilityNames();
  for (const [upstream, own] of Object.entries(lists)) learn(names, upstream, own, { list });
  return names;
};

describe('the names of a server', () => {
  it('N-1 are the upstreams’ behind their prefixes, in configuration order', () => {
    const server = serverOf({ upstream: 'b', prefix: 'b__' }, { upstream: 'a', prefix: 'a__' });
    expect(shown(heard({ a: ['x'], b: ['y', 'x'] }), server)).toEqual({ b__y: ['b/y'], b__x: ['b/x'], a__x: ['a/x'] });
  });

  it('N-2 that two want belong to the first; the second’s stands behind its upstream', () => {
    const server = serverOf({ upstream: 'a' }, { upstream: 'b' });
    expect(shown(heard({ b: ['x'], a: ['x'] }), server)).toEqual({ x: ['a/x'], b__x: ['b/x'] });
  });

  it('N-3 that even so are taken are left out, never given to two', () => {
    const server = serverOf({ upstream: 'a' }, { upstream: 'b' });
    expect(shown(heard({ a: ['x', 'b__x'], b: ['x'] }), server)).toEqual({ x: ['a/x'], b__x: ['a/b__x'] });
  });

  it('N-4 stay with an upstream that is away', () => {
    const server = serverOf({ upstream: 'a' }, { upstream: 'b' });
    const names = heard({ a: ['x'], b: ['x'] });
    learn(names, 'b', ['x', 'y'], { era: 'legacy', atMs: 1 });
    expect(shown(names, server)).toEqual({ x: ['a/x'], b__x: ['b/x'], y: ['b/y'] });
  });

  it('N-5 follow what an upstream lists', () => {
    const server = serverOf({ upstream: 'a' });
    const names = heard({ a: ['x'] });
    expect(shown(names, server)).toEqual({ x: ['a/x'] });
    learn(names, 'a', ['y'], { era: 'legacy', atMs: 1 });
    expect(shown(names, server)).toEqual({ y: ['a/y'] });
    expect([names.heardAtMs('a', 'legacy', 'tools'), names.heardAtMs('a', 'modern', 'tools')]).toEqual([1, undefined]);
  });

  it('N-6 are not those that a source does not offer, or denies', () => {
    const server = serverOf({ upstream: 'a', tools: ['get_*'], deny: ['get_secret'] });
    expect(shown(heard({ a: ['get_a', 'get_secret', 'put_a'] }), server)).toEqual({ get_a: ['a/get_a'] });
  });

  it('N-7 fit what clients take: at most 64 of A-Z a-z 0-9 _ . -, and different for different names', () => {
    const server = serverOf({ upstream: 'a', prefix: 'team__' });
    const own = ['ok', 'do it', 'do.it', 'do/it', 'größe', 'x'.repeat(70), `${'x'.repeat(69)}y`, '', '__proto__', 'constructor'];
    const exposed = Object.keys(shown(heard({ a: own }), server));
    expect(exposed).toHaveLength(own.length);
    for (const name of exposed) expect(name).toMatch(/^[A-Za-z0-9_.-]{1,64}$/);
  });

  it('N-8 of one upstream in two sources stand under both prefixes', () => {
    const server = serverOf(
      { upstream: 'a', prefix: 'r__', tools: ['get_*'] },
      { upstream: 'a', prefix: 'w__', tools: ['put_*'] },
    );
    expect(shown(heard({ a: ['get_x', 'put_x'] }), server)).toEqual({ r__get_x: ['a/get_x'], w__put_x: ['a/put_x'] });
  });

  it('N-9 of the two eras do not mix', () => {
    const server = serverOf({ upstream: 'a' });
    const names = new CapabilityNames();
    learn(names, 'a', ['new'], { era: 'modern', atMs: 0 });
    learn(names, 'a', ['old'], { era: 'legacy', atMs: 0 });
    expect([...names.table(server, 'modern', 'tools').byExposed.keys()]).toEqual(['new']);
    expect([...names.table(server, 'legacy', 'tools').byExposed.keys()]).toEqual(['old']);
  });

  it('N-12 are those that anybody is shown: one caller’s list takes nothing from another’s', () => {
    const server = serverOf({ upstream: 'a', prefix: 'p__' });
    const names = new CapabilityNames();
    learn(names, 'a', ['x', 'own'], { context: 'ana' });
    learn(names, 'a', ['x'], { context: 'bea' });
    learn(names, 'a', ['x'], { context: 'cleo' });
    expect(shown(names, server)).toEqual({ p__x: ['a/x'], p__own: ['a/own'] });
    learn(names, 'a', ['x', 'new'], { context: 'ana' });
    expect(shown(names, server)).toEqual({ p__x: ['a/x'], p__new: ['a/new'] });
  });

  it.each([
    ['N-13 last as long as somebody asks for them', 1_740_000, ['p__x', 'p__own']],
    ['N-14 go when nobody has for half an hour', 1_860_000, ['p__x']],
  ])('%s', (_id, laterMs, left) => {
    const server = serverOf({ upstream: 'a', prefix: 'p__' });
    const names = new CapabilityNames();
    learn(names, 'a', ['own'], { context: 'ana' });
    learn(names, 'a', ['x'], { context: 'bea', atMs: laterMs });
    expect(Object.keys(shown(names, server)).toSorted()).toEqual(left.toSorted());
  });

  it('N-15 are remembered for a thousand callers at most', () => {
    const server = serverOf({ upstream: 'a', prefix: 'p__' });
    const names = new CapabilityNames();
    for (let caller = 0; caller <= 1_000; caller += 1) learn(names, 'a', [`t${caller}`], { context: `c${caller}` });
    const exposed = Object.keys(shown(names, server));
    expect([exposed.length, exposed.includes('p__t0'), exposed.includes('p__t1000')]).toEqual([1_000, false, true]);
  });

  it('N-16 of an earlier definition of an upstream count no more when the new one is heard', () => {
    const server = serverOf({ upstream: 'a', prefix: 'p__' });
    const names = new CapabilityNames();
    learn(names, 'a', ['old'], { context: 'ana' });
    learn(names, 'a', ['new'], { context: 'bea', owner: {} });
    expect(Object.keys(shown(names, server))).toEqual(['p__new']);
  });

  it('N-10 a URI belongs to everyone who lists it, in configuration order, and keeps its form', () => {
    const server = serverOf(
      { upstream: 'a', prefix: 'a__' },
      { upstream: 'b', prefix: 'b__' },
      { upstream: 'c', resources: ['other:*'] },
    );
    expect(
      shown(heard({ a: ['file:///x'], b: ['file:///x', 'file:///y'], c: ['file:///x'] }, 'resources'), server, 'resources'),
    ).toEqual({
      'file:///x': ['a/file:///x', 'b/file:///x'],
      'file:///y': ['b/file:///y'],
    });
  });
});

describe('templates', () => {
  const server = serverOf({ upstream: 'a' }, { upstream: 'b' });
  const names = heard(
    { a: ['test://items/{id}', 'star://*/x'], b: ['file:///{+path}', 'test://items/{id}/parts{?page,size}'] },
    'resourceTemplates',
  );
  it.each([
    ['T-1 an expression stands for a part', 'test://items/7', ['a']],
    ['T-2 an expression stands for any text', 'file:///a/b/c.txt', ['b']],
    ['T-3 a form-style query', 'test://items/7/parts?page=1', ['a', 'b']],
    ['T-4 an expression stands for nothing too', 'test://items/', ['a']],
    ['T-5 another scheme', 'http://items/7', []],
    ['T-6 a star in a template is not a wildcard', 'star://anything/x', []],
    ['T-7 an expression cannot begin before the template', 'xtest://items/7', []],
  ])('%s', (_id, uri, upstreams) => {
    expect(names.byTemplate(server, 'legacy', uri).map(({ upstream }) => upstream)).toEqual(upstreams);
  });
});
