import { EVENTS_STREAM, type EventFields, type EventJson } from '@switchyard/contracts';
import { LocalBus } from '@switchyard/messaging';
import { systemClock } from '@switchyard/runtime';
import { createLogger } from '@switchyard/telemetry';
import { eventually, tempDir } from '@switchyard/testing';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Audit } from './audit.js';

const log = createLogger({ service: 'test', level: 'silent' });

const eventsIn = (text: string) =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as EventJson);

/** Opens the audit trail of `edge-1`; what it forwards accumulates. */
async function openAudit(dir: string, options: { readonly segmentBytes?: number } = {}) {
  const bus = new LocalBus();
  const events: EventJson[] = [];
  const consumption = await bus.consume({
    stream: EVENTS_STREAM,
    durable: 'test',
    batchMessages: 10,
    batchBytes: 1024 ** 2,
    batchWaitMs: 5,
    handle: async (messages) => {
      for (const { data } of messages) events.push(...eventsIn(Buffer.from(data).toString()));
    },
    onError: () => undefined,
  });
  const audit = await Audit.open({
    dir,
    emitter: 'edge-1',
    tenant: 'default',
    limitBytes: 64 * 1024 ** 2,
    bus,
    clock: systemClock,
    log,
    ...options,
  });
  return {
    audit,
    events,
    close: async () => {
      await audit.close();
      await consumption.close();
    },
  };
}

const intent = (request: string): EventFields => ({
  type: 'tool.intended',
  outcome: 'pending',
  request_id: request,
  principal_name: 'ana@example.com',
  server: 'work',
  upstream: 'billing',
  capability: 'pay',
  teams: ['finance'],
  detail: { intent_of: 'tool.called', attempt_of: 'x' },
});

const spoolFiles = (dir: string) => readdirSync(dir).filter((name) => name.endsWith('.spool'));

describe('an intent without an outcome', () => {
  it('is given the outcome unknown by the next boot, with its attribution, once', async () => {
    await using dir = await tempDir();
    const first = await openAudit(dir.path);
    const open = await first.audit.intend(intent('r-1'));
    const closed = await first.audit.intend(intent('r-2'));
    await Promise.all([open.onDisk, closed.onDisk]);
    await first.audit.recordOnDisk({ type: 'tool.called', outcome: 'ok', detail: { intent: closed.id } });
    await first.close();
    // Everything was forwarded: nothing but the file of open intents knows of it.
    expect(first.events).toHaveLength(3);

    const second = await openAudit(dir.path);
    const event = await eventually(() => second.events[0] ?? false);
    expect(event).toMatchObject({
      type: 'tool.called',
      outcome: 'unknown',
      origin: 'gateway',
      request_id: 'r-1',
      principal_name: 'ana@example.com',
      server: 'work',
      upstream: 'billing',
      capability: 'pay',
      teams: ['finance'],
      occurred_at: first.events[0]?.occurred_at,
      detail: { intent: open.id, attempt_of: 'x', because: 'process_ended' },
    });
    expect(event.event_id).not.toBe(open.id);
    expect(Date.parse(event.recorded_at ?? '')).toBeGreaterThanOrEqual(Date.parse(event.occurred_at ?? ''));
    await second.close();

    const third = await openAudit(dir.path);
    await third.close();
    expect(third.events).toEqual([]);
  });

  it('is not forgotten while segments behind it come and go', async () => {
    await using dir = await tempDir();
    const first = await openAudit(dir.path, { segmentBytes: 500 });
    const { id, onDisk } = await first.audit.intend(intent('r-1'));
    await onDisk;
    for (let other = 0; other < 20; other++) {
      const { id: otherId } = await first.audit.intend(intent(`other-${other}`));
      await first.audit.recordOnDisk({ type: 'tool.called', outcome: 'ok', detail: { intent: otherId } });
    }
    await eventually(() => spoolFiles(dir.path).length <= 1);
    expect(readFileSync(path.join(dir.path, 'open-intents'), 'utf8')).toContain(id);
    await first.audit.recordOnDisk({ type: 'tool.called', outcome: 'ok', detail: { intent: id } });
    await first.close();
    const second = await openAudit(dir.path);
    await second.close();
    expect(second.events).toEqual([]);
  });

  it('costs nothing where there is none', async () => {
    await using dir = await tempDir();
    const first = await openAudit(dir.path, { segmentBytes: 500 });
    for (let other = 0; other < 20; other++) await first.audit.record({ type: 'tool.called', outcome: 'ok' });
    await first.close();
    expect(existsSync(path.join(dir.path, 'open-intents'))).toBe(false);
  });
});

describe('processes that are killed in the middle of calls', () => {
  it('leave no intent without exactly one outcome: the recorded one, else unknown', async () => {
    await using dir = await tempDir();
    const spool = path.join(dir.path, 'spool');
    const stream = path.join(dir.path, 'stream');
    const said: string[] = [];
    for (let round = 0; round < 3; round++) {
      const fixture = path.join(__dirname, 'intent-writer.fixture.mjs');
      const args = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning', fixture];
      const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
      child.stdin.end(JSON.stringify({ dir: spool, stream }));
      const output: string[] = [];
      child.stdout.on('data', (chunk: Buffer) => output.push(chunk.toString()));
      await eventually(() => output.join('').split('\n').length > 120 && existsSync(stream), { timeoutMs: 60_000 });
      child.kill('SIGKILL');
      await once(child, 'close');
      // A line cut off by the kill was not said.
      said.push(...output.join('').split('\n').slice(0, -1));
    }
    const last = await openAudit(spool);
    await last.close();
    const forwarded = readFileSync(stream, 'utf8');
    const whole = forwarded.slice(0, forwarded.lastIndexOf('\n') + 1);
    const events = new Map([...eventsIn(whole), ...last.events].map((event) => [event.event_id, event]));
    const outcomes = new Map<string, string[]>();
    for (const { detail, outcome = '' } of events.values())
      if (detail?.intent !== undefined) outcomes.set(detail.intent, [...(outcomes.get(detail.intent) ?? []), outcome]);
    const named = (kind: string) => said.filter((line) => line.startsWith(kind)).map((line) => line.slice(2));
    const [intended, concluded] = [named('I '), named('O ')];
    expect(intended.length).toBeGreaterThan(150);
    expect(intended.filter((id) => outcomes.get(id)?.length !== 1)).toEqual([]);
    expect(intended.filter((id) => !events.has(id))).toEqual([]);
    expect(concluded.filter((id) => outcomes.get(id)?.[0] !== 'ok')).toEqual([]);
    expect([...outcomes.values()].flat().filter((outcome) => outcome === 'unknown').length).toBeGreaterThan(2);
  });
});
