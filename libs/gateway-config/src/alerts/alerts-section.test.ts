import { ConfigError } from '@switchyard/runtime';
import { parseGatewayConfig } from '../index.js';

const parse = (alerts: string) =>
  parseGatewayConfig(`audit: { alerts: ${alerts} }\nteams: { ops: { claims: [ops] } }\n`, 'switchyard.yaml');

function refusalOf(alerts: string): string {
  try {
    parse(alerts);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'accepted';
}

const rule = (settings: string) => `{ rules: { a: { ${settings} } } }`;
const channel = (settings: string) => `{ channels: { a: { ${settings} } } }`;
const mail = (more = '') => channel(`type: email, host: smtp.example.com, from: g@example.com, to: [o@example.com]${more}`);

describe('audit.alerts', () => {
  it('AL10 fills in defaults, so that a kind alone is a rule', () => {
    expect(parse(rule('kind: denial-burst')).audit.alerts.rules).toEqual({
      a: {
        kind: 'denial-burst',
        forMinutes: 0,
        clearMinutes: 5,
        groupMinutes: 5,
        repeatMinutes: 240,
        sendResolved: true,
        silence: [],
        filter: {},
        windowMinutes: 5,
        per: 'principal',
        count: 20,
      },
    });
    expect(parse(rule('kind: new-tool')).audit.alerts.rules['a']).toMatchObject({ repeatMinutes: 0, sendResolved: false });
    expect(parse(mail()).audit.alerts.channels['a']).toMatchObject({ security: 'starttls', allow: [] });
  });

  it.each(['error-rate', 'new-tool', 'volume', 'denial-burst', 'latency', 'pipeline', 'unknown-signing-key'])(
    'AL11 takes %s alone',
    (kind) => {
      expect(refusalOf(rule(`kind: ${kind}`))).toBe('accepted');
    },
  );

  it.each([
    ['AL12 unknown kind', rule('kind: quota'), /rules\.a.*kind must be "error-rate", "new-tool"/],
    ['AL12 unknown channel', rule('kind: pipeline, notify: [ops]'), /notify\[0\]: no channel is called "ops"/],
    [
      'AL12 unknown team',
      rule('kind: denial-burst, filter: { teams: [opps] }'),
      /no team is called "opps"\. Did you mean "ops"\?/,
    ],
    ['AL12 unknown server', rule('kind: new-tool, filter: { servers: [x] }'), /filter\.servers\[0\]: no server is called "x"/],
    ['AL12 unknown type of event', rule('kind: denial-burst, filter: { types: [tool.caled] }'), /matches no type of event/],
    ['AL12 unknown key', rule('kind: denial-burst, threshold: 3'), /rules\.a\.threshold/],
    ['AL13 more than all', rule('kind: error-rate, percent: 120'), /rules\.a\.percent/],
    ['AL13 no past', rule('kind: volume, past: { count: 1 }'), /rules\.a\.past\.count/],
    ['AL14 half a silence', rule('kind: pipeline, silence: [{ start: "22:00" }]'), /silence\[0\]\.end: is required but missing/],
    ['AL14 no zone', rule('kind: pipeline, silence: [{ start: "22:00", end: "06:00", timeZone: Berlin }]'), /silence\[0\]/],
    ['AL15 unknown type', channel('type: pager'), /type must be "webhook", "slack" or "email"/],
    [
      'AL15 secret in clear',
      channel('type: slack, url: "https://hooks.slack.com/services/x"'),
      /url: is a secret in clear text\./,
    ],
    [
      'AL16 a second recipient in an address',
      mail().replace('[o@example.com]', '["o@example.com, e@evil.example"]'),
      /to\[0\]: must be an e-mail address/,
    ],
    [
      'AL16 a header field in an address',
      mail().replace('from: g@example.com', String.raw`from: "g@example.com\r\nBcc: e@evil.example"`),
      /from: must be an e-mail address/,
    ],
    [
      'AL17 a password in the clear',
      mail(', user: u, password: "${env:P}", security: none'),
      /security: would send the password in the clear/,
    ],
    ['AL17 half an account', mail(', user: u'), /has a user without a password/],
    ['AL18 every address allowed', mail(', allow: ["0.0.0.0/0"]'), /allow\[0\]: allows every address/],
  ])('refuses %s', (_id, alerts, message) => {
    expect(refusalOf(alerts)).toMatch(message);
  });

  it.each([
    'kind: pipeline, silence: [{ start: "22:00", end: "06:00", days: [sat, sun], timeZone: Europe/Berlin }]',
    'kind: pipeline, silence: [{ from: "2026-01-31T12:00:00Z", until: "2026-02-01T12:00:00+01:00" }], notify: []',
    'kind: volume, per: agent, measure: cost, past: { every: week, count: 4 }',
  ])('AL19 takes %s', (settings) => {
    expect(refusalOf(rule(settings))).toBe('accepted');
  });
});
