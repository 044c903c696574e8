import {
  eventually,
  freePort,
  type ServerProcess,
  startNats,
  startServerProcess,
  stopProcess,
  tempDir,
  unusedName,
} from '@switchyard/testing';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ANA, BEN, type Person } from './front.fixture.js';
import { startPersonal, type Outcome, type PersonalRig } from './personal.fixture.js';

const MAIN = path.resolve(__dirname, '../dist/main.js');

/** A vault as a process of its own, on the store and key of the rig's. */
async function startVaultProcess(natsUrl: string, dir: string, authServer: string): Promise<ServerProcess> {
  const name = unusedName('vault');
  const file = path.join(dir, `${name}.json`);
  const management = await freePort();
  const config = {
    ...{ profile: 'development', kek: { file: path.join(dir, 'kek') }, authServer },
    ...{ listen: { host: '127.0.0.1', port: 0 }, management: { host: '127.0.0.1', port: management } },
    platform: {
      ...{ nats: { servers: [natsUrl] }, emitter: name, logLevel: 'error' },
      audit: { dir: path.join(dir, name), limitBytes: 8 * 1024 ** 2 },
    },
  };
  await writeFile(file, JSON.stringify(config));
  const isUp = () => fetch(`http://127.0.0.1:${management}/ready`).then(({ ok }) => ok);
  return startServerProcess({ command: process.execPath, args: [MAIN, '--config', file], isUp: () => isUp().catch(() => false) });
}

const reasonOf = (outcome: Outcome | undefined) =>
  outcome === undefined ? 'no answer' : 'reason' in outcome ? outcome.reason : 'leased';

describe('V6 a vault that is killed in the middle of a renewal', () => {
  const undo = new AsyncDisposableStack();
  let p: PersonalRig;
  let killed: ServerProcess;
  let other: ServerProcess;

  beforeAll(async () => {
    const nats = undo.use(await startNats());
    const dir = undo.use(await tempDir());
    p = undo.use(await startPersonal({ natsUrl: nats.url, dir: dir.path }));
    // Ends within the margin: every lease needs a new one.
    p.upstream.expiresIn = 3;
    await p.connect(p.browser());
    p.front.who = BEN;
    p.upstream.account = 'ben@upstream';
    await p.connect(p.browser());
    p.upstream.expiresIn = 3600;
    await p.rig.vault.close();
    const start = () => startVaultProcess(nats.url, dir.path, p.front.authServer);
    [killed, other] = await Promise.all([start(), start()]);
    for (const one of [killed, other]) undo.defer(() => one.end('SIGKILL'));
  }, 300_000);
  afterAll(() => undo.disposeAsync());

  /** Undefined where no vault answers in time. */
  const lease = (person: Person): Promise<Outcome | undefined> => p.lease(person).catch(() => undefined);

  it('V6 kill -9 around the upstream’s rotation: one retry by another vault once the lease has ended; `reauth_required` once where the upstream says so', async () => {
    /** Requests for renewal that have come, each held until it is let go. */
    const asked: { readonly token: string; readonly goOn: () => void }[] = [];
    p.upstream.onRefresh = () =>
      new Promise<void>((goOn) => void asked.push({ token: p.upstream.lastToken.get('refresh_token') ?? '', goOn }));
    // Only one of the two can take what is asked for now; what the other has been sent waits.
    await stopProcess(other.pid);
    for (const [at, person] of [ANA, BEN].entries()) {
      await eventually(() => {
        void lease(person);
        return asked.length > at;
      });
    }
    p.upstream.onRefresh = () =>
      void asked.push({ token: p.upstream.lastToken.get('refresh_token') ?? '', goOn: () => undefined });
    await killed.end('SIGKILL');
    // ANA's is rotated for nobody. BEN's never reached the upstream: it is held for ever.
    asked[0]?.goOn();
    process.kill(other.pid, 'SIGCONT');

    // It answers at once, and does not ask while the dead one's lease stands: nobody knows what became of that renewal.
    await eventually(async () => reasonOf(await lease(ANA)) === 'credential_unavailable');
    expect(asked).toHaveLength(2);

    await eventually(async () => reasonOf(await lease(BEN)) === 'leased', { timeoutMs: 60_000, everyMs: 250 });
    await eventually(async () => reasonOf(await lease(ANA)) === 'connection_required', { timeoutMs: 60_000, everyMs: 250 });
    const tokens = asked.map(({ token }) => token);
    // One retry each, and never again.
    expect(new Set(tokens).size).toBe(2);
    for (let i = 0; i < 5; i += 1) {
      expect(reasonOf(await lease(ANA))).toBe('connection_required');
      const ben = await lease(BEN);
      expect(ben !== undefined && 'token' in ben && p.upstream.accountOf(ben.token)).toBe('ben@upstream');
    }
    expect(tokens.sort()).toEqual([...new Set(tokens)].flatMap((token) => [token, token]).sort());
    expect(asked).toHaveLength(4);
    const ended = (await p.rig.events('connection.changed', 4)).filter(({ detail }) => detail?.['change'] === 'reauth_required');
    expect(ended.map(({ reason, principal_subject: whose }) => [reason, whose])).toEqual([['grant_ended', ANA.subject]]);
  }, 300_000);
});
