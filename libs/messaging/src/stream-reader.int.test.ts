import type { StreamDefinition } from '@switchyard/contracts';
import { eventually, natsUrl, tempDir, unusedName, type TempDir } from '@switchyard/testing';
import { BusUnavailable, type Bus, type StreamMessage } from './bus.js';
import { LocalBus } from './local-bus.js';
import { NatsBus } from './nats-bus.js';
import { connectNats } from './nats-link.js';
import type { StreamReader } from './stream-reader.js';

interface Opened {
  readonly bus: Bus;
  readonly close: () => Promise<void>;
}

const adapters: readonly { name: string; open: (dir: string) => Promise<Opened> }[] = [
  {
    name: 'LocalBus',
    open: async (logDir) => {
      const bus = new LocalBus({ logDir });
      return { bus, close: () => bus.close() };
    },
  },
  {
    name: 'NatsBus',
    open: async () => {
      const link = await connectNats({ servers: [natsUrl()], name: 'reader-test' });
      const bus = await NatsBus.open(link);
      return { bus, close: () => bus.close().then(() => link.close()) };
    },
  },
];

const text = ({ data }: StreamMessage) => Buffer.from(data).toString();

function newStream(fields: Partial<StreamDefinition> = {}): StreamDefinition {
  const name = unusedName('READ');
  return { name, subjects: [`${name}.>`], duplicateWindowMs: 60_000, maxAgeMs: 3_600_000, limitBytes: 10_000_000, ...fields };
}

const limits = (fields: { messages?: number; bytes?: number; signal?: AbortSignal } = {}) => ({
  messages: 100,
  bytes: 1_000_000,
  fillMs: 20,
  signal: AbortSignal.timeout(20_000),
  ...fields,
});

async function readTexts(reader: StreamReader, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) texts.push(...(await reader.next(limits())).map(text));
  return texts;
}

describe.each(adapters)('a stream that is kept, $name', ({ name, open }) => {
  let dir: TempDir;
  let opened: Opened;
  beforeEach(async () => {
    dir = await tempDir();
    opened = await open(dir.path);
  });
  afterEach(async () => {
    await opened.close();
    await dir[Symbol.asyncDispose]();
  });

  /** In process, a message waits for a consumer. */
  const consume = (stream: StreamDefinition) =>
    opened.bus.consume({
      stream,
      durable: 'other',
      batchMessages: 10,
      batchBytes: 1_000,
      batchWaitMs: 1,
      handle: async () => undefined,
      onError: () => undefined,
    });
  const publish = async (stream: StreamDefinition, texts: readonly string[]) => {
    for (const one of texts) await opened.bus.publish(stream, `${stream.name}.a`, one, Buffer.from(one));
  };
  const kept = async (fields: Partial<StreamDefinition> = {}) => {
    const stream = newStream(fields);
    await opened.bus.retain(stream);
    await consume(stream);
    return stream;
  };

  it('READ-1 is read from any position, by several readers, and waits for what comes', async () => {
    const stream = await kept();
    await publish(stream, ['a', 'b', 'c']);
    const last = await opened.bus.lastSequence(stream);
    const [all, rest, fresh] = await Promise.all([0, last - 1, last].map((after) => opened.bus.read(stream, after)));
    expect(await readTexts(all!, 3)).toEqual(['a', 'b', 'c']);
    expect(await readTexts(rest!, 1)).toEqual(['c']);
    const next = fresh!.next(limits());
    await publish(stream, ['d']);
    expect((await next).map(text)).toEqual(['d']);
    expect((await rest!.next(limits())).map(({ sequence }) => Number(sequence))).toEqual([last + 1]);
    for (const reader of [all, rest, fresh]) await reader!.close();
  });

  it('READ-2 keeps to limits, and hands over a message that is larger than they are', async () => {
    const stream = await kept();
    await publish(stream, ['a', 'b', 'c', 'x'.repeat(5_000), 'd']);
    const reader = await opened.bus.read(stream, 0);
    expect((await reader.next(limits({ messages: 2 }))).map(text)).toEqual(['a', 'b']);
    const lengths: number[] = [];
    while (lengths.length < 3) lengths.push(...(await reader.next(limits({ bytes: 1_000 }))).map(({ data }) => data.length));
    expect(lengths).toEqual([1, 5_000, 1]);
    await reader.close();
  });

  it('READ-3 ends a wait when it is told', async () => {
    const stream = await kept();
    const reader = await opened.bus.read(stream, 0);
    const stop = new AbortController();
    const waiting = reader.next(limits({ signal: stop.signal }));
    stop.abort();
    expect(await waiting).toEqual([]);
    await reader.close();
  });

  it('READ-4 keeps a message once, also where it is published again after a restart', async () => {
    const stream = await kept();
    await publish(stream, ['a']);
    if (name === 'LocalBus') {
      await opened.close();
      opened = await open(dir.path);
      await consume(stream);
    }
    await publish(stream, ['a', 'b']);
    const reader = await opened.bus.read(stream, 0);
    expect(await readTexts(reader, 2)).toEqual(['a', 'b']);
    await reader.close();
  });

  it('READ-6 says what it holds, without a jump for what came again, and how much waits for a consumer', async () => {
    const stream = await kept();
    const { incarnation } = await opened.bus.extent(stream);
    await publish(stream, ['a', 'a', 'b', 'a', 'c']);
    expect(await opened.bus.extent(stream)).toEqual({ incarnation, first: 1, last: 3 });
    const reader = await opened.bus.read(stream, 0);
    const positions: string[] = [];
    while (positions.length < 3) positions.push(...(await reader.next(limits())).map(({ sequence }) => sequence));
    expect(positions).toEqual(['1', '2', '3']);
    await reader.close();
    expect(incarnation).toMatch(/^[0-9A-Za-z]{1,64}$/);
    expect((await opened.bus.extent(await kept())).incarnation).not.toBe(incarnation);
    await eventually(async () => expect(await opened.bus.waiting(stream, 'other')).toBe(0));
    await expect(opened.bus.waiting(stream, 'nobody')).rejects.toThrow(BusUnavailable);
  });
});

describe('a stream that is kept in process', () => {
  it('READ-5 is kept only from when that is asked for until it is taken back, and refuses what goes beyond its size', async () => {
    await using dir = await tempDir();
    const bus = new LocalBus({ logDir: dir.path });
    const stream = newStream({ limitBytes: 100 });
    await bus.consume({
      stream,
      durable: 'other',
      batchMessages: 10,
      batchBytes: 1_000,
      batchWaitMs: 1,
      handle: async () => undefined,
      onError: () => undefined,
    });
    const publish = (id: string, size: number) => bus.publish(stream, `${stream.name}.a`, id, Buffer.alloc(size));
    await publish('before', 60);
    await expect(bus.read(stream, 0)).rejects.toThrow(BusUnavailable);
    await bus.retain(stream);
    await publish('first', 60);
    await expect(publish('second', 60)).rejects.toThrow('is full');
    expect(await bus.lastSequence(stream)).toBe(1);
    await bus.retain(stream, 'somebody');
    await bus.release(stream);
    expect(await bus.lastSequence(stream)).toBe(1);
    await bus.release(stream, 'somebody');
    await publish('third', 60);
    await expect(bus.lastSequence(stream)).rejects.toThrow('is not kept');
    await bus.close();
  });
});
