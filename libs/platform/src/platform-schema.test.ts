import { ConfigError, parseConfigText } from '@switchyard/runtime';
import { platformSchema } from './index.js';

const MINIMAL = 'nats: { servers: [nats://localhost:4222] }\naudit: { dir: /var/spool/edge }\nemitter: edge-1\n';
const parse = (text: string) =>
  parseConfigText(platformSchema, text, { file: 'f', references: 'resolve', env: { PASS: 'hunter2' } });

function refusalOf(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('platformSchema', () => {
  it('fills in defaults', () => {
    expect(parse(MINIMAL)).toEqual({
      nats: { servers: ['nats://localhost:4222'], replicas: 1 },
      audit: { dir: '/var/spool/edge', limitBytes: 1024 ** 3 },
      emitter: 'edge-1',
      logLevel: 'info',
    });
  });

  it('keeps the password out of what is printed', () => {
    const config = parse(MINIMAL.replace(' }', ', user: edge, password: "${env:PASS}" }'));
    expect([JSON.stringify(config).includes('hunter2'), config.nats.password?.reveal()]).toEqual([false, 'hunter2']);
  });

  it.each([
    {
      id: 'P1 user in the URL',
      text: MINIMAL.replace('//local', '//u:p@local'),
      message: 'f:1:19: nats.servers[0]: must be a NATS URL without a user. Write for example nats://localhost:4222.',
    },
    {
      id: 'P2 user alone',
      text: MINIMAL.replace(' }', ', user: edge }'),
      message: 'f:1:7: nats: has a user without a password, or the reverse. Give both or neither.',
    },
    { id: 'P3 replicas', text: MINIMAL.replace(' }', ', replicas: 2 }'), message: 'f:1:53: nats.replicas: must be 1 or 3.' },
    {
      id: 'P4 no spool',
      text: MINIMAL.replace('{ dir: /var/spool/edge }', '{}'),
      message: 'f:2:8: audit.dir: is required but missing. Add it.',
    },
    {
      id: 'P5 emitter',
      text: MINIMAL.replace('edge-1', '"a/b"'),
      message: 'f:3:10: emitter: must be 1 to 63 letters, digits, ".", "_" and "-". Change it.',
    },
    {
      id: 'P6 collector',
      text: `${MINIMAL}otlpEndpoint: localhost\n`,
      message: 'f:4:15: otlpEndpoint: must be an http or https URL. Write for example http://localhost:4318.',
    },
    {
      id: 'P7 level',
      text: `${MINIMAL}logLevel: trace\n`,
      message: 'f:4:11: logLevel: must be "debug" or "info" or "warn" or "error" or "silent".',
    },
  ])('refuses $id', ({ text, message }) => {
    expect(refusalOf(text)).toBe(message);
  });
});
