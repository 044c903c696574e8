import { ConfigError } from '@switchyard/runtime';
import { parseGatewayConfig } from './index.js';

const VALID = `
gateway: { publicUrl: http://localhost:8080 }
identity: { mode: dev }
teams:
  finance: { emails: [Ana@Example.com], claims: [finance] }
upstreams:
  everything: { url: "http://127.0.0.1:3001/mcp" }
  files: { command: node, args: [server.js, /data], cwd: /srv, env: { GITHUB_TOKEN: "\${file:/run/token}", LOG: debug } }
  billing: { type: http, url: "https://billing.example/mcp", headers: { X-Team: a }, credential: { type: header, name: Authorization, value: "Bearer \${secret:billing}" }, timeoutMs: 5000 }
  tracker: { url: "https://tracker.example/mcp", credential: { type: bearer, token: "\${env:TRACKER}" } }
servers:
  work:
    title: Work
    sources:
      - { upstream: everything, tools: ["echo", "get-*"] }
      - { upstream: tracker, prefix: "tracker__", deny: ["delete_*"] }
    access:
      - { teams: [finance], tools: ["tracker__get_*"] }
      - { everyone: true }
  open: { sources: [{ upstream: everything }], access: [{ anonymous: true }] }
audit: { durability: standard, capture: metadata }
egress: { allow: [10.1.0.0/16, "fd00::/8"] }
`;

describe('parseGatewayConfig', () => {
  const config = parseGatewayConfig(VALID, '/etc/switchyard/switchyard.yaml');

  it('fills in defaults', () => {
    const empty = parseGatewayConfig('', '/etc/switchyard/switchyard.yaml');
    expect(empty).toEqual({
      gateway: { publicUrl: 'http://localhost:8080', host: '127.0.0.1', port: 8080, dataDir: '/etc/switchyard/.switchyard' },
      identity: {
        ...{
          mode: 'dev',
          providers: [],
          services: [],
          clients: [],
          requirePushedRequests: false,
          deviceAuthorization: true,
          recheckSeconds: 300,
        },
        clientDocuments: { hosts: undefined, allowed: [] },
        ...{ tokenExchange: { clients: [] }, dpop: { required: false, nonce: false }, clientCertificates: { enabled: false } },
      },
      roles: { auditor: { emails: [], claims: [], teams: [] } },
      teams: {},
      upstreams: {},
      servers: {},
      audit: {
        durability: 'standard',
        capture: 'metadata',
        captureLimitBytes: 64 * 1024,
        limitBytes: 1024 ** 3,
        whenFull: 'deny',
        retention: { events: '400d', payloads: '90d', usage: '3y' },
        sinks: {},
        alerts: { rules: {}, channels: {} },
      },
      egress: { allow: [] },
    });
  });

  it('derives the public URL from the port', () => {
    expect(parseGatewayConfig('gateway: { port: 9000 }', 'x').gateway.publicUrl).toBe('http://localhost:9000');
  });

  it.each([
    ['PORT-1 without a public URL', '', { port: 9000, publicUrl: 'http://localhost:9000' }],
    ['PORT-2 on loopback', 'gateway: { publicUrl: "http://127.0.0.1:8080" }', { port: 9000, publicUrl: 'http://127.0.0.1:9000' }],
  ])('takes another port: %s', (_id, text, expected) => {
    expect(parseGatewayConfig(text, 'x', { port: 9000 }).gateway).toMatchObject(expected);
  });

  it('normalises upstreams and keeps their references', () => {
    expect(config.upstreams).toEqual({
      everything: { kind: 'http', url: 'http://127.0.0.1:3001/mcp', headers: {}, timeoutMs: 60_000 },
      files: {
        kind: 'stdio',
        command: 'node',
        args: ['server.js', '/data'],
        cwd: '/srv',
        env: { GITHUB_TOKEN: '${file:/run/token}', LOG: 'debug' },
        timeoutMs: 60_000,
      },
      billing: {
        kind: 'http',
        url: 'https://billing.example/mcp',
        headers: { 'X-Team': 'a', Authorization: 'Bearer ${secret:billing}' },
        timeoutMs: 5000,
      },
      tracker: {
        kind: 'http',
        url: 'https://tracker.example/mcp',
        headers: { Authorization: 'Bearer ${env:TRACKER}' },
        timeoutMs: 60_000,
      },
    });
  });

  it('offers everything of a source unless told', () => {
    expect(config.servers['work']?.sources[1]).toEqual({
      upstream: 'tracker',
      prefix: 'tracker__',
      tools: ['*'],
      deny: ['delete_*'],
      prompts: ['*'],
      resources: ['*'],
      readOnly: [],
    });
  });

  it('grants only what a rule names, and everything where it names nothing', () => {
    expect(config.servers['work']?.access.map(({ tools, prompts, resources }) => [tools, prompts, resources])).toEqual([
      [['tracker__get_*'], [], []],
      [['*'], ['*'], ['*']],
    ]);
  });

  it('compares e-mail addresses in lower case', () => {
    expect(config.teams['finance']?.emails).toEqual(['ana@example.com']);
  });
});

