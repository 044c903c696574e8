import { BUCKETS, DEFAULT_TENANT, EVENTS_STREAM } from '@switchyard/contracts';
import { parseConfig } from '@switchyard/runtime';
import { eventually, startNats, tempDir, type TempDir } from '@switchyard/testing';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { openLocalPlatform, openNatsPlatform, platformSchema, type Platform } from './index.js';

interface Opened {
  open(): Promise<Platform>;
  close(): Promise<void>;
}

async function local(dir: string): Promise<Opened> {
  const options = { dataDir: dir, service: 'test', emitter: 'test-1', logLevel: 'silent', auditLimitBytes: 1024 ** 2 } as const;
  return { open: () => openLocalPlatform(options), close: async () => undefined };
}

async function overNats(dir: string): Promise<Opened> {
  const nats = await startNats();
  const config = parseConfig(
    platformSchema,
    { nats: { servers: [nats.url] }, audit: { dir: path.join(dir, 'spool') }, emitter: 'test-1', logLevel: 'silent' },
    'test',
  );
  return { open: () => openNatsPlatform(config, 'test'), close: async () => nats[Symbol.asyncDispose]() };
}

describe.each([
  { profile: 'in process', prepare: local },
  { profile: 'NATS', prepare: overNats },
])('a platform, $profile', ({ prepare }) => {
  let dir: TempDir;
  let opened: Opened;
  let platform: Platform;

  beforeEach(async () => {
    dir = await tempDir();
    opened = await prepare(path.join(dir.path, 'data'));
    platform = await opened.open();
  });
  afterEach(async () => {
    await platform.close();
    await opened.close();
    await dir[Symbol.asyncDispose]();
  });

  const collect = async (into: string[]) =>
    platform.bus.consume({
      stream: EVENTS_STREAM,
      durable: 'test',
      batchMessages: 10,
      batchBytes: 1024 ** 2,
      batchWaitMs: 10,
      handle: async (messages) => void into.push(...messages.map(({ data }) => Buffer.from(data).toString())),
      onError: (error) => into.push(String(error)),
    });

  it('carries events from the spool to the bus, and closes with nothing left behind', async () => {
    const lines: string[] = [];
    const consumption = await collect(lines);
    await platform.audit.record({ type: 'config.applied', outcome: 'ok' });
    await eventually(() => expect(lines.join('')).toContain('config.applied'));
    await consumption.close();
    await platform.close();
    await platform.close();
    expect([await platform.bus.ready(), await platform.state.ready()]).toEqual([false, false]);
  });

  it('keeps state over a restart', async () => {
    await (await platform.state.bucket(BUCKETS.sessions, DEFAULT_TENANT)).put('a', Buffer.from('b'));
    await platform.close();
    platform = await opened.open();
    const entry = await (await platform.state.bucket(BUCKETS.sessions, DEFAULT_TENANT)).get('a');
    expect(Buffer.from(entry?.value ?? []).toString()).toBe('b');
  });

  it('leaves nothing open when it cannot be opened', async () => {
    await expect(opened.open()).rejects.toThrow();
    // What stands already goes on.
    expect([await platform.bus.ready(), await platform.state.ready()]).toEqual([true, true]);
  });

  it('has metrics', async () => {
    platform.telemetry.meter.createCounter('sample').add(1);
    expect(await platform.telemetry.metricsText()).toContain('sample');
  });
});

describe('the folder of the embedded profile', () => {
  it('is readable by its owner only', async () => {
    await using dir = await tempDir();
    const opened = await local(path.join(dir.path, 'data'));
    const platform = await opened.open();
    expect(statSync(path.join(dir.path, 'data')).mode & 0o777).toBe(0o700);
    expect(readdirSync(path.join(dir.path, 'data')).sort()).toEqual(expect.arrayContaining(['spool', 'state.sqlite']));
    await platform.close();
  });
});
