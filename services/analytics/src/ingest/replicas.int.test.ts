import { renderEvent } from '@switchyard/audit';
import { EVENTS_STREAM, eventsSubject } from '@switchyard/contracts';
import { connectNats, NatsBus } from '@switchyard/messaging';
import { createLogger } from '@switchyard/telemetry';
import { clickhouseUrl, eventually, startNats, unusedName } from '@switchyard/testing';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HttpEngine } from '../engine/http-engine.js';
import { migrate, readMigrations } from '../engine/migrate.js';

const EMITTERS = ['edge-1', 'edge-2', 'edge-3'];
const ROUNDS = 30;
const LINES = 40;
const epoch = 1767225600000;

function messageOf(emitter: string, first: number): { id: string; data: Buffer } {
  const lines = Array.from({ length: LINES }, (_, index) => {
    const identity = { tenant: 'default', emitter, epoch, sequence: first + index, recordedAtMs: epoch + first + index };
    return `${renderEvent({ type: 'tool.called', outcome: 'ok', server: 'work' }, identity)}\n`;
  });
  return { id: `${emitter}/${epoch}/${first}-${first + LINES - 1}`, data: Buffer.from(lines.join('')) };
}

interface Replica extends Disposable {
  /** Events of each batch that it has stored; a 0 when it begins. */
  readonly stored: () => readonly number[];
  readonly ended: Promise<NodeJS.Signals | null>;
}

function startReplica(start: object): Replica {
  const fixture = path.join(__dirname, 'replica.fixture.mjs');
  const child = spawn(process.execPath, ['--experimental-transform-types', '--disable-warning=ExperimentalWarning', fixture], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stdin.end(JSON.stringify(start));
  return {
    stored: () => said.split('\n').slice(0, -1).map(Number),
    ended: new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal))),
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  };
}

const TOTALS = `SELECT toUInt32(uniqExact(event_id)) AS events, toUInt32(max(sequence)) AS last,
  (SELECT toUInt32(count()) FROM events FINAL) AS final,
  (SELECT toUInt32(count()) FROM (SELECT event_id FROM events LIMIT 1 BY event_id)) AS atRead,
  (SELECT toUInt32(uniqExact(emitter, epoch, sequence)) FROM event_lines) AS lines,
  (SELECT toUInt32(sum(n)) FROM (SELECT groupBitmapMerge(seen) AS n FROM event_sequences GROUP BY emitter, epoch, part)) AS seen
FROM events`;

describe('three replicas that ingest from one stream', () => {
  it.each(['lines-stored', 'not-acknowledged'])(
    'N1 %s: one is killed in the middle; what it had in hand is stored by the others, nothing is missing and nothing doubled at read',
    async (dies) => {
      await using undo = new AsyncDisposableStack();
      const nats = undo.use(await startNats());
      const database = unusedName('replicas');
      const engine = undo.adopt(await HttpEngine.open({ url: clickhouseUrl(), user: 'default', database }), (it) => it.close());
      undo.defer(() => engine.command('DROP DATABASE {name:Identifier}', { name: database }));
      await migrate(engine, readMigrations(), createLogger({ service: 'test', level: 'silent' }));
      const link = undo.adopt(await connectNats({ servers: [nats.url], name: 'test' }), (it) => it.close());
      const bus = undo.adopt(await NatsBus.open(link), (it) => it.close());
      const start = { natsUrl: nats.url, clickhouseUrl: clickhouseUrl(), database };
      const victim = undo.use(startReplica({ ...start, dies }));
      const others = [undo.use(startReplica(start)), undo.use(startReplica(start))];
      await eventually(() => expect([victim, ...others].every(({ stored }) => stored().length > 0)).toBe(true), {
        timeoutMs: 120_000,
      });

      let isAlive = true;
      void victim.ended.then(() => (isAlive = false));
      let rounds = 0;
      // Spread over time, so that every one of them gets some, and for a while after the end of one.
      for (let after = 0; after < ROUNDS; after += isAlive ? 0 : 1) {
        for (const emitter of EMITTERS) {
          const { id, data } = messageOf(emitter, rounds * LINES + 1);
          await bus.publish(EVENTS_STREAM, eventsSubject('default', emitter), id, data);
        }
        rounds += 1;
        await delay(20);
      }
      expect(await victim.ended).toBe('SIGKILL');
      const all = EMITTERS.length * rounds * LINES;
      await eventually(
        async () => {
          const [totals] = await engine.query(TOTALS);
          expect(totals).toEqual({ events: all, last: rounds * LINES, final: all, atRead: all, lines: all, seen: all });
        },
        { timeoutMs: 120_000, everyMs: 200 },
      );
      const stored = others.map((replica) => replica.stored().reduce((sum, rows) => sum + rows, 0));
      expect(stored.every((rows) => rows > 0)).toBe(true);
    },
    300_000,
  );
});