const up = (entry: string) => `upstreams:\n  a: ${entry}\n`;
const server = (body: string) =>
  `teams: { finance: { emails: [a@b.co] } }\nupstreams: { main: { url: "https://e.x/mcp" } }\nservers:\n  demo: ${body}\n`;
const sources = 'sources: [{ upstream: main }]';

// § marks the place that the message must name.
const refusals: { id: string; text: string; message: string }[] = [
  {
    id: 'G1 path in publicUrl',
    text: 'gateway: { publicUrl: §"http://localhost:8080/" }',
    message:
      'gateway.publicUrl: must be an origin: no path, no trailing slash, no user, lower-case host, no default port. Write http://localhost:8080.',
  },
  {
    id: 'G2 not a URL',
    text: 'gateway: { publicUrl: §localhost }',
    message: 'gateway.publicUrl: must be an http or https URL. Write for example https://mcp.example.com.',
  },
  {
    id: 'G3 plain http in public',
    text: 'gateway: { publicUrl: §"http://mcp.example.com" }',
    message:
      'gateway.publicUrl: must use https, because access tokens travel over it. Plain http is accepted on a loopback host only.',
  },
  {
    id: 'G4 dev in public',
    text: 'gateway: { publicUrl: §"https://mcp.example.com" }',
    message:
      'gateway.publicUrl: is not a loopback address, and identity.mode dev lets anyone sign in as anyone. Use a loopback address such as http://localhost:8080, or identity.mode oidc.',
  },
  {
    id: 'G5 oidc without a provider',
    text: 'identity: { mode: §oidc }',
    message: 'identity.mode: is oidc, but no identity provider is given. Add identity.oidc: { issuer, clientId, clientSecret }.',
  },
  {
    id: 'G6 port 0 alone',
    text: 'gateway: { port: §0 }',
    message: 'gateway.port: is 0, so the public URL cannot be told from it. Add gateway.publicUrl.',
  },
  { id: 'G7 durability', text: 'audit: { durability: §lax }', message: 'audit.durability: must be "standard" or "strict".' },
  {
    id: 'G17 price of nothing',
    text: 'audit: { prices: { currency: EUR, upstreams: { serch: §{ perCall: 1 } } } }\nupstreams: { search: { url: "https://a.example/mcp" } }',
    message: 'audit.prices.upstreams.serch: no upstream is called "serch". Did you mean "search"?',
  },
  {
    id: 'G18 no currency',
    text: 'audit: { prices: { currency: §euro, upstreams: {} } }',
    message: 'audit.prices.currency: must be the three letters of a currency (ISO 4217), such as EUR.',
  },
  {
    id: 'G8 not a range',
    text: 'egress: { allow: [§10.0.0.5] }',
    message: 'egress.allow[0]: must be a range of addresses. Write for example 10.1.0.0/16 or 10.1.2.3/32.',
  },
  {
    id: 'G9 everything allowed',
    text: 'egress: { allow: [§"::/0"] }',
    message: 'egress.allow[0]: allows every address, which would switch the guard off. Write only the ranges that are needed.',
  },
  { id: 'T1 empty team', text: 'teams: { a: §{} }', message: 'teams.a: has no members. Add emails or claims.' },
  {
    id: 'T2 not an address',
    text: 'teams: { a: { emails: [§ana] } }',
    message: 'teams.a.emails[0]: must be an e-mail address. Correct it.',
  },
  {
    id: 'U1 neither',
    text: up('§{ timeoutMs: 1000 }'),
    message: 'upstreams.a: needs url (a remote server) or command (a local one). Add one of them.',
  },
  {
    id: 'U2 both',
    text: up('{ url: "http://x/", command: §y }'),
    message: 'upstreams.a.command: cannot stand beside url. Keep one of them.',
  },
  {
    id: 'U3 type disagrees',
    text: up('{ type: §stdio, url: "http://x/" }'),
    message: 'upstreams.a.type: says stdio, but the entry has url. Remove type.',
  },
  {
    id: 'U4 sse',
    text: up('{ type: §sse, url: "http://x/" }'),
    message: 'upstreams.a.type: must be "http" or "stdio". For a server of the older SSE transport, use its Streamable HTTP URL.',
  },
  {
    id: 'U5 env of a remote',
    text: up('{ url: "http://x/", env: §{ A: b } }'),
    message: 'upstreams.a.env: cannot stand in an entry with url. A remote server takes headers and credential.',
  },
  {
    id: 'U6 credential of a command',
    text: up('{ command: x, credential: §{ type: bearer, token: "${env:A}" } }'),
    message: 'upstreams.a.credential: cannot stand in an entry with command. A local command takes secrets from env.',
  },
  {
    id: 'U7 scheme',
    text: up('{ url: §"ftp://x/" }'),
    message: 'upstreams.a.url: must be an http or https URL. Write for example https://example.com/mcp.',
  },
  {
    id: 'U8 userinfo',
    text: up('{ url: §"https://u:p@x/" }'),
    message: 'upstreams.a.url: cannot hold a user or password. Put them into credential.',
  },
  {
    id: 'U9 fragment',
    text: up('{ url: §"https://x/#a" }'),
    message: 'upstreams.a.url: cannot hold a fragment (#…). Remove it.',
  },
  {
    id: 'U10 reference in url',
    text: up('{ url: §"https://x/${env:KEY}" }'),
    message: 'upstreams.a.url: cannot hold a reference: it is shown in logs and lists. Put secrets into headers or credential.',
  },
  {
    id: 'U11 clear Authorization',
    text: up('{ url: "https://x/", headers: { Authorization: §Bearer abc } }'),
    message:
      'upstreams.a.headers.Authorization: is a secret in clear text. Write ${env:NAME}, ${file:PATH} or ${secret:NAME} instead.',
  },
  {
    id: 'U12 clear X-Api-Key',
    text: up('{ url: "https://x/", headers: { X-Api-Key: §abc } }'),
    message:
      'upstreams.a.headers.X-Api-Key: is a secret in clear text. Write ${env:NAME}, ${file:PATH} or ${secret:NAME} instead.',
  },
  {
    id: 'U13 clear credential',
    text: up('{ url: "https://x/", credential: { type: header, name: X-Any, value: §abc } }'),
    message:
      'upstreams.a.credential.value: is a secret in clear text. Write ${env:NAME}, ${file:PATH} or ${secret:NAME} instead.',
  },
  {
    id: 'U14 clear bearer',
    text: up('{ url: "https://x/", credential: { type: bearer, token: §abc } }'),
    message:
      'upstreams.a.credential.token: is a secret in clear text. Write ${env:NAME}, ${file:PATH} or ${secret:NAME} instead.',
  },
  {
    id: 'U15 unknown credential',
    text: up('{ url: "https://x/", credential: { type: §cookie } }'),
    message:
      'upstreams.a.credential.type: must be one of "header", "bearer", "basic", "mtls", "oauth", "user-key", "client-credentials", "token-exchange", "id-jag" and "user-claims".',
  },
  {
    id: 'U16 unknown reference',
    text: up('{ url: "https://x/", headers: { X-A: §"${KEY}" } }'),
    message: 'upstreams.a.headers.X-A: ${KEY} is not a reference. Write ${env:NAME}, ${file:PATH} or ${secret:NAME} instead.',
  },
  {
    id: 'U17 owned header',
    text: up('{ url: "https://x/", headers: { Mcp-Session-Id: §a } }'),
    message: 'upstreams.a.headers.Mcp-Session-Id: is written by the gateway itself. Remove it.',
  },
  {
    id: 'U18 header name',
    text: up('{ url: "https://x/", headers: { "A B": §a } }'),
    message: 'upstreams.a.headers."A B": is not a header field name. Use letters, digits and "-".',
  },
  {
    id: 'U19 line break in header',
    text: up('{ url: "https://x/", headers: { A: §"a\\r\\nB: c" } }'),
    message: 'upstreams.a.headers.A: holds characters that a header field cannot have, such as a line break. Remove them.',
  },
  {
    id: 'U20 credential twice',
    text: up('{ url: "https://x/", headers: { authorization: §"${env:A}" }, credential: { type: bearer, token: "${env:A}" } }'),
    message: 'upstreams.a.headers.authorization: is also what credential sends. Keep one of them.',
  },
  {
    id: 'U21 owned credential',
    text: up('{ url: "https://x/", credential: { type: header, name: §Host, value: "${env:A}" } }'),
    message: 'upstreams.a.credential.name: is written by the gateway itself. Remove it.',
  },
  {
    id: 'U22 secret in args',
    text: up('{ command: x, args: [--api-key, §abc] }'),
    message: 'upstreams.a.args[1]: gives a secret in clear text, which shows in process lists. Put it into env as a reference.',
  },
  {
    id: 'U23 secret in one arg',
    text: up('{ command: x, args: [§--access-token=abc] }'),
    message: 'upstreams.a.args[0]: gives a secret in clear text, which shows in process lists. Put it into env as a reference.',
  },
  {
    id: 'U24 reference in args',
    text: up('{ command: x, args: [§"${env:A}"] }'),
    message: 'upstreams.a.args[0]: cannot hold a reference: it would show in process lists. Put it into env.',
  },
  {
    id: 'U25 clear env',
    text: up('{ command: x, env: { DB_PASSWORD: §abc } }'),
    message: 'upstreams.a.env.DB_PASSWORD: is a secret in clear text. Write ${env:NAME}, ${file:PATH} or ${secret:NAME} instead.',
  },
  {
    id: 'U26 env name',
    text: up('{ command: x, env: { "A=B": §c } }'),
    message: 'upstreams.a.env."A=B": is not the name of an environment variable. Use letters, digits and "_".',
  },
  {
    id: 'U27 name',
    text: 'upstreams: { §"a b": { command: x } }',
    message: 'upstreams."a b": must be 1 to 63 letters, digits, "_" and "-", starting with a letter or digit. Rename it.',
  },
  {
    id: 'U28 the gateway itself',
    text: up('{ url: §"http://127.0.0.1:8080/mcp/demo" }'),
    message: 'upstreams.a.url: is the gateway itself, which would call itself without end. Name the upstream server.',
  },
  {
    id: 'U29 timeout',
    text: up('{ command: x, timeoutMs: §1 }'),
    message: 'upstreams.a.timeoutMs: must be at least 100.',
  },
  {
    id: 'S1 slug',
    text: 'servers: { §Demo_1: { sources: [], access: [] } }',
    message: 'servers.Demo_1: must be 1 to 63 of a-z, 0-9 and "-", because it becomes part of a URL. Rename it.',
  },
  {
    id: 'S2 unknown upstream',
    text: server('{ sources: [{ upstream: §mian }], access: [{ everyone: true }] }'),
    message: 'servers.demo.sources[0].upstream: no upstream is called "mian". Did you mean "main"?',
  },
  {
    id: 'S3 unknown team',
    text: server(`{ ${sources}, access: [{ teams: [§sales] }] }`),
    message: 'servers.demo.access[0].teams[0]: no team is called "sales". Add it under teams.',
  },
  {
    id: 'S4 nobody',
    text: server(`{ ${sources}, access: [§{ tools: [echo] }] }`),
    message: 'servers.demo.access[0]: grants to nobody. Add teams, everyone: true or anonymous: true.',
  },
  {
    id: 'S5 nothing',
    text: server(`{ ${sources}, access: [§{ everyone: true, tools: [] }] }`),
    message:
      'servers.demo.access[0]: grants nothing. Name tools, prompts or resources, or none of the three to grant everything.',
  },
  {
    id: 'S20 a scope that covers nothing',
    text: server(`{ ${sources}, access: [{ everyone: true }], scopes: { pay: §{ title: pay bills } } }`),
    message: 'servers.demo.scopes.pay: covers nothing. Name tools, prompts or resources.',
  },
  {
    id: 'S21 a scope whose name cannot be one',
    text: server(`{ ${sources}, access: [{ everyone: true }], scopes: { §"Pay it": { title: pay bills, tools: [pay] } } }`),
    message:
      'servers.demo.scopes."Pay it": must be 1 to 32 of a-z, 0-9, "_" and "-", because it becomes part of a scope. Rename it.',
  },
  { id: 'S6 no access', text: server(`§{ ${sources} }`), message: 'servers.demo.access: is required but missing. Add it.' },
  {
    id: 'S7 empty access',
    text: server(`{ ${sources}, access: §[] }`),
    message: 'servers.demo.access: is empty, so nobody could use the server. Add for example { everyone: true }.',
  },
  {
    id: 'S8 condition',
    text: server(`{ ${sources}, access: [{ everyone: true, when: §"args.a < 1" }] }`),
    message:
      'servers.demo.access[0].when: conditions are not evaluated by this version, so the rule would grant more than it says. Remove the rule, or its condition.',
  },
  {
    id: 'S9 prefix',
    text: server('{ sources: [{ upstream: main, prefix: §"a/b" }], access: [{ everyone: true }] }'),
    message:
      'servers.demo.sources[0].prefix: must be at most 32 letters, digits, ".", "_" and "-", because it becomes part of tool names. Change it.',
  },
  {
    id: 'S10 duplicate source',
    text: server('{ sources: [{ upstream: main }, §{ upstream: main }], access: [{ everyone: true }] }'),
    message:
      'servers.demo.sources[1]: names upstream "main" a second time with the same prefix. Merge the two, or give this one another prefix.',
  },
  {
    id: 'S30 clear fields where nothing is captured',
    text: server(`{ ${sources}, access: [{ everyone: true }], audit: { clear: §[a] } }`),
    message: 'servers.demo.audit.clear: does nothing where capture is metadata. Remove it, or write capture: redacted.',
  },
  {
    id: 'S31 clear fields where everything is captured',
    text: server(`{ ${sources}, access: [{ everyone: true }], audit: { capture: full, clearResult: §[a] } }`),
    message: 'servers.demo.audit.clearResult: does nothing where capture is full. Remove it, or write capture: redacted.',
  },
  {
    id: 'S32 no path',
    text: server(`{ ${sources}, access: [{ everyone: true }], audit: { capture: redacted, clear: [§a..b] } }`),
    message:
      'servers.demo.audit.clear[0]: must be names joined by ".", where "*" is any one name or place in a list. Write for example query.limit or content.*.type.',
  },
  {
    id: 'S33 a rule about nothing',
    text: server(`{ ${sources}, access: [{ everyone: true }], audit: { captureRules: [§{ capture: full }] } }`),
    message: 'servers.demo.audit.captureRules[0]: names nothing that it is about. Add tools, prompts or resources.',
  },
  {
    id: 'S34 a rule whose clear fields do nothing',
    text: server(
      `{ ${sources}, access: [{ everyone: true }], audit: { captureRules: [{ tools: [a], capture: full, clear: §[b] }] } }`,
    ),
    message:
      'servers.demo.audit.captureRules[0].clear: does nothing where capture is full. Remove it, or write capture: redacted.',
  },
  {
    id: 'S11 unknown key',
    text: server(`{ ${sources}, §acces: [], access: [{ everyone: true }] }`),
    message: 'servers.demo.acces: unknown key. Did you mean "access"?',
  },
];

