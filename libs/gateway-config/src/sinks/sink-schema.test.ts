import { ConfigError } from '@switchyard/runtime';
import { fillSinkReferences, parseGatewayConfig, sinkReferences } from '../index.js';

const parse = (sinks: string) =>
  parseGatewayConfig(`audit: { sinks: ${sinks} }\nteams: { ops: { claims: [ops] } }\n`, 'switchyard.yaml');

function refusalOf(sinks: string): string {
  try {
    parse(sinks);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'accepted';
}

const hook = (more: string) => `{ a: { type: webhook, url: "https://a.example/", secret: "\${env:S}"${more} } }`;

describe('audit.sinks', () => {
  it('fills in defaults', () => {
    expect(parse(hook('')).audit.sinks).toEqual({
      a: {
        type: 'webhook',
        mapping: 'raw',
        filter: {},
        url: 'https://a.example/',
        secret: '${env:S}',
        batchEvents: 100,
        allow: [],
        timeoutMs: 30_000,
      },
    });
  });

  it.each([
    ['splunk-hec', 'url: "https://s.example:8088", token: "${secret:hec}"'],
    ['elastic', 'url: "https://e.example:9200", apiKey: "${env:K}"'],
    ['elastic', 'url: "https://e.example:9200", username: u, password: "${file:p}"'],
    ['datadog', 'site: datadoghq.eu, apiKey: "${env:K}", tags: ["env:prod"]'],
    ['sentinel', 'url: "https://x.ingest.monitor.azure.com", rule: dcr-1a, tenantId: t, clientId: c, clientSecret: "${env:S}"'],
    [
      'otlp',
      'url: "http://c.example:4318", headers: { authorization: "Bearer ${secret:o}" }, resource: { a.b: c }, encoding: json',
    ],
    ['s3', 'bucket: logs-1, prefix: "a/b=c/", credentials: { accessKey: { id: AKIA1, secret: "${secret:s}" } }, format: parquet'],
    ['syslog', 'host: logs.example.com, mapping: cef, facility: local3, certificate: "${file:c.pem}", key: "${file:k.pem}"'],
    ['syslog', 'host: "2001:db8::1", port: 514, tls: false, mapping: raw, enterpriseId: "51000.3"'],
    ['elastic', 'url: "https://e.example:9200", mapping: ecs'],
    ['datadog', 'apiKey: "${env:K}", mapping: ocsf'],
    ['file', 'path: /var/log/a.cef, mapping: cef'],
    ['file', 'path: /var/log/a.jsonl, filter: { types: ["auth.*", tool.called], outcomes: [denied], teams: [ops] }'],
  ])('takes %s: %s', (type, settings) => {
    expect(refusalOf(`{ a: { type: ${type}, ${settings} } }`)).toBe('accepted');
  });

  it.each([
    ['SK1 secret in clear', hook('').replace('${env:S}', 'whsec_abc'), /audit\.sinks\.a\.secret: is a secret in clear text\./],
    ['SK2 no reference', hook('').replace('${env:S}', '${vault:S}'), /\$\{vault:S\} is not a reference\./],
    ['SK3 unknown kind', '{ a: { type: kafka } }', /audit\.sinks\.a.*type must be "file", "webhook"/],
    ['SK4 unknown key', hook(', retries: 3'), /audit\.sinks\.a\.retries/],
    [
      'SK5 user in the URL',
      hook('').replace('https://', 'https://u:p@'),
      /audit\.sinks\.a\.url: must be an http or https URL without a user/,
    ],
    ['SK6 unknown type of event', hook(', filter: { types: [tool.caled] }'), /filter\.types\[0\]: matches no type of event\./],
    [
      'SK7 unknown team',
      hook(', filter: { teams: [opps] }'),
      /filter\.teams\[0\]: no team is called "opps"\. Did you mean "ops"\?/,
    ],
    ['SK8 unknown outcome', hook(', filter: { outcomes: [fine] }'), /filter\.outcomes\[0\]: must be/],
    ['SK9 every address allowed', hook(', allow: ["0.0.0.0/0"]'), /allow\[0\]: allows every address/],
    ['SK10 relative path', '{ a: { type: file, path: a.jsonl } }', /path: must be the absolute path of a file/],
    [
      'SK11 half an account',
      '{ a: { type: elastic, url: "https://e.example", username: u } }',
      /has a username without a password/,
    ],
    [
      'SK13 header that the gateway says',
      '{ a: { type: otlp, url: "https://e.example", headers: { Content-Type: "${env:A}" } } }',
      /headers\.Content-Type: is said by the gateway\./,
    ],
    [
      'SK14 header in clear',
      '{ a: { type: otlp, url: "https://e.example", headers: { api-key: abc } } }',
      /headers\.api-key: is a secret in clear text\./,
    ],
    [
      'SK15 prefix that leaves its folder',
      '{ a: { type: s3, bucket: logs, prefix: "a/../", credentials: { accessKey: { id: A, secret: "${env:A}" } } } }',
      /prefix: must be made of names that each end with/,
    ],
    [
      'SK16 key without its encryption',
      '{ a: { type: s3, bucket: logs, kmsKeyId: k, credentials: { accessKey: { id: A, secret: "${env:A}" } } } }',
      /kmsKeyId: needs encryption: aws:kms\./,
    ],
    [
      'SK17 no credentials',
      '{ a: { type: s3, bucket: logs, credentials: {} } }',
      /credentials: must have one of accessKey, webIdentity and container\./,
    ],
    [
      'SK18 mapping that its receiver cannot take',
      '{ a: { type: elastic, url: "https://e.example", mapping: cef } }',
      /mapping: must be/,
    ],
    [
      'SK19 port in the host',
      '{ a: { type: syslog, host: "logs.example.com/x" } }',
      /host: must be the name or the address of a host/,
    ],
    ['SK20 certificate without a key', '{ a: { type: syslog, host: h, certificate: PEM } }', /has a certificate without a key/],
    [
      'SK21 certificates without TLS',
      '{ a: { type: syslog, host: h, tls: false, ca: PEM } }',
      /ca: has no meaning where tls is false/,
    ],
    [
      'SK22 number that is none',
      '{ a: { type: syslog, host: h, enterpriseId: "x@y" } }',
      /enterpriseId: must be a private enterprise number/,
    ],
    ['SK23 facility that is none', '{ a: { type: syslog, host: h, facility: local8 } }', /facility: must be/],
    ['SK19 key in clear', '{ a: { type: syslog, host: h, certificate: PEM, key: PEM } }', /key: is a secret in clear text/],
    ['SK20 hostname with a space', '{ a: { type: syslog, host: h, hostname: "a b" } }', /hostname: must be 1 to 255 printable/],
    ['SK12 name', '{ "A b": { type: file, path: /a } }', /must be 1 to 63 of a-z, 0-9 and "-"/],
  ])('refuses %s', (_id, sinks, message) => {
    expect(refusalOf(sinks)).toMatch(message);
  });

  it('has its references found, and filled in where they stand', () => {
    const { a } = parse(hook(', ca: "${file:ca.pem}"')).audit.sinks;
    const found = sinkReferences(a);
    expect(found).toEqual({ '/secret': '${env:S}', '/ca': '${file:ca.pem}' });
    expect(fillSinkReferences(a, { '/secret': 's', '/ca': 'PEM' })).toMatchObject({
      secret: 's',
      ca: 'PEM',
      url: 'https://a.example/',
    });
  });
});
