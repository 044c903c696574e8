import type { StreamDefinition } from '@switchyard/contracts';
import { eventually, natsUrl, unusedName } from '@switchyard/testing';
import { BusUnavailable, type Bus, type ConsumeOptions, type StreamMessage } from './bus.js';
import { LocalBus } from './local-bus.js';
import { NatsBus } from './nats-bus.js';
import { connectNats } from './nats-link.js';

const retry = { firstMs: 20, longestMs: 200 };

const adapters: readonly { name: string; open: () => Promise<{ bus: Bus; close: () => Promise<void> }> }[] = [
  {
    name: 'LocalBus',
    open: () => {
      const bus = new LocalBus({ retry });
      return Promise.resolve({ bus, close: () => bus.close() });
    },
  },
  {
    name: 'NatsBus',
    open: async () => {
      const link = await connectNats({ servers: [natsUrl()], name: 'bus-test' });
      const bus = await NatsBus.open(link, { retry });
      return { bus, close: () => bus.close().then(() => link.close()) };
    },
  },
];

const text = (message: StreamMessage) => Buffer.from(message.data).toString();
const bytes = (value: string) => Buffer.from(value);

function newStream(fields: Partial<StreamDefinition> = {}): StreamDefinition {
  const name = unusedName('BUS');
  return { name, subjects: [`${name}.>`], duplicateWindowMs: 60_000, maxAgeMs: 3_600_000, limitBytes: 10_000_000, ...fields };
}

/** A consumer that keeps what it is given. */
function collecting(stream: StreamDefinition, options: Partial<ConsumeOptions> = {}) {
  const batches: string[][] = [];
  const errors: unknown[] = [];
  const all: ConsumeOptions = {
    stream,
    durable: 'reader',
    batchMessages: 100,
    batchBytes: 1_000_000,
    batchWaitMs: 20,
    handle: (messages) => {
      batches.push(messages.map(text));
      return Promise.resolve();
    },
    onError: (error) => errors.push(error),
    ...options,
  };
  return { options: all, batches, errors, texts: () => batches.flat() };
}

