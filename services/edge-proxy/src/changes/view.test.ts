import { create } from '@bufbuild/protobuf';
import { type Principal, SnapshotSchema } from '@switchyard/contracts';
import type { Logger } from '@switchyard/telemetry';
import { eventually } from '@switchyard/testing';
import { CapabilityNames } from '../capability-names.js';
import { type Catalog, compileCatalog } from '../catalog.js';
import type { Kind } from './filter.js';
import { ViewChanges } from './view-changes.js';

const OWNER = {};
type Init = NonNullable<Parameters<typeof create<typeof SnapshotSchema>>[1]>;
const principal: Principal = {
  tenant: 'default',
  issuer: 'i',
  subject: 's',
  kind: 'user',
  name: 'Ann',
  email: 'ann@x.example',
  claims: [],
};
const source = { upstream: 'nova', tools: ['*'], prompts: ['*'], resources: ['*'] };
const server = { slug: 'one', sources: [source], access: [{ teams: ['staff'] }] };
const http = (url: string) => ({ name: 'nova', transport: { case: 'http' as const, value: { url } }, timeoutMs: 1_000 });
const BEFORE: Init = {
  upstreams: [http('http://nova.example/mcp')],
  servers: [server],
  teams: [
    { name: 'staff', emails: ['ann@x.example'] },
    { name: 'other', emails: ['bob@x.example'] },
  ],
};
const compile = (init: Init) => compileCatalog(create(SnapshotSchema, { publicUrl: 'http://x', ...init }));
const withServer = (change: object) => ({ ...BEFORE, servers: [{ ...server, ...change }] });
const withSource = (change: object) => withServer({ sources: [{ ...source, ...change }] });

/** Names that the upstream has been heard with: `a` and `b` of every kind. */
function heardNames(): CapabilityNames {
  const names = new CapabilityNames();
  for (const list of ['tools', 'prompts', 'resources', 'resourceTemplates'] as const)
    names.learn({ upstream: 'nova', era: 'legacy', list, owner: OWNER, context: '' }, ['a', 'b'], 0);
  return names;
}

async function changedBy(after: readonly Init[], names: CapabilityNames): Promise<(readonly Kind[])[]> {
  const views = new ViewChanges(names, { error: (text: string) => fail(text) } as unknown as Logger);
  const told: (readonly Kind[])[] = [];
  const listening = {
    principal,
    server: 'one',
    catalog: compile(BEFORE),
    reconnect: () => undefined,
    reconfigure: (catalog: Catalog, changed: readonly Kind[]) => {
      listening.catalog = catalog;
      told.push(changed);
    },
  };
  const viewer = { era: 'legacy' as const, listening };
  views.join(viewer);
  for (const init of after) views.follow(compile(init));
  await eventually(() => told.length > 0, { everyMs: 5 });
  views.leave(viewer);
  expect(views.size).toBe(0);
  views.close();
  return told;
}

const ALL: Kind[] = ['tools', 'prompts', 'resources'];

describe('a change of the configuration, as somebody who listens sees it', () => {
  it.each([
    ['VW-1 the same', BEFORE, [], []],
    ['VW-2 a tool less', withSource({ tools: ['a'] }), ['tools'], ['tools', 'prompts', 'resources']],
    ['VW-3 the same tools, by another pattern', withSource({ tools: ['a', 'b'] }), [], ALL],
    ['VW-4 other names', withSource({ prefix: 'n__' }), ['tools', 'prompts'], ALL],
    ['VW-5 one name less of every kind', withSource({ deny: ['b'] }), ALL, ALL],
    ['VW-6 fewer rights', withServer({ access: [{ teams: ['staff'], tools: ['*'] }] }), ['prompts', 'resources'], ALL],
    ['VW-7 a rule for others', withServer({ access: [{ teams: ['staff'] }, { teams: ['other'], tools: ['a'] }] }), [], []],
    [
      'VW-8 a team that somebody joins',
      { ...BEFORE, teams: [{ name: 'staff', emails: ['ann@x.example', 'eve@x.example'] }] },
      [],
      [],
    ],
    ['VW-9 a team that the caller leaves', { ...BEFORE, teams: [{ name: 'staff', emails: [] }] }, ALL, ALL],
    ['VW-10 another time limit', { ...BEFORE, upstreams: [{ ...http('http://nova.example/mcp'), timeoutMs: 9 }] }, [], []],
    ['VW-11 another address', { ...BEFORE, upstreams: [http('http://luna.example/mcp')] }, ALL, ALL],
    ['VW-12 another server', { ...BEFORE, servers: [server, { ...server, slug: 'two' }] }, [], []],
  ])('%s', async (_id, after, whereHeard, whereNot) => {
    expect(await changedBy([after], heardNames())).toEqual([whereHeard]);
    expect(await changedBy([after], new CapabilityNames())).toEqual([whereNot]);
  });

  it('VW-13 many at once are one; what comes back to where it was is none', async () => {
    const many = ['a', 'b', 'c'].map((prefix) => withSource({ prefix: `${prefix}__` }));
    expect(await changedBy(many, heardNames())).toEqual([['tools', 'prompts']]);
    expect(await changedBy([...many, BEFORE], heardNames())).toEqual([[]]);
  });
});
