import { ConfigError, parseConfigText } from '@switchyard/runtime';
import { analyticsFileSchema } from './config.js';

const platform = '{ nats: { servers: [nats://n:4222] }, audit: { dir: /a }, emitter: analytics-1 }';
const parse = (engine: string, rest = '') =>
  parseConfigText(analyticsFileSchema, `engine: ${engine}\nplatform: ${platform}\ncheckpoints: { keyFile: key.json }\n${rest}`, {
    file: 'analytics.yaml',
    references: 'resolve',
    env: { PASSWORD: 'hunter2' },
  });

describe('the configuration of analytics', () => {
  it('has defaults for everything but the engine, the platform and the key of checkpoints', () => {
    const config = parse('{ kind: http, url: "http://clickhouse:8123", password: "${env:PASSWORD}" }');
    expect(config).toMatchObject({
      listen: { host: '127.0.0.1', port: 8084 },
      management: { port: 9084 },
      checkpoints: { keyFile: 'key.json', createIfMissing: false, intervalMs: 60_000 },
      engine: { kind: 'http', url: 'http://clickhouse:8123', user: 'default', database: 'switchyard' },
    });
    expect(JSON.stringify(config.engine)).not.toContain('hunter2');
    expect(config.engine.kind === 'http' && config.engine.password?.reveal()).toBe('hunter2');
  });

  it.each([
    ['unknown-kind', '{ kind: sqlite, path: x }', ''],
    ['unknown-key', '{ kind: embedded, path: x, user: y }', ''],
    ['no-path', '{ kind: embedded }', ''],
    ['no-url', '{ kind: http }', ''],
    ['native-port', '{ kind: http, url: "tcp://clickhouse:9000" }', ''],
    ['database', '{ kind: http, url: "http://c:8123", database: "a; DROP" }', ''],
    ['unknown-section', '{ kind: embedded, path: x }', 'retention: 3d'],
  ])('%s: is refused with its place', (_id, engine, rest) => {
    expect(() => parse(engine, rest)).toThrow(ConfigError);
    expect(() => parse(engine, rest)).toThrow(/^analytics\.yaml:\d+:\d+: /);
  });
});
