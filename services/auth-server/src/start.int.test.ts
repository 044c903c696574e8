import { ConfigError, parseConfig, systemClock } from '@switchyard/runtime';
import { SqliteState } from '@switchyard/state';
import { tempDir, type TempDir } from '@switchyard/testing';
import path from 'node:path';
import { authServerFileSchema } from './config.js';
import { startServers, type RunningServers } from './fixtures/running-server.js';
import { shown, TestBrowser } from './fixtures/test-browser.js';
import { TestClient } from './fixtures/test-client.js';

describe('starting the authorization server', () => {
  let dir: TempDir;
  let state: SqliteState;
  let running: RunningServers | undefined;

  beforeEach(async () => {
    dir = await tempDir();
    state = SqliteState.open(path.join(dir.path, 'state.sqlite'));
  });
  afterEach(async () => {
    await running?.close();
    running = undefined;
    await state.close();
    await dir[Symbol.asyncDispose]();
  });

  const start = async (publicUrl?: string) => {
    running = await startServers({
      states: [state],
      clock: systemClock,
      dir: dir.path,
      ...(publicUrl === undefined ? {} : { publicUrl }),
    });
    return running;
  };

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

  it('says 503, in the form that each caller can read, while its store cannot be reached', async () => {
    const servers = await start();
    const client = new TestClient(servers.publicUrl, servers.urls);
    await client.register();
    const browser = new TestBrowser(servers.publicUrl, servers.urls);
    const signIn = shown(await browser.open(client.authorizationUrl().url));
    await state.close();
    expect(await client.refresh('some-token')).toMatchObject({ status: 503, json: { error: 'temporarily_unavailable' } });
    expect(await new TestClient(servers.publicUrl, servers.urls).register()).toMatchObject({
      status: 503,
      json: { error: 'temporarily_unavailable' },
    });
    for (const page of [
      await browser.open(client.authorizationUrl().url),
      await browser.submit(signIn, { email: 'a@b.example' }),
    ]) {
      expect(shown(page)).toMatchObject({ status: 503, text: expect.stringContaining('cannot reach its store') as string });
    }
  });

  it('on https, cookies are Secure, and the one for every path is bound to the host', async () => {
    const servers = await start('https://localhost:8443');
    const client = new TestClient(servers.publicUrl, servers.urls);
    await client.register();
    const { url } = client.authorizationUrl();
    const first = await fetch(new URL(url.pathname + url.search, servers.urls[0]), { redirect: 'manual' });
    for (const line of first.headers.getSetCookie()) expect(line.toLowerCase()).toContain('; secure');
    const browser = new TestBrowser(servers.publicUrl, servers.urls);
    await browser.submit(shown(await browser.open(url)), { email: 'ana@example.com', do: 'sign-in' });
    expect(browser.cookieNames()).toContain('__Host-switchyard_session');
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
