import { toJson } from '@bufbuild/protobuf';
import { CaptureMode, SnapshotSchema } from '@switchyard/contracts';
import { parseGatewayConfig } from '@switchyard/gateway-config';
import type { Clock } from '@switchyard/runtime';
import { compileSnapshot } from './compile-snapshot.js';
import { credentialTemplates } from './credential-templates.js';

const CONFIG = `
teams: { finance: { emails: [ana@example.com] }, robots: {} }
identity: { services: { bot: { clientId: bot-1, clientSecret: "\${env:S}", servers: [work], teams: [robots] } }, clients: { desk: { title: Desk, redirectUris: ["http://localhost/cb"], clientSecret: "\${env:D}" }, web: { redirectUris: ["https://a.example/cb"], jwks: { keys: [{ kty: EC }] } } } }
upstreams:
  tracker: { url: "https://tracker.example/mcp", headers: { X-Team: a }, credential: { type: bearer, token: "\${env:T}" }, timeoutMs: 5000 }
  files: { command: node, args: [a.js], cwd: /srv, env: { API_KEY: "\${secret:k}" } }
  open: { url: "https://open.example/mcp" }
servers:
  work: { title: Work, sources: [{ upstream: tracker, prefix: t_, deny: [x] }, { upstream: files }], access: [{ teams: [finance], tools: ["t_*"] }], scopes: { pay: { title: pay bills, tools: [t_pay] } } }
  bare: { sources: [{ upstream: open, readOnly: ["get_*"] }], access: [{ anonymous: true }], audit: { durability: strict } }
egress: { allow: [10.0.0.0/8] }
audit: { whenFull: shed, prices: { currency: EUR, upstreams: { tracker: { perCall: 0.002, perThousandTokensIn: 3, tools: { ask: { perCall: 0.1, perThousandTokensOut: 0.0000015 } } } } } }
`;
const at = (now: number): Clock => ({ now: () => now, monotonicMicros: () => 0 });
const compile = (text: string, versions: Record<string, string> = { tracker: 'v1', files: 'v2' }, now = 0) =>
  compileSnapshot(parseGatewayConfig(text, 'f'), versions, 'default', at(now));

describe('compileSnapshot', () => {
  it('carries everything that edges need, and no header or environment value', () => {
    const json = toJson(SnapshotSchema, compile(CONFIG, undefined, 1_700_000_000_000));
    expect(json).toEqual({
      revision: expect.stringMatching(/^[0-9a-f]{16}$/) as unknown,
      tenant: 'default',
      auditors: {},
      auditRetentionDays: { events: 400, lines: 400, payloads: 90, usage: 1095 },
      compiledAt: '2023-11-14T22:13:20Z',
      publicUrl: 'http://localhost:8080',
      upstreams: [
        {
          name: 'tracker',
          http: { url: 'https://tracker.example/mcp' },
          needsCredential: true,
          credentialVersion: 'v1',
          timeoutMs: 5000,
          price: {
            perCallMicros: 2_000,
            perThousandTokensInMicros: 3_000_000,
            tools: {
              ask: { perCallMicros: 100_000, perThousandTokensInMicros: 3_000_000, perThousandTokensOutMicros: 2 },
            },
          },
        },
        {
          name: 'files',
          stdio: { command: 'node', args: ['a.js'], cwd: '/srv' },
          needsCredential: true,
          credentialVersion: 'v2',
          timeoutMs: 60000,
        },
        { name: 'open', http: { url: 'https://open.example/mcp' }, timeoutMs: 60000 },
      ],
      servers: [
        {
          slug: 'work',
          title: 'Work',
          sources: [
            { upstream: 'tracker', prefix: 't_', tools: ['*'], deny: ['x'], prompts: ['*'], resources: ['*'] },
            { upstream: 'files', tools: ['*'], prompts: ['*'], resources: ['*'] },
          ],
          access: [{ teams: ['finance'], tools: ['t_*'] }],
          scopes: [{ name: 'pay', title: 'pay bills', tools: ['t_pay'] }],
        },
        {
          slug: 'bare',
          title: 'bare',
          sources: [{ upstream: 'open', tools: ['*'], prompts: ['*'], resources: ['*'], readOnly: ['get_*'] }],
          access: [{ anonymous: true, tools: ['*'], prompts: ['*'], resources: ['*'] }],
          auditStrict: true,
        },
      ],
      teams: [
        { name: 'finance', emails: ['ana@example.com'] },
        { name: 'robots', services: ['bot-1'] },
      ],
      egressAllow: ['10.0.0.0/8'],
      auditShedsReads: true,
      currency: 'EUR',
      clients: [
        { clientId: 'desk', title: 'Desk', redirectUris: ['http://localhost/cb'], secretReference: '${env:D}' },
        { clientId: 'web', title: 'web', redirectUris: ['https://a.example/cb'], jwks: '{"keys":[{"kty":"EC"}]}' },
      ],
    });
  });

  it('says what is captured, of servers of which anything is', () => {
    const text = `
upstreams: { shop: { url: "https://shop.example/mcp" } }
servers:
  usual: { sources: [{ upstream: shop }], access: [{ everyone: true }] }
  none: { sources: [{ upstream: shop }], access: [{ everyone: true }], audit: { capture: metadata } }
  some: { sources: [{ upstream: shop }], access: [{ everyone: true }], audit: { capture: metadata, captureRules: [{ tools: [pay], capture: full }] } }
audit: { capture: redacted, captureLimitBytes: 2048 }`;
    const usual = text.replace('usual: {', 'usual: { audit: { clear: [a.b], clearResult: [c] },');
    expect(compile(usual).servers.map(({ capture, captureRules }) => ({ capture, captureRules }))).toMatchObject([
      { capture: { mode: CaptureMode.REDACTED, clear: ['a.b'], clearResult: ['c'], limitBytes: 2048 }, captureRules: [] },
      { capture: undefined, captureRules: [] },
      {
        capture: { mode: CaptureMode.UNSPECIFIED },
        captureRules: [{ tools: ['pay'], capture: { mode: CaptureMode.FULL, limitBytes: 2048 } }],
      },
    ]);
  });

  const original = compile(CONFIG).revision;
  it.each([
    { id: 'R1 compiled later', revision: compile(CONFIG, undefined, 5).revision, same: true },
    {
      id: 'R2 comment and spacing',
      revision: compile(`# x\n${CONFIG.replace('{ title: Work', '{   title: Work')}`).revision,
      same: true,
    },
    { id: 'R3 new credential version', revision: compile(CONFIG, { tracker: 'v9', files: 'v2' }).revision, same: false },
    { id: 'R4 other rule', revision: compile(CONFIG.replace('t_*', 't_a')).revision, same: false },
    {
      id: 'R5 order of upstreams in a server',
      revision: compile(
        CONFIG.replace(
          '{ upstream: tracker, prefix: t_, deny: [x] }, { upstream: files }',
          '{ upstream: files }, { upstream: tracker, prefix: t_, deny: [x] }',
        ),
      ).revision,
      same: false,
    },
  ])('gives $id the same revision: $same', ({ revision, same }) => {
    expect(revision === original).toBe(same);
  });
});

