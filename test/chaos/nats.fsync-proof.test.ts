import { EVENTS_STREAM, eventsSubject } from '@switchyard/contracts';
import { connectNats, NatsBus, type NatsLink } from '@switchyard/messaging';
import { eventually, hasStrace, type NatsServer, startNats, straceArgs, tempDir } from '@switchyard/testing';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { REPOSITORY } from '../e2e/targets/gateway-file.js';
import { acknowledgedBeforeSync, isBlock } from './nats-acknowledgements.js';

const PUBLISHERS = 8;
const EACH = 40;
const CALLS = ['write', 'pwrite64', 'writev', 'fsync', 'fdatasync'];
const SUBJECT = eventsSubject('default', 'edge-1');
const LIMITS = { messages: 1_000, bytes: 16 * 1024 ** 2, fillMs: 500 };

/** JetStream's own section as it is deployed. */
function jetstreamSection(): string {
  const deployed = readFileSync(path.join(REPOSITORY, 'deploy/nats/nats.conf'), 'utf8');
  return /^jetstream \{[\s\S]*?^\}/m.exec(deployed)![0];
}

async function withBus<T>(url: string, use: (bus: NatsBus) => Promise<T>): Promise<T> {
  const link: NatsLink = await connectNats({ servers: [url], name: 'test' });
  const bus = await NatsBus.open(link);
  try {
    return await use(bus);
  } finally {
    await bus.close();
    await link.close();
  }
}

/** @returns markers that were acknowledged */
function publishAll(server: NatsServer): Promise<string[]> {
  return withBus(server.url, async (bus) => {
    const acknowledged: string[] = [];
    const publisher = async (name: number) => {
      for (let number = 0; number < EACH; number += 1) {
        const marker = `marker-${name}-${number}-end`;
        await bus.publish(EVENTS_STREAM, SUBJECT, marker, Buffer.from(`{"event_id":"${marker}"}\n`));
        acknowledged.push(marker);
      }
    };
    await Promise.all(Array.from({ length: PUBLISHERS }, (_, name) => publisher(name)));
    return acknowledged;
  });
}

/** @returns marker by sequence */
function markersIn(server: NatsServer): Promise<Map<number, string>> {
  return withBus(server.url, async (bus) => {
    const last = await bus.lastSequence(EVENTS_STREAM);
    const reader = await bus.read(EVENTS_STREAM, 0);
    const markers = new Map<number, string>();
    for (let at = 0; at < last;) {
      const read = await reader.next({ ...LIMITS, signal: AbortSignal.timeout(20_000) });
      if (read.length === 0) throw new Error(`nothing behind ${at}`);
      for (const { sequence, data } of read)
        markers.set(Number(sequence), /marker-\d+-\d+-end/.exec(Buffer.from(data).toString())?.[0] ?? '');
      at = Number(read.at(-1)!.sequence);
    }
    await reader.close();
    return markers;
  });
}

/** What a loss of power leaves of a store: blocks as far as they were synced, and no index that was only written. */
function losePower(store: string, copy: string, syncedBytes: ReadonlyMap<string, number>): void {
  cpSync(store, copy, { recursive: true });
  for (const entry of readdirSync(copy, { recursive: true, encoding: 'utf8' })) {
    const [original, copied] = [path.join(store, entry), path.join(copy, entry)];
    if (isBlock(original) && original.includes(EVENTS_STREAM.name)) truncateSync(copied, syncedBytes.get(original) ?? 0);
    if (entry.endsWith('index.db')) rmSync(copied);
  }
}

const rows = [
  { id: 'as it is deployed', section: jetstreamSection(), early: 0 },
  {
    id: 'with the default interval, to see that the proof can fail',
    section: 'jetstream {\n  store_dir: "/data"\n}',
    early: 100,
  },
];

describe('what nats-server confirms to emitters', () => {
  it.each(rows)(
    'is on the disk before it says so, and survives a loss of power: $id',
    async ({ section, early }) => {
      await using dir = await tempDir();
      const [configFile, trace] = [path.join(dir.path, 'nats.conf'), path.join(dir.path, 'trace')];
      writeFileSync(configFile, `${section}\n`);
      const isWatched = hasStrace();
      // -D: strace watches from beside, so that the process is nats-server itself.
      const under = isWatched ? ['strace', '-D', ...straceArgs(trace, CALLS, 4_096)] : [];
      await using server = await startNats({ configFile, under });
      const acknowledged = await publishAll(server);
      const markers = await markersIn(server);
      expect([...markers.values()].sort()).toEqual(acknowledged.sort());
      await server.kill();
      // Without strace there is nothing to be seen of the order; what was confirmed has at least outlived the process.
      if (!isWatched) return;
      await eventually(() => existsSync(trace) && readFileSync(trace, 'latin1').includes('+++ killed by SIGKILL +++'));
      const proof = acknowledgedBeforeSync(readFileSync(trace, 'latin1'), markers);
      expect(proof.checked).toBe(PUBLISHERS * EACH);
      if (early > 0) return expect(proof.tooEarly.length).toBeGreaterThan(early);
      expect(proof.tooEarly).toEqual([]);

      const copy = path.join(dir.path, 'copy');
      losePower(server.storeDir, copy, proof.syncedBytes);
      await using again = await startNats({ configFile, storeDir: copy });
      expect([...(await markersIn(again)).values()].sort()).toEqual(acknowledged);
    },
    120_000,
  );
});
