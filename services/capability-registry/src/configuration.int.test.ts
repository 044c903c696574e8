import { systemClock } from '@switchyard/runtime';
import { createLogger } from '@switchyard/telemetry';
import { eventually } from '@switchyard/testing';
import { Configuration } from './configuration.js';
import { openBench, PROFILES, type Bench } from './registry.fixture.js';
import { SnapshotStore } from './snapshot-store.js';
import { startVault, type Vault } from './vault.fixture.js';

const CONFIG = `upstreams: { tracker: { url: "https://tracker.example/mcp", credential: { type: bearer, token: "\${secret:t}" } } }
servers: { work: { sources: [{ upstream: tracker }], access: [{ everyone: true }] } }
`;

describe('recheck', () => {
  let bench: Bench;
  let vault: Vault;
  let configuration: Configuration;
  const outcomes: string[] = [];

  beforeEach(async () => {
    outcomes.length = 0;
    bench = await openBench(PROFILES[0].open);
    vault = await startVault(bench.rpc);
    configuration = new Configuration({
      rpc: bench.rpc,
      snapshots: await SnapshotStore.open(bench.state, 'default'),
      audit: { record: async (event) => void bench.events.push(event), accepting: () => true },
      log: createLogger({ service: 'test', level: 'silent' }),
      clock: systemClock,
      tenant: 'default',
      file: 'f',
      onOutcome: (outcome) => outcomes.push(outcome),
    });
    await configuration.start(CONFIG, () => undefined);
  });
  afterEach(async () => {
    await configuration.close();
    await vault.close();
    await bench.close();
  });

  const rechecked = async () => {
    const asked = vault.requests.length;
    configuration.recheck();
    await eventually(() => expect(vault.requests.length).toBe(asked + 1));
    await configuration.close();
  };

  it('publishes a new snapshot when a secret was replaced', async () => {
    vault.generation = 2;
    await rechecked();
    expect((await bench.current())?.upstreams[0]?.credentialVersion).toBe('v2');
    expect(outcomes).toEqual(['applied', 'applied']);
  });

  it('says nothing when nothing changed', async () => {
    await rechecked();
    expect([outcomes, bench.events.length]).toEqual([['applied'], 1]);
  });

  it('does not take turns with a registry that serves another file', async () => {
    await bench.snapshots.put('current', Buffer.from('{"revision":"theirs"}'));
    await rechecked();
    expect((await bench.current())?.revision).toBe('theirs');
  });

  it('publishes again what was lost', async () => {
    await bench.snapshots.delete('current');
    await rechecked();
    expect((await bench.current())?.revision).toBe(configuration.snapshot.revision);
  });

  it('serves a rejected file as soon as its references lead somewhere', async () => {
    vault.missing.add('Bearer ${secret:u}');
    configuration.change({ ok: true, text: CONFIG.replace('secret:t', 'secret:u') });
    await eventually(() => expect(outcomes).toEqual(['applied', 'rejected']));
    vault.missing.clear();
    vault.generation = 3;
    await rechecked();
    expect([configuration.status.last_rejection, (await bench.current())?.upstreams[0]?.credentialVersion]).toEqual([null, 'v3']);
  });
});
