import { jetstreamManager } from '@nats-io/jetstream';
import type { StreamDefinition } from '@switchyard/contracts';
import { eventually, natsUrl, startNats, tempDir, unusedName } from '@switchyard/testing';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { BusUnavailable, type ConsumeOptions, type StreamMessage } from './bus.js';
import { NatsBus, type NatsBusOptions } from './nats-bus.js';
import { connectNats } from './nats-link.js';

const retry = { firstMs: 20, longestMs: 200 };

function newStream(fields: Partial<StreamDefinition> = {}): StreamDefinition {
  const name = unusedName('BUS');
  return { name, subjects: [`${name}.>`], duplicateWindowMs: 60_000, maxAgeMs: 3_600_000, limitBytes: 10_000_000, ...fields };
}

function consumer(stream: StreamDefinition, options: Partial<ConsumeOptions> = {}) {
  const ids: string[] = [];
  const errors: unknown[] = [];
  const handle = (messages: readonly StreamMessage[]) =>
    Promise.resolve(void ids.push(...messages.map(({ messageId }) => messageId)));
  const all: ConsumeOptions = {
    ...{ stream, durable: 'reader', batchMessages: 50, batchBytes: 1_000_000, batchWaitMs: 10 },
    ...{ handle, onError: (error: unknown) => errors.push(error) },
    ...options,
  };
  return { options: all, ids, errors };
}

async function openBus(url: string, options: NatsBusOptions = {}) {
  const link = await connectNats({ servers: [url], name: 'nats-bus-test' });
  const bus = await NatsBus.open(link, { retry, publishTimeoutMs: 1_000, ...options });
  const close = () => bus.close().then(() => link.close());
  return { link, bus, [Symbol.asyncDispose]: close };
}

it('BUS-F1 the server is killed and restarted mid-stream, three times: no confirmed message is lost, none comes twice by publishing again', async () => {
  await using server = await startNats();
  await using opened = await openBus(server.url);
  const { bus } = opened;
  const stream = newStream();
  const reader = consumer(stream);
  await bus.consume(reader.options);

  const confirmed: string[] = [];
  let publishing = true;
  const publisher = (async () => {
    for (let index = 0; publishing; index += 1) {
      const id = `m${index}`;
      await untilPublished(bus, stream, id);
      confirmed.push(id);
    }
  })();
  for (let round = 1; round <= 3; round += 1) {
    await eventually(() => confirmed.length >= round * 100);
    await server.kill();
    await server.restart();
  }
  await eventually(() => confirmed.length >= 400);
  publishing = false;
  await publisher;

  await eventually(() => expect([...new Set(reader.ids)].toSorted()).toEqual(confirmed.toSorted()));
  const info = await (await jetstreamManager(opened.link.connection)).streams.info(stream.name);
  expect(info.state.messages).toBe(confirmed.length);
});

async function untilPublished(bus: NatsBus, stream: StreamDefinition, id: string): Promise<void> {
  await eventually(() => bus.publish(stream, `${stream.name}.a`, id, Buffer.from(id)).then(() => true));
}

it('BUS-F2 without a server publishing fails with BusUnavailable in time, ready says so, and both heal', async () => {
  await using server = await startNats();
  await using opened = await openBus(server.url, { publishTimeoutMs: 200 });
  const { bus } = opened;
  const stream = newStream();
  await bus.publish(stream, `${stream.name}.a`, 'before', Buffer.from('x'));
  await server.kill();
  await expect(bus.publish(stream, `${stream.name}.a`, 'during', Buffer.from('x'))).rejects.toThrow(BusUnavailable);
  expect(await bus.ready()).toBe(false);
  await server.restart();
  await untilPublished(bus, stream, 'during');
  await eventually(() => bus.ready());
});

it('BUS-F3 closing works while the server is away', async () => {
  await using server = await startNats();
  const opened = await openBus(server.url);
  const stream = newStream();
  await opened.bus.consume(consumer(stream).options);
  await server.kill();
  await opened[Symbol.asyncDispose]();
  expect(opened.link.connection.isClosed()).toBe(true);
});