describe.each(adapters)('$name', ({ open }) => {
  let bus: Bus;
  let close: () => Promise<void>;

  beforeEach(async () => ({ bus, close } = await open()));
  afterEach(() => close());

  const publishAll = (stream: StreamDefinition, texts: readonly string[]) =>
    Promise.all(texts.map((value) => bus.publish(stream, `${stream.name}.a`, value, bytes(value))));

  it('BUS-1 hands over every message once, in order, with id, subject and growing sequence', async () => {
    const stream = newStream();
    const seen: StreamMessage[] = [];
    await bus.consume(collecting(stream, { handle: (messages) => Promise.resolve(void seen.push(...messages)) }).options);
    const texts = Array.from({ length: 50 }, (_, index) => `m${index}`);
    await publishAll(stream, texts);
    await eventually(() => expect(seen.map(text)).toEqual(texts));
    expect(seen.map(({ messageId }) => messageId)).toEqual(texts);
    expect(new Set(seen.map(({ subject }) => subject))).toEqual(new Set([`${stream.name}.a`]));
    const sequences = seen.map(({ sequence }) => Number(sequence));
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
    expect(new Set(sequences).size).toBe(50);
  });

  it('BUS-2 bytes arrive as they were sent, empty ones too', async () => {
    const stream = newStream();
    const seen: Uint8Array[] = [];
    await bus.consume(
      collecting(stream, { handle: async (messages) => void seen.push(...messages.map(({ data }) => data)) }).options,
    );
    const sent = [Uint8Array.of(0, 255, 128, 10), new Uint8Array()];
    for (const [index, data] of sent.entries()) await bus.publish(stream, `${stream.name}.a`, `id-${index}`, data);
    await eventually(() => expect(seen.map((data) => [...data])).toEqual(sent.map((data) => [...data])));
  });

  it('BUS-3 a message id is taken once within the duplicate window', async () => {
    const stream = newStream();
    const reader = collecting(stream);
    await bus.consume(reader.options);
    await bus.publish(stream, `${stream.name}.a`, 'same', bytes('first'));
    await bus.publish(stream, `${stream.name}.a`, 'same', bytes('second'));
    await bus.publish(stream, `${stream.name}.a`, 'other', bytes('third'));
    await eventually(() => expect(reader.texts()).toEqual(['first', 'third']));
  });

  it('BUS-4 batches keep to the number of messages', async () => {
    const stream = newStream();
    const reader = collecting(stream, { batchMessages: 10, batchWaitMs: 500 });
    await bus.consume(reader.options);
    await publishAll(
      stream,
      Array.from({ length: 25 }, (_, index) => `m${index}`),
    );
    await eventually(() => expect(reader.texts()).toHaveLength(25));
    expect(Math.max(...reader.batches.map((batch) => batch.length))).toBe(10);
  });

  it('BUS-5 batches keep to the number of bytes, and a larger message comes alone', async () => {
    const stream = newStream();
    const reader = collecting(stream, { batchBytes: 4_000, batchWaitMs: 100 });
    await bus.consume(reader.options);
    const small = Array.from({ length: 6 }, (_, index) => `${index}`.repeat(1_000));
    await publishAll(stream, [...small.slice(0, 3), 'x'.repeat(20_000), ...small.slice(3)]);
    await eventually(() => expect(reader.texts()).toHaveLength(7));
    expect(reader.batches.find((batch) => batch.some((value) => value.startsWith('x')))).toHaveLength(1);
    const sizes = reader.batches.map((batch) => batch.join('').length).filter((size) => size < 20_000);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(4_000);
    expect(reader.errors).toEqual([]);
  });

  it('BUS-6 a failed batch is delivered again after growing pauses; what follows waits', async () => {
    const stream = newStream();
    const attempts: { at: number; texts: string[] }[] = [];
    const reader = collecting(stream, {
      batchMessages: 2,
      handle: (messages) => {
        attempts.push({ at: performance.now(), texts: messages.map(text) });
        return attempts.length <= 3 ? Promise.reject(new Error(`failure ${attempts.length}`)) : Promise.resolve();
      },
    });
    await bus.consume(reader.options);
    await publishAll(stream, ['a', 'b', 'c']);
    await eventually(() => expect(attempts.slice(3).flatMap(({ texts }) => texts)).toEqual(['a', 'b', 'c']));
    expect(attempts.slice(0, 3).map(({ texts }) => texts[0])).toEqual(['a', 'a', 'a']);
    expect(reader.errors.map(String)).toEqual(['Error: failure 1', 'Error: failure 2', 'Error: failure 3']);
    const [first = 0, second = 0, third = 0] = attempts.slice(1, 4).map(({ at }, index) => at - (attempts[index]?.at ?? 0));
    expect([first >= 19, second >= 39, third >= 79]).toEqual([true, true, true]);
  });

  it('BUS-7 closing lets the batch in hand finish and takes no further one', async () => {
    const stream = newStream();
    const started = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const reader = collecting(stream, {
      batchMessages: 1,
      handle: async (messages) => {
        started.resolve();
        await release.promise;
        reader.batches.push(messages.map(text));
      },
    });
    const consumption = await bus.consume(reader.options);
    const published = publishAll(stream, ['a', 'b']);
    await started.promise;
    const closed = consumption.close();
    release.resolve();
    await closed;
    expect(reader.texts()).toEqual(['a']);

    const next = collecting(stream);
    await bus.consume(next.options);
    await published;
    await eventually(() => expect(next.texts()).toEqual(['b']));
  });

  it('BUS-8 a batch that fails while its consumer closes goes to the next consumer at once', async () => {
    const stream = newStream();
    const failing = collecting(stream, { handle: () => Promise.reject(new Error('not now')) });
    const consumption = await bus.consume(failing.options);
    const published = publishAll(stream, ['a', 'b']);
    await eventually(() => failing.errors.length > 0);
    await consumption.close();

    const next = collecting(stream);
    await bus.consume(next.options);
    await published;
    await eventually(() => expect(next.texts().toSorted()).toEqual(['a', 'b']));
  });

  it('BUS-9 two consumers of one durable share the work', async () => {
    const stream = newStream();
    const one = collecting(stream, { batchMessages: 1 });
    const two = collecting(stream, { batchMessages: 1 });
    const bothAtWork = Promise.withResolvers<void>();
    const atWork = new Set<unknown>();
    for (const reader of [one, two]) {
      const handle = (messages: readonly StreamMessage[]) => {
        if (atWork.add(reader).size === 2) bothAtWork.resolve();
        return bothAtWork.promise.then(() => reader.options.handle(messages));
      };
      await bus.consume({ ...reader.options, handle });
    }
    const texts = Array.from({ length: 40 }, (_, index) => `m${index}`);
    await publishAll(stream, texts);
    await eventually(() => expect([...one.texts(), ...two.texts()].toSorted()).toEqual(texts.toSorted()));
    expect(Math.min(one.batches.length, two.batches.length)).toBeGreaterThan(0);
  });

  it('BUS-10 two durables get every message each', async () => {
    const stream = newStream();
    const one = collecting(stream, { durable: 'one' });
    const two = collecting(stream, { durable: 'two' });
    await bus.consume(one.options);
    await bus.consume(two.options);
    await publishAll(stream, ['a', 'b', 'c']);
    await eventually(() => expect([one.texts(), two.texts()]).toEqual([['a', 'b', 'c'], ['a', 'b', 'c']])); // prettier-ignore
  });

  it('BUS-11 what was published before the first consumer came is handed over to it', async () => {
    const stream = newStream();
    const published = publishAll(stream, ['early']);
    const reader = collecting(stream);
    await bus.consume(reader.options);
    await published;
    await eventually(() => expect(reader.texts()).toEqual(['early']));
  });

  it('BUS-12 a full stream refuses, and drops nothing', async () => {
    const stream = newStream({ limitBytes: 4_000 });
    const publish = (id: string) => bus.publish(stream, `${stream.name}.a`, id, Buffer.alloc(1_500, id));
    const outcomes = Promise.allSettled(['a', 'b', 'c', 'd'].map(publish));
    const reader = collecting(stream);
    await bus.consume(reader.options);
    const refused = (await outcomes).filter((outcome) => outcome.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.every(({ reason }) => reason instanceof BusUnavailable)).toBe(true);
    await eventually(() => expect(reader.texts()).toHaveLength(4 - refused.length));
  });

  it('BUS-14 as many full batches as told are handled at once, every message in one of them', async () => {
    const stream = newStream();
    const release = Promise.withResolvers<void>();
    const began: string[][] = [];
    const reader = collecting(stream, {
      batchMessages: 5,
      batchWaitMs: 200,
      batchesAtOnce: 2,
      handle: async (messages) => {
        began.push(messages.map(text));
        await release.promise;
      },
    });
    const consumption = await bus.consume(reader.options);
    const texts = Array.from({ length: 22 }, (_, index) => `m${String(index).padStart(2, '0')}`);
    const published = publishAll(stream, texts);
    await eventually(() => expect(began).toHaveLength(2));
    release.resolve();
    await published;
    await eventually(() => expect(began.flat().toSorted()).toEqual(texts));
    expect(began[0]).toHaveLength(5);
    await consumption.close();
    expect(reader.errors).toEqual([]);
  });

  it('BUS-15 of two batches at once, one that fails is delivered again while the other ends', async () => {
    const stream = newStream();
    let failures = 0;
    const reader = collecting(stream, { batchMessages: 2, batchesAtOnce: 2 });
    const handle = (messages: readonly StreamMessage[]) => {
      if (text(messages[0]!) === 'a' && failures < 2) return Promise.reject(new Error(`failure ${(failures += 1)}`));
      return reader.options.handle(messages);
    };
    const consumption = await bus.consume({ ...reader.options, handle });
    await publishAll(stream, ['a', 'b', 'c', 'd', 'e']);
    await eventually(() => expect(reader.texts().toSorted()).toEqual(['a', 'b', 'c', 'd', 'e']));
    expect(reader.errors.map(String)).toEqual(['Error: failure 1', 'Error: failure 2']);
    await consumption.close();
  });

  it('BUS-13 is ready until it is closed; then publishing is refused; closing twice is fine', async () => {
    const stream = newStream();
    expect(await bus.ready()).toBe(true);
    await bus.close();
    await bus.close();
    expect(await bus.ready()).toBe(false);
    await expect(bus.publish(stream, `${stream.name}.a`, 'id', bytes('x'))).rejects.toThrow(BusUnavailable);
  });
});