function refusalOf(text: string): string {
  try {
    parseGatewayConfig(text, 'f');
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('a switchyard.yaml is refused for', () => {
  it.each(refusals)('$id', ({ text, message }) => {
    const before = text.slice(0, text.indexOf('§')).split('\n');
    const place = `f:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
    expect(refusalOf(text.replace('§', ''))).toBe(`${place}: ${message}`);
  });

  const accepted = [
    {
      id: 'A1 one upstream under two prefixes',
      text: server('{ sources: [{ upstream: main }, { upstream: main, prefix: x_ }], access: [{ everyone: true }] }'),
    },
    { id: 'A2 an argument that counts tokens', text: up('{ command: x, args: [--max-tokens=5, --token-limit, "4"] }') },
    { id: 'A3 braces that are no reference', text: up('{ command: sh, args: [-c, "echo ${HOME}"] }') },
    { id: 'A4 an empty secret-like variable', text: up('{ command: x, env: { API_KEY: "" } }') },
    { id: 'A5 a header whose name only sounds like a key', text: up('{ url: "https://x/", headers: { X-Monkey: a } }') },
    { id: 'A6 another port on loopback', text: up('{ url: "http://localhost:8081/mcp" }') },
    { id: 'A7 IPv6 loopback', text: 'gateway: { publicUrl: "http://[::1]:8080" }' },
    { id: 'A8 port 0 with a public URL', text: 'gateway: { port: 0, publicUrl: "http://localhost:1" }' },
  ];
  it.each(accepted)('nothing: $id', ({ text }) => {
    expect(refusalOf(text)).toBe('accepted');
  });

  it('never shows a secret in its message', () => {
    expect(refusalOf(up('{ url: "https://x/", headers: { Authorization: hunter2 }, timeoutMs: hunter2 }'))).not.toContain(
      'hunter2',
    );
  });
});
