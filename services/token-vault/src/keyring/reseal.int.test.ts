import { BUCKETS, DEFAULT_TENANT } from '@switchyard/contracts';
import {
  eventually,
  startNats,
  startServerProcess,
  tempDir,
  type NatsServer,
  type ServerProcess,
  type TempDir,
  freePort,
} from '@switchyard/testing';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadKeyFile } from '../key-file.js';
import { LocalKey } from '../kms/local-key.js';
import { SecretStore } from '../secret-store.js';
import { startVault, type VaultRig } from '../vault.fixture.js';
import { openKeyring } from './keyring.fixture.js';

const program = path.resolve(import.meta.dirname, '../../dist/main.js');
const RECORDS = 1000;

interface Status {
  readonly current: string;
  readonly resealed: boolean;
  readonly reseal: { readonly running: boolean; readonly done: number; readonly total: number; readonly damaged: number };
}

describe('encrypting records anew', () => {
  let nats: NatsServer;
  let dir: TempDir;
  /** A vault that stores and reads, on the same key file and store; it looks after keys only when it starts and once a minute. */
  let rig: VaultRig;
  const children: ServerProcess[] = [];

  beforeEach(async () => {
    [nats, dir] = await Promise.all([startNats(), tempDir()]);
    rig = await startVault({ natsUrl: nats.url, dir: dir.path });
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.end('SIGKILL')));
    await rig[Symbol.asyncDispose]();
    await Promise.all([nats[Symbol.asyncDispose](), dir[Symbol.asyncDispose]()]);
  });

  /** A vault as a process of its own. */
  async function startChild(name: string): Promise<{ url: string; process: ServerProcess }> {
    const [port, management] = [await freePort(), await freePort()];
    const config = {
      listen: { port },
      management: { port: management },
      profile: 'development',
      kek: { file: path.join(dir.path, 'kek') },
      platform: {
        nats: { servers: [nats.url] },
        audit: { dir: path.join(dir.path, `spool-${name}`), limitBytes: 8 * 1024 ** 2 },
        emitter: name,
        logLevel: 'silent',
      },
    };
    const file = path.join(dir.path, `${name}.json`);
    await writeFile(file, JSON.stringify(config));
    const ready = async () => (await fetch(`http://127.0.0.1:${management}/ready`).catch(() => undefined))?.status === 200;
    const process = await startServerProcess({
      command: globalThis.process.execPath,
      args: [program, '--config', file],
      isUp: ready,
    });
    children.push(process);
    return { url: `http://127.0.0.1:${port}`, process };
  }

  async function ask(url: string, method: string, route: string): Promise<Status> {
    const response = await fetch(`${url}/api/v1/data-keys${route}`, {
      method,
      headers: { authorization: `Bearer ${rig.keys.admin}` },
    });
    if (response.status !== 200) throw new Error(`${route}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Status;
  }

  const secretsKv = () => rig.platform.state.bucket(BUCKETS.secrets, DEFAULT_TENANT);
  /** A replica's store of secrets: what an API request does, without the request. */
  async function openSecrets(): Promise<SecretStore> {
    const { state, clock } = rig.platform;
    const local = loadKeyFile({ file: path.join(dir.path, 'kek'), createIfMissing: false });
    const keyring = await openKeyring(state, { tenant: DEFAULT_TENANT, kms: new LocalKey(local), clock });
    return SecretStore.open(state, { keyring, local, tenant: DEFAULT_TENANT, clock });
  }

  async function keyIds(): Promise<Map<string, number>> {
    const kv = await secretsKv();
    const counts = new Map<string, number>();
    for (const name of await kv.keys()) {
      const { keyId } = JSON.parse(Buffer.from((await kv.get(name))?.value ?? []).toString()) as { keyId: string };
      counts.set(keyId, (counts.get(keyId) ?? 0) + 1);
    }
    return counts;
  }

  it('V9 loses no record, with writes going on, and a kill -9 in the middle', async () => {
    const secrets = await openSecrets();
    const expected = new Map<string, string>();
    const names = Array.from({ length: RECORDS }, (_, index) => `s${index}`);
    for (let from = 0; from < RECORDS; from += 50) {
      await Promise.all(names.slice(from, from + 50).map((name) => secrets.put(name, `first of ${name}`)));
    }
    for (const name of names) expected.set(name, `first of ${name}`);

    // Writes and reads go on all the time, at this vault.
    const writing = { stop: false, writes: 0, failedReads: 0, unanswered: 0 };
    const templates = names.slice(0, 20).map((name) => ({ upstream: name, headers: { 'X-Value': `\${secret:${name}}` } }));
    expect((await rig.apply(templates)).problems).toEqual([]);
    const writer = (async () => {
      for (; !writing.stop; writing.writes++) {
        const name = names[(writing.writes * 37) % RECORDS] ?? '';
        const value = `write ${writing.writes} of ${name}`;
        await secrets.put(name, value);
        expected.set(name, value);
        // All vaults share this work; a request that the killed one held has no answer.
        const answer = await rig.lease(names[writing.writes % 20] ?? '').catch(() => undefined);
        if (answer === undefined) writing.unanswered++;
        else if (answer.result.case !== 'lease') writing.failedReads++;
      }
    })();

    const first = await startChild('vault-a');
    const { current } = await ask(first.url, 'POST', '/rotate');
    await eventually(async () => {
      const { reseal } = await ask(first.url, 'GET', '');
      return reseal.running && reseal.done > 50;
    });
    await first.process.end('SIGKILL');
    const between = await keyIds();
    // It was killed in the middle: there are records of both kinds.
    expect(between.size).toBe(2);
    expect(between.get(current)).toBeGreaterThan(0);

    const second = await startChild('vault-b');
    await eventually(async () => (await ask(second.url, 'GET', '')).resealed, { timeoutMs: 60_000 });
    writing.stop = true;
    await writer;

    expect(await ask(second.url, 'GET', '')).toMatchObject({ current, resealed: true, reseal: { running: false, damaged: 0 } });
    expect([...(await keyIds())]).toEqual([[current, RECORDS]]);
    expect(writing.writes).toBeGreaterThan(0);
    expect(writing.failedReads).toBe(0);
    expect(writing.unanswered).toBeLessThanOrEqual(1);
    // Every record has the last value that was written.
    for (let from = 0; from < RECORDS; from += 100) {
      const part = names.slice(from, from + 100);
      const { problems } = await rig.apply(
        part.map((name) => ({ upstream: name, headers: { 'X-Value': `\${secret:${name}}` } })),
      );
      expect(problems).toEqual([]);
      const leased = await Promise.all(part.map((name) => rig.leased(name)));
      expect(leased.map(({ headers }) => headers['X-Value'])).toEqual(part.map((name) => expected.get(name)));
    }
  }, 300_000);
});
