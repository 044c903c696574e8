import { create } from '@bufbuild/protobuf';
import { CredentialOwner, type Principal, SnapshotSchema } from '@switchyard/contracts';
import { compileCatalog } from '../catalog.js';
import { audienceOf, decide, isOpenToAll } from './authorize.js';

const ana: Principal = {
  tenant: 'default',
  issuer: 'https://id',
  subject: '1',
  name: 'ana@example.com',
  kind: 'user',
  email: 'ana@example.com',
  claims: [],
};
const bob: Principal = { ...ana, subject: '2', name: 'bob@example.com', email: 'bob@example.com' };
const carl: Principal = { ...ana, subject: '3', name: 'carl@example.com', email: 'carl@example.com', claims: ['fin-admins'] };
const agent: Principal = { tenant: 'default', issuer: 'api-key', subject: 'k1', name: 'agent', kind: 'service', claims: [] };
const robot: Principal = {
  tenant: 'default',
  issuer: 'http://localhost:8080',
  subject: 'bot',
  name: 'bot',
  kind: 'service',
  claims: [],
};
const nobody: Principal = {
  tenant: 'default',
  issuer: '',
  subject: 'anonymous',
  name: 'anonymous',
  kind: 'anonymous',
  claims: [],
};

const catalog = compileCatalog(
  create(SnapshotSchema, {
    publicUrl: 'http://localhost:8080',
    teams: [{ name: 'finance', emails: ['ana@example.com'], claims: ['fin-admins'], services: ['bot', 'k1'] }],
    servers: [
      {
        slug: 'work',
        sources: [
          {
            upstream: 'tracker',
            prefix: 't__',
            tools: ['get_*', 'delete_*'],
            deny: ['delete_*', 'file:///secret*'],
            prompts: ['*'],
            resources: ['*'],
          },
        ],
        access: [
          { teams: ['finance'], tools: ['t__get_*'] },
          { everyone: true, tools: ['t__get_open'] },
          { everyone: true, tools: ['t__get_never'], when: 'args.amount < 1000' },
        ],
      },
      {
        slug: 'all',
        sources: [{ upstream: 'tracker', tools: ['*'], prompts: ['*'], resources: ['*'], deny: ['file:///secret*'] }],
        access: [{ everyone: true }],
      },
      {
        slug: 'open',
        sources: [{ upstream: 'tracker', tools: ['*'], prompts: ['*'], resources: ['*'] }],
        access: [{ anonymous: true, tools: ['ping'] }],
      },
      { slug: 'closed', sources: [{ upstream: 'tracker', tools: ['*'], prompts: ['*'], resources: ['*'] }], access: [] },
    ],
  }),
);