describe('credentialTemplates', () => {
  it('names only upstreams that need something, with references unresolved', () => {
    expect(credentialTemplates(parseGatewayConfig(CONFIG, 'f'))).toEqual([
      { upstream: 'tracker', headers: { 'X-Team': 'a', Authorization: 'Bearer ${env:T}' }, env: {} },
      { upstream: 'files', headers: {}, env: { API_KEY: '${secret:k}' } },
    ]);
  });
});

describe('secrets of the section identity', () => {
  const text = `identity: { mode: oidc, oidc: { issuer: "https://a.example", clientId: a, clientSecret: "\${secret:idp}" } }`;

  it('are what the vault keeps for the authorization server, each under the text that refers to it', () => {
    const config = parseGatewayConfig(text, 'f');
    const env = { '${secret:idp}': '${secret:idp}' };
    expect(credentialTemplates(config)).toEqual([{ upstream: 'identity/secrets', headers: {}, env }]);
    const compiled = toJson(SnapshotSchema, compileSnapshot(config, { 'identity/secrets': 'v1' }, 'default', at(0)));
    expect(compiled).toMatchObject({ identitySecretsVersion: 'v1' });
    expect(JSON.stringify(compiled)).not.toContain('secret:idp');
  });
});

describe('audit sinks', () => {
  const text = `audit: { sinks: { siem: { type: webhook, url: "https://a.example/", secret: "\${env:S}" }, disk: { type: file, path: /a } } }`;

  it('stand in the snapshot with references only, and with the version of their values', () => {
    const { auditSinks } = compile(text, { 'sink/siem': 'v7' });
    expect(auditSinks).toMatchObject([
      { name: 'siem', needsSecrets: true, secretsVersion: 'v7' },
      { name: 'disk', needsSecrets: false, secretsVersion: '' },
    ]);
    expect(JSON.parse(auditSinks[0]?.settings ?? '')).toMatchObject({ type: 'webhook', secret: '${env:S}' });
    expect(compile(text, { 'sink/siem': 'v8' }).revision).not.toBe(compile(text, { 'sink/siem': 'v7' }).revision);
  });

  it('give the vault what they refer to, under a name that no upstream can have', () => {
    expect(credentialTemplates(parseGatewayConfig(text, 'f'))).toEqual([
      { upstream: 'sink/siem', headers: {}, env: { '/secret': '${env:S}' } },
    ]);
  });
});

describe('audit alerts', () => {
  const text = `audit: { alerts: { rules: { denials: { kind: denial-burst } }, channels: { chat: { type: slack, url: "\${env:S}" } } } }`;

  it('stand in the snapshot with references only, and with the version of their values', () => {
    const { alertRules, alertChannels } = compile(text, { 'sink/channel/chat': 'v7' });
    expect(alertRules.map(({ name, settings }) => [name, JSON.parse(settings)])).toEqual([
      ['denials', expect.objectContaining({ kind: 'denial-burst', count: 20 })],
    ]);
    expect(alertChannels).toMatchObject([{ name: 'chat', needsSecrets: true, secretsVersion: 'v7' }]);
    expect(JSON.parse(alertChannels[0]?.settings ?? '')).toMatchObject({ type: 'slack', url: '${env:S}' });
  });

  it('give the vault what their channels refer to, under a name that no sink and no upstream can have', () => {
    expect(credentialTemplates(parseGatewayConfig(text, 'f'))).toEqual([
      { upstream: 'sink/channel/chat', headers: {}, env: { '/url': '${env:S}' } },
    ]);
  });
});
