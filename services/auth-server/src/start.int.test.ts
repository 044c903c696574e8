import { ConfigError, parseConfig, systemClock } from '@switchyard/runtime';
import { SqliteState } from '@switchyard/state';
import { tempDir, type TempDir } from '@switchyard/testing';
import path from 'node:path';
import { authServerFileSchema } from './config.js';
import { startServers } from './fixtures/running-server.js';

describe('starting the authorization server', () => {
  let dir: TempDir;
  let state: SqliteState;

  beforeEach(async () => {
    dir = await tempDir();
    state = SqliteState.open(path.join(dir.path, 'state.sqlite'));
  });
  afterEach(async () => {
    await state.close();
    await dir[Symbol.asyncDispose]();
  });

  const start = (publicUrl?: string) =>
    startServers({ states: [state], clock: systemClock, dir: dir.path, ...(publicUrl === undefined ? {} : { publicUrl }) });

  it('refuses development sign-in at a public address, and says where and what to do', async () => {
    const refusal = await start('https://mcp.example.com').catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ConfigError);
    expect((refusal as ConfigError).message).toMatch(
      /switchyard\.yaml:1:\d+: gateway\.publicUrl: is not a loopback address, and identity\.mode dev lets anyone sign in as anyone\. Use /,
    );
  });

  it('is ready, until its store is closed, and closes more than once', async () => {
    const { services } = await start();
    const [service] = services;
    expect(await service?.readiness()).toEqual({ state: 'ok', audit: 'ok' });
    await state.close();
    expect(await service?.readiness()).toEqual({ state: 'cannot be reached', audit: 'ok' });
    await service?.close();
    await service?.close();
  });

  it.each([
    ['unknown key', { gatewayFile: 'a', sing: 1 }, 'sing'],
    ['no gateway file', {}, 'gatewayFile'],
    ['no platform', { gatewayFile: 'a' }, 'platform'],
    ['port that is none', { gatewayFile: 'a', listen: { port: 70_000 } }, 'listen.port'],
  ])('refuses a file with: %s', (_id, value, key) => {
    expect(() => parseConfig(authServerFileSchema, value, 'auth-server.yaml')).toThrow(key);
  });
});