describe('the access decision', () => {
  it.each([
    ['AZ-1 a team member by e-mail', 'work', ana, 'tool', 'get_paid', true],
    ['AZ-2 a team member by claim', 'work', carl, 'tool', 'get_paid', true],
    ['AZ-3 not a member', 'work', bob, 'tool', 'get_paid', 'no_rule_grants'],
    ['AZ-4 everyone who has signed in', 'work', bob, 'tool', 'get_open', true],
    ['AZ-5 an API key counts as signed in', 'work', agent, 'tool', 'get_open', true],
    ['AZ-6 everyone does not mean anonymous', 'work', nobody, 'tool', 'get_open', 'no_rule_grants'],
    ['AZ-20 a service that is a member', 'work', robot, 'tool', 'get_paid', true],
    ['AZ-21 a service that is none', 'work', { ...robot, subject: 'other' }, 'tool', 'get_paid', 'no_rule_grants'],
    ['AZ-22 an API key whose id is a service’s', 'work', agent, 'tool', 'get_paid', 'no_rule_grants'],
    ['AZ-23 a person whose id is a service’s', 'work', { ...robot, kind: 'user' }, 'tool', 'get_paid', 'no_rule_grants'],
    ['AZ-7 the source’s deny list wins', 'work', ana, 'tool', 'delete_all', 'denied_by_source'],
    ['AZ-8 a tool that the source does not offer', 'work', ana, 'tool', 'put_x', 'not_offered'],
    ['AZ-9 a rule for tools grants no prompts', 'work', ana, 'prompt', 'greet', 'no_rule_grants'],
    ['AZ-11 a rule with a condition does not grant, others apart', 'work', bob, 'tool', 'get_never', 'no_rule_grants'],
    ['AZ-12 a rule that names no kind grants all kinds', 'all', bob, 'prompt', 'greet', true],
    ['AZ-13 deny lists cover resource URIs', 'all', bob, 'resource', 'file:///secret/x', 'denied_by_source'],
    ['AZ-14 anonymous callers where the rule says so', 'open', nobody, 'tool', 'ping', true],
    ['AZ-15 a rule for anonymous callers serves signed-in ones too', 'open', ana, 'tool', 'ping', true],
    ['AZ-16 no rule: denied', 'closed', ana, 'tool', 'ping', 'no_rule_grants'],
    ['AZ-17 on /mcp each server’s own rules decide', '', ana, 'tool', 'get_paid', true],
  ] as const)('%s', (_id, slug, principal, kind, name, expected) => {
    const source = catalog.servers.get(slug)?.sources[0];
    if (source === undefined) throw new Error('no such server');
    const decision = decide(principal, source, { kind, name }, catalog);
    expect(decision.allowed ? true : decision.because).toBe(expected);
  });

  it('lets nobody in anonymously unless a rule says so', () => {
    expect([...catalog.servers].map(([slug, { anonymous }]) => [slug, anonymous])).toEqual([
      ['work', false],
      ['all', false],
      ['open', true],
      ['closed', false],
      ['', false],
    ]);
  });

  it('AZ-18 is the same for callers of one audience, whatever is asked for; who is of another is told apart', () => {
    const people = [ana, bob, carl, agent, nobody];
    const names = ['get_paid', 'get_open', 'get_never', 'put_x', 'delete_all', 'ping'];
    const told = people.map((principal) =>
      [...catalog.servers.values()].map((server) => ({
        audience: audienceOf(principal, server, catalog),
        answers: server.sources.flatMap((source) =>
          names.flatMap((name) =>
            (['tool', 'prompt', 'resource'] as const).map((kind) => decide(principal, source, { kind, name }, catalog).allowed),
          ),
        ),
      })),
    );
    for (const one of told)
      for (const other of told)
        for (const [index, { audience, answers }] of one.entries())
          if (other[index]?.audience === audience) expect(other[index]?.answers).toEqual(answers);
    const audiences = (slug: string) => {
      const server = catalog.servers.get(slug);
      return people.map((principal) => server && audienceOf(principal, server, catalog));
    };
    const [member, other, admin, key, unsigned] = audiences('work');
    expect([admin, key]).toEqual([member, other]);
    expect(new Set([member, other, unsigned]).size).toBe(3);
    expect(new Set(audiences('open')).size).toBe(1);
  });

  it('AZ-19 shows everybody the same where every rule lets everybody in', () => {
    expect(['work', 'all', 'open', ''].map((slug) => isOpenToAll(catalog.servers.get(slug)!, catalog))).toEqual([
      false,
      false,
      true,
      false,
    ]);
  });

  it.each([CredentialOwner.TEAM, CredentialOwner.PRINCIPAL])(
    'AZ-20 not where what it shows depends on the caller: owner %i',
    (owner) => {
      const open = catalog.servers.get('open')!;
      const owned = open.sources.map(({ upstream: name }) => ({ name, credentialOwner: owner }));
      const { upstreams } = compileCatalog(create(SnapshotSchema, { publicUrl: 'https://x.example', upstreams: owned }));
      expect(isOpenToAll(open, { upstreams })).toBe(false);
    },
  );
});
