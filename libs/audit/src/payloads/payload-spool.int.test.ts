import { DEFAULT_TENANT, EVENTS_STREAM, PAYLOADS_STREAM, payloadsSubject, type StreamDefinition } from '@switchyard/contracts';
import { LocalBus, type StreamMessage } from '@switchyard/messaging';
import { systemClock } from '@switchyard/runtime';
import { createLogger } from '@switchyard/telemetry';
import { eventually, tempDir, type TempDir } from '@switchyard/testing';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { Audit } from '../audit.js';
import { parsePayload } from './payload-line.js';

const log = createLogger({ service: 'test', level: 'silent' });
const payload = (number: number, bytes = 3) => ({
  tenant: DEFAULT_TENANT,
  payloadId: String(number).padStart(32, '0'),
  keyId: 'k',
  sealed: Buffer.alloc(bytes, number),
});

describe('the spool of captured payloads', () => {
  let dir: TempDir;
  let bus: LocalBus;

  beforeEach(async () => {
    dir = await tempDir();
    bus = new LocalBus();
  });
  afterEach(async () => {
    await bus.close();
    await dir[Symbol.asyncDispose]();
  });

  const open = (limitBytes = 1024 ** 2) =>
    Audit.open({
      dir: dir.path,
      emitter: 'edge-1',
      tenant: DEFAULT_TENANT,
      limitBytes,
      bus,
      clock: systemClock,
      log,
      drainLimitMs: 1,
    });
  const collect = (stream: StreamDefinition, into: StreamMessage[]) =>
    bus.consume({
      stream,
      durable: 'test',
      batchMessages: 10,
      batchBytes: 1024 ** 2,
      batchWaitMs: 1,
      handle: async (messages) => void into.push(...messages),
      onError: () => undefined,
    });
  const idsIn = (messages: readonly StreamMessage[]) =>
    messages.flatMap(({ data }) =>
      Buffer.from(data)
        .toString()
        .split('\n')
        .flatMap((line) => (line === '' ? [] : [parsePayload(line)?.payload_id])),
    );

  it('makes nothing where nothing is captured', async () => {
    const audit = await open();
    await audit.record({ type: 'config.applied', outcome: 'ok' });
    await audit.close();
    expect([existsSync(path.join(dir.path, 'payloads')), audit.payloads.depthBytes()]).toEqual([false, 0]);
  });

  it('forwards to a stream of its own what this process and the one before kept, and nothing of it is among events', async () => {
    const first = await open();
    expect(first.payloads.accepting()).toBe(true);
    await first.payloads.keep(payload(1));
    await first.payloads.synced();
    await first.close();
    const [payloads, events]: [StreamMessage[], StreamMessage[]] = [[], []];
    await collect(PAYLOADS_STREAM, payloads);
    await collect(EVENTS_STREAM, events);
    const second = await open();
    await second.payloads.keep(payload(2, 200_000));
    await second.record({ type: 'config.applied', outcome: 'ok' });
    await eventually(() => idsIn(payloads).length === 2 && events.length === 1);
    expect(idsIn(payloads)).toEqual([payload(1).payloadId, payload(2).payloadId]);
    expect(new Set(payloads.map(({ subject }) => subject))).toEqual(new Set([payloadsSubject(DEFAULT_TENANT, 'edge-1')]));
    expect(Buffer.from(events[0]!.data).toString()).not.toContain('ciphertext');
    await second.close();
    expect(second.payloads.accepting()).toBe(false);
  });

  it('refuses at its limit, while events are still taken', async () => {
    const audit = await open(1024 ** 2);
    for (let number = 1; audit.payloads.accepting(); number++) await audit.payloads.keep(payload(number, 90_000));
    while (
      await audit.payloads.keep(payload(99, 90_000)).then(
        () => true,
        () => false,
      )
    );
    await expect(audit.payloads.keep(payload(99))).rejects.toMatchObject({ name: 'SpoolFull' });
    expect([audit.payloads.accepting(), audit.accepting()]).toEqual([false, true]);
    await audit.record({ type: 'config.applied', outcome: 'ok' });
    await audit.close();
  });
});