it('BUS-F4 a consumer that someone deleted is made again, and its user is told', async () => {
  await using opened = await openBus(natsUrl());
  const { bus } = opened;
  const stream = newStream();
  const reader = consumer(stream);
  await bus.consume(reader.options);
  await bus.publish(stream, `${stream.name}.a`, 'one', Buffer.from('x'));
  await eventually(() => reader.ids.includes('one'));

  const manager = await jetstreamManager(opened.link.connection);
  await manager.consumers.delete(stream.name, 'reader');
  await eventually(() => reader.errors.length > 0);
  expect(reader.errors[0]).toBeInstanceOf(BusUnavailable);
  await bus.publish(stream, `${stream.name}.a`, 'two', Buffer.from('x'));
  await eventually(() => reader.ids.includes('two'));
});

it('BUS-F5 a batch that is worked on for longer than the wait for acknowledgements is not delivered again', async () => {
  await using opened = await openBus(natsUrl(), { ackWaitMs: 300 });
  const { bus, link } = opened;
  const stream = newStream();
  const release = Promise.withResolvers<void>();
  const handled: string[] = [];
  const handle = async (messages: readonly StreamMessage[]) => {
    handled.push(...messages.map(({ messageId }) => messageId));
    await release.promise;
  };
  await bus.consume(consumer(stream, { handle }).options);
  const second = await bus.consume(consumer(stream, { handle }).options);
  await bus.publish(stream, `${stream.name}.a`, 'slow', Buffer.from('x'));
  const startedAt = performance.now();
  await eventually(() => handled.length > 0 && performance.now() - startedAt > 1_200);
  release.resolve();
  const manager = await jetstreamManager(link.connection);
  await eventually(async () => expect((await manager.consumers.info(stream.name, 'reader')).num_ack_pending).toBe(0));
  await second.close();
  expect(handled).toEqual(['slow']);
});

it('BUS-F6 a stream of an earlier version gets the new limits and keeps its messages', async () => {
  await using opened = await openBus(natsUrl());
  await using later = await openBus(natsUrl());
  const stream = newStream();
  await opened.bus.publish(stream, `${stream.name}.a`, 'kept', Buffer.from('x'));
  await later.bus.publish({ ...stream, limitBytes: 20_000_000 }, `${stream.name}.a`, 'new', Buffer.from('x'));
  const { config, state } = await (await jetstreamManager(later.link.connection)).streams.info(stream.name);
  expect([config.max_bytes, state.messages]).toEqual([20_000_000, 2]);
});

it('BUS-F9 a stream that is there is found where JetStream has no room for another of its size', async () => {
  await using dir = await tempDir();
  const configFile = path.join(dir.path, 'nats.conf');
  await writeFile(configFile, 'jetstream {\n  store_dir: /data\n  max_file_store: 16GB\n}\n');
  await using server = await startNats({ configFile });
  const events = newStream({ limitBytes: 8 * 1024 ** 3 });
  const payloads = newStream({ limitBytes: 4 * 1024 ** 3 });
  await using first = await openBus(server.url);
  for (const stream of [events, payloads]) await first.bus.publish(stream, `${stream.name}.x`, 'one', Buffer.from('one'));
  await server.kill();
  await server.restart();
  await using second = await openBus(server.url);
  const reader = consumer(events);
  await second.bus.publish(events, `${events.name}.x`, 'two', Buffer.from('two'));
  await second.bus.consume(reader.options);
  await eventually(() => expect(reader.ids).toEqual(['one', 'two']));
  const another = newStream({ limitBytes: 8 * 1024 ** 3 });
  await expect(second.bus.publish(another, `${another.name}.x`, 'one', Buffer.from('x'))).rejects.toThrow(BusUnavailable);
});

it('BUS-F7 a server that is not there is one clear error', async () => {
  const options = { servers: ['nats://127.0.0.1:1'], name: 'nobody', connectTimeoutMs: 300 };
  await expect(connectNats(options)).rejects.toThrow('NATS could not be reached at nats://127.0.0.1:1');
});

it('BUS-F8 a subject that another stream takes is refused', async () => {
  await using opened = await openBus(natsUrl());
  const [stream, other] = [newStream(), newStream()];
  await opened.bus.publish(other, `${other.name}.a`, 'id', Buffer.from('x'));
  await expect(opened.bus.publish(stream, `${other.name}.a`, 'id', Buffer.from('x'))).rejects.toThrow(BusUnavailable);
});
