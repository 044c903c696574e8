import { sealPayload } from '@switchyard/audit';
import {
  DEFAULT_TENANT,
  OpenPayloadRequestSchema,
  PAYLOADS_STREAM,
  payloadsSubject,
  rpcSubject,
  VaultService,
} from '@switchyard/contracts';
import { connectNats, LocalBus, NatsBus } from '@switchyard/messaging';
import { createLogger } from '@switchyard/telemetry';
import { eventually, startNats } from '@switchyard/testing';
import { toJsonString, create } from '@bufbuild/protobuf';
import path from 'node:path';
import type { Engine } from '../engine/engine.js';
import { ENGINES, withTables } from '../engine/engines.fixture.js';
import { keepPayloads } from './keep-payloads.js';

const log = createLogger({ service: 'analytics', level: 'silent' });
const idOf = (number: number) => String(number).padStart(32, '0');

function lineOf(number: number, tenant = DEFAULT_TENANT): string {
  const binding = { tenant, payloadId: idOf(number), keyId: 'k' };
  const ciphertext = sealPayload(Buffer.alloc(32), binding, Buffer.from('{}')).toString('base64');
  const line = { tenant, payload_id: binding.payloadId, key_id: 'k', captured_at: '2026-01-01T00:00:00.000Z', ciphertext };
  return `${JSON.stringify({ ...line, chain: 'x' })}\n`;
}

const stored = async (engine: Engine) =>
  ((await engine.query('SELECT toString(payload_id) AS id FROM event_payloads FINAL ORDER BY id')) as { id: string }[]).map(
    ({ id }) => id,
  );

describe.each(ENGINES)('captured payloads in %s', (_name, open) => {
  it('are stored once, however often they come; what is none, or in another’s name, is not stored, and the stream goes on', async () => {
    await using opened = await withTables(open);
    await using undo = new AsyncDisposableStack();
    const bus = undo.adopt(new LocalBus(), (it) => it.close());
    undo.adopt(await keepPayloads({ bus, engine: opened.engine, log }), (it) => it.close());
    const publish = (text: string, messageId = 'edge-1/1/1-9', emitter = 'edge-1') =>
      bus.publish(PAYLOADS_STREAM, payloadsSubject(DEFAULT_TENANT, emitter), messageId, Buffer.from(text));
    await publish(lineOf(1) + lineOf(2));
    await publish(lineOf(1) + lineOf(2));
    await publish(`${lineOf(2)}rubbish\n${lineOf(3, 'other')}${lineOf(4)}`, 'edge-1/1/2-5');
    await publish(lineOf(5), 'edge-2/1/1-1');
    expect(await stored(opened.engine)).toEqual([1, 2, 4].map(idOf));
  });
});

describe('deploy/nats/nats.conf', () => {
  const USERS = ['edge-proxy', 'auth-server', 'token-vault', 'capability-registry', 'analytics'] as const;
  const env = Object.fromEntries(
    USERS.map((user) => [`NATS_${user.toUpperCase().replaceAll('-', '_')}_PASSWORD`, `password-of-${user}`]),
  );

  it('NP-20 lets edges alone capture, analytics alone read that and have it opened, and the vault alone keep its keys', async () => {
    await using nats = await startNats({ configFile: path.resolve(__dirname, '../../../../deploy/nats/nats.conf'), env });
    await using undo = new AsyncDisposableStack();
    const linkOf = async (user: string) =>
      undo.adopt(await connectNats({ servers: [nats.url], name: `test-${user}`, user, password: `password-of-${user}` }), (it) =>
        it.close(),
      );
    const busOf = async (user: string) =>
      undo.adopt(await NatsBus.open(await linkOf(user), { publishTimeoutMs: 2_000 }), (it) => it.close());
    const subject = payloadsSubject(DEFAULT_TENANT, 'edge-1');
    const publishAs = async (user: string) =>
      (await busOf(user)).publish(PAYLOADS_STREAM, subject, `${user}/1/1-1`, Buffer.from('{}\n'));
    const consume = async (user: string, got: string[]) =>
      (await busOf(user)).consume({
        stream: PAYLOADS_STREAM,
        durable: 'analytics-payloads',
        batchMessages: 10,
        batchBytes: 1_000,
        batchWaitMs: 1,
        handle: async (messages) => void got.push(...messages.map(({ messageId }) => messageId)),
        onError: () => undefined,
      });
    await publishAs('edge-proxy');
    const got: string[] = [];
    const consumption = await consume('analytics', got);
    await eventually(() => got.length > 0);
    expect(got).toEqual(['edge-proxy/1/1-1']);
    await consumption.close();
    for (const user of USERS.filter((one) => one !== 'edge-proxy')) await expect(publishAs(user)).rejects.toThrow();
    for (const user of USERS.filter((one) => one !== 'analytics')) await expect(consume(user, [])).rejects.toThrow();

    const { openPayload, leasePayloadKey } = VaultService.method;
    const request = toJsonString(OpenPayloadRequestSchema, create(OpenPayloadRequestSchema, {}));
    const asks = async (user: string, asked: string) => {
      const answer = (await linkOf(user)).connection.request(asked, request, { timeout: 2_000 });
      return answer.then(
        () => 'answered',
        (error: unknown) => (/permission/i.test(String(error)) ? 'forbidden' : 'allowed'),
      );
    };
    for (const user of USERS) {
      expect([user, await asks(user, rpcSubject(openPayload))]).toEqual([user, user === 'analytics' ? 'allowed' : 'forbidden']);
      expect([user, await asks(user, rpcSubject(leasePayloadKey))]).toEqual([
        user,
        user === 'edge-proxy' ? 'allowed' : 'forbidden',
      ]);
    }
  }, 300_000);
});
