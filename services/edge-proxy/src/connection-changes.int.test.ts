import { BUCKETS, connectionChangeKey, DEFAULT_TENANT } from '@switchyard/contracts';
import { SqliteState } from '@switchyard/state';
import { createLogger } from '@switchyard/telemetry';
import { eventually, tempDir } from '@switchyard/testing';
import { Cancellation } from './cancellation.js';
import { ConnectionChanges, type HeardChange } from './connection-changes.js';
import { tellConnection } from './fake-vault.fixture.js';

const ANN = { issuer: 'https://idp', subject: 'ann' };
const BOB = { issuer: 'https://idp', subject: 'bob' };
const LONG_MS = 60_000;

async function start() {
  const dir = await tempDir();
  const state = SqliteState.open(`${dir.path}/state.db`);
  const kv = await state.bucket(BUCKETS.connectionChanges, DEFAULT_TENANT);
  const changes = await ConnectionChanges.open({ kv, log: createLogger({ service: 'edge-proxy', level: 'silent' }) });
  const heard: HeardChange[] = [];
  changes.onChange((change) => heard.push(change));
  return {
    state,
    kv,
    changes,
    heard,
    wait: (who = ANN, upstream = 'up', at = changes.now, cancellation = new Cancellation(), timeoutMs = LONG_MS) =>
      changes.connected(upstream, who, at, timeoutMs, cancellation),
    [Symbol.asyncDispose]: async () => {
      await changes.close();
      await state.close();
      await dir[Symbol.asyncDispose]();
    },
  };
}

describe('changes of connections', () => {
  it('CC-1 wake who waits for the same upstream and principal, and nobody else', async () => {
    await using place = await start();
    const woken: string[] = [];
    const wait = (name: string, who: typeof ANN, upstream: string) => place.wait(who, upstream).then(() => void woken.push(name));
    const waiting = [wait('ann', ANN, 'up'), wait('ann again', ANN, 'up')];
    const cancellation = new Cancellation();
    const others = [place.wait(BOB, 'up', 0, cancellation), place.wait(ANN, 'other', 0, cancellation)];
    await tellConnection(place.state, 'up', ANN, 'connected');
    await Promise.all(waiting);
    expect(woken).toEqual(['ann', 'ann again']);
    cancellation.cancel();
    expect(await Promise.all(others)).toEqual([false, false]);
  });

  it('CC-2 that came since the vault was asked are not waited for', async () => {
    await using place = await start();
    const at = place.changes.now;
    await tellConnection(place.state, 'up', ANN, 'connected');
    await eventually(() => place.heard.length === 1);
    expect(await place.wait(ANN, 'up', at)).toBe(true);
    const cancellation = new Cancellation();
    const later = place.wait(ANN, 'up', place.changes.now, cancellation);
    cancellation.cancel();
    expect(await later).toBe(false);
  });

  it('CC-3 other than a connection wake nobody', async () => {
    await using place = await start();
    const at = place.changes.now;
    await tellConnection(place.state, 'up', ANN, 'disconnected');
    await tellConnection(place.state, 'up', ANN, 'reauth_required');
    await eventually(() => place.heard.length === 2);
    expect(place.changes.since(connectionChangeKey('up', ANN), at)).toMatchObject({ state: 'reauth_required' });
    expect(await place.wait(ANN, 'up', at, new Cancellation(), 1)).toBe(false);
  });

  it('CC-4 that cannot be read end what was leased', async () => {
    await using place = await start();
    const key = connectionChangeKey('up', ANN);
    await place.kv.put(key, Buffer.from('{"state":"new to us"}'));
    await eventually(() => place.heard.length === 1);
    expect(place.heard).toMatchObject([{ key, upstream: 'up', state: 'disconnected', version: '' }]);
  });
});
