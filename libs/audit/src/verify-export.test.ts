import { exportJWK, generateKeyPair, type JWK } from 'jose';
import type { ChainHead } from './chain-check.js';
import { firstLink } from './chain.js';
import { checkpointDigest, signCheckpoint } from './checkpoint.js';
import { signRetentionRecord } from './retention-record.js';
import { edited, forged, trailOf } from './trail.fixture.js';
import { verifyExport, type BrokenExport } from './verify-export.js';

const epoch = 1767225600000;
const chain = `edge-1/${epoch}`;
const other = `auth-1/${epoch}`;

const head = (lines: readonly Buffer[], sequence: number): ChainHead => ({
  sequence,
  link: sequence === 0 ? firstLink('edge-1', epoch) : /"chain":"([\w-]{43})"/.exec(lines[sequence - 1]!.toString())![1]!,
});

async function newKey(): Promise<{ readonly secret: JWK; readonly open: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair('Ed25519', { extractable: true });
  return { secret: await exportJWK(privateKey), open: await exportJWK(publicKey) };
}

/** Signs what the trail was at some places, one checkpoint each. */
async function checkpointsOf(heads: readonly Record<string, ChainHead>[], key: JWK): Promise<string[]> {
  const signed: string[] = [];
  for (const [index, at] of heads.entries()) {
    const said = Object.fromEntries(
      Object.entries(at).map(([name, { sequence, link }]) => [name, [sequence, link] as [number, string]]),
    );
    const previous = index === 0 ? '' : checkpointDigest(signed[index - 1]!);
    const time = new Date(epoch + index * 60_000).toISOString();
    signed.push(await signCheckpoint({ number: index + 1, at: time, previous, heads: said }, key));
  }
  return signed;
}

interface Parts {
  readonly checkpoints: readonly string[];
  readonly events: readonly Buffer[];
  readonly continued?: true;
  readonly retention?: readonly string[];
  /** Those of the trail unless told. */
  readonly copies?: readonly string[];
}

function textOf({ checkpoints, events, continued, retention = [] }: Parts): Buffer[] {
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  const header = { switchyard_audit_export: 1, checkpoints: checkpoints.length, from_the_beginning: continued !== true };
  return [
    json(retention.length === 0 ? header : { ...header, retention: retention.length }),
    ...checkpoints.map((checkpoint) => json({ checkpoint })),
    ...retention.map((record) => json({ retention: record })),
    ...events,
    json({ end: { events: events.length } }),
  ];
}

async function* each(lines: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const line of lines) yield await Promise.resolve(line);
}

describe('an export of the audit trail', () => {
  const lines = trailOf('edge-1', epoch, 100);
  const others = trailOf('auth-1', epoch, 10);
  const all = [...others, ...lines];
  let key: Awaited<ReturnType<typeof newKey>>;
  let signed: string[];

  beforeAll(async () => {
    key = await newKey();
    signed = await checkpointsOf(
      [
        { [chain]: head(lines, 40), [other]: head(others, 10) },
        { [chain]: head(lines, 80), [other]: head(others, 10) },
        { [chain]: head(lines, 100), [other]: head(others, 10) },
      ],
      key.secret,
    );
  });

  const verify = (text: readonly Buffer[], copies: readonly string[] = []) =>
    verifyExport(each(text), { keys: [key.open], copies });

  it('D6: verifies with nothing but the public key', async () => {
    expect(await verify(textOf({ checkpoints: signed, events: all }), signed)).toEqual({
      ok: true,
      events: 110,
      epochs: 2,
      checkpoints: 3,
      deleted: 0,
      from: '2026-01-01T00:00:00.000Z',
      until: '2026-01-01T00:02:00.000Z',
    });
  });

  it('D6: verifies from one checkpoint to another', async () => {
    const text = textOf({ checkpoints: signed.slice(0, 2), events: lines.slice(40, 80), continued: true });
    expect(await verify(text, signed)).toMatchObject({ ok: true, events: 40, checkpoints: 2 });
  });

  const rows: readonly [string, () => Parts | Promise<Parts>, Partial<BrokenExport>][] = [
    [
      'D6-altered',
      () => ({ checkpoints: signed, events: [...others, edited(lines[0]!, 'echo', 'evil'), ...lines.slice(1)] }),
      { line: 15, eventId: `${chain}/1`, sentence: expect.stringContaining('is not what was recorded') as string },
    ],
    [
      'D6-removed',
      () => ({ checkpoints: signed, events: [...others, ...lines.slice(0, 9), ...lines.slice(10)] }),
      { eventId: `${chain}/11`, sentence: expect.stringContaining('records between them are missing (10 to 10)') as string },
    ],
    ['D6-end-cut-off', () => ({ checkpoints: signed, events: all.slice(0, -1) }), { eventId: `${chain}/100` }],
    [
      'D6-finished-epoch-cut-off',
      async () => {
        const heads = { [chain]: head(lines, 100) };
        const later = await checkpointsOf([{ ...heads, [other]: head(others, 10) }, heads], key.secret);
        return { checkpoints: later, events: [...others.slice(0, 9), ...lines], copies: [] };
      },
      { eventId: `${other}/10`, sentence: `Records are missing up to ${other}/10.` },
    ],
    ['D6-epoch-dropped', () => ({ checkpoints: signed, events: lines }), { eventId: `${other}/1` }],
    [
      'D6-added-at-the-end',
      () => ({ checkpoints: signed, events: [...others, ...trailOf('edge-1', epoch, 101)] }),
      { eventId: `${chain}/101`, sentence: 'No checkpoint covers this record.' },
    ],
    [
      'D6-epoch-added',
      () => ({ checkpoints: signed, events: [...all, ...trailOf('edge-9', epoch, 1)] }),
      { eventId: `edge-9/${epoch}/1`, sentence: 'No checkpoint covers this record.' },
    ],
    [
      'D12-linked-anew',
      () => {
        const changed = [...lines.slice(0, 50), edited(lines[50]!, 'echo', 'evil'), ...lines.slice(51)];
        return { checkpoints: signed, events: [...others, ...forged('edge-1', epoch, changed)] };
      },
      { eventId: `${chain}/80`, sentence: 'This record, or one before it, is not what was signed.' },
    ],
    [
      'D12-signed-with-another-key',
      async () => {
        const mine = await newKey();
        return {
          checkpoints: await checkpointsOf([{ [chain]: head(lines, 100), [other]: head(others, 10) }], mine.secret),
          events: all,
        };
      },
      { line: 2, sentence: 'This checkpoint was not signed with the given key.' },
    ],
    [
      'D6-checkpoint-left-out',
      () => ({ checkpoints: [signed[0]!, signed[2]!], events: all }),
      { line: 3, sentence: 'Checkpoint 3 stands behind checkpoint 1.' },
    ],
    [
      'D12-signed-again-with-our-key',
      async () => {
        const events = forged('edge-1', epoch, [edited(lines[0]!, 'echo', 'evil'), ...lines.slice(1)]);
        const heads = { [chain]: head(events, 100), [other]: head(others, 10) };
        return { checkpoints: await checkpointsOf([heads], key.secret), events: [...others, ...events] };
      },
      { line: 2, sentence: 'Checkpoint 1 is another one than its copy.' },
    ],
  ];

  it.each(rows)('%s: names the first record that is bad', async (_id, parts, expected) => {
    const { copies = signed, ...text } = await parts();
    expect(await verify(textOf(text), copies)).toMatchObject({ ok: false, ...expected });
  });

  it.each([
    ['empty', () => []],
    ['no-header', () => textOf({ checkpoints: signed, events: all }).slice(1)],
    ['no-beginning', () => textOf({ checkpoints: signed.slice(1), events: lines.slice(40) })],
    ['no-end', () => textOf({ checkpoints: signed, events: all }).slice(0, -1)],
    ['torn', () => [...textOf({ checkpoints: signed, events: all }).slice(0, 50), Buffer.from('{"event_id":')]],
    ['a-later-start', () => textOf({ checkpoints: signed, events: lines.slice(41), continued: true })],
  ])('%s: is no whole export', async (_id, text) => {
    expect(await verify(text())).toMatchObject({ ok: false });
  });

  describe('after a deletion', () => {
    const at = '2027-03-01T00:00:00.000Z';
    const link = (sequence: number) => head(lines, sequence).link;
    /** As retention signs it: what it is about to delete. */
    const record = (...ranges: readonly (readonly [first: number, last: number])[]) =>
      signRetentionRecord(
        {
          id: 'pass-1',
          at,
          cut: at,
          ranges: { [chain]: ranges.map(([first, last]) => [first, last, link(first - 1), link(last)]) },
        },
        key.secret,
      );
    const without = (...gone: readonly (readonly [number, number])[]) => [
      ...others,
      ...lines.filter((_, index) => !gone.some(([first, last]) => index + 1 >= first && index + 1 <= last)),
    ];

    it.each([
      ['up to a checkpoint', [[1, 40]], 40],
      ['between two checkpoints', [[1, 57]], 57],
      [
        'around records that a hold keeps',
        [
          [1, 6],
          [9, 40],
          [42, 60],
        ],
        57,
      ],
      [
        'in two passes',
        [
          [1, 40],
          [41, 80],
        ],
        80,
      ],
      ['of a whole epoch', [[1, 100]], 100],
    ] as const)('D11: verifies %s', async (_id, gone, deleted) => {
      const text = textOf({ checkpoints: signed, events: without(...gone), retention: [await record(...gone)] });
      expect(await verify(text, signed)).toMatchObject({ ok: true, events: 110 - deleted, deleted });
    });

    it('D11: verifies from a checkpoint on that lies in what was deleted', async () => {
      const events = without([1, 57]).slice(10);
      const text = textOf({ checkpoints: signed, events, continued: true, retention: [await record([1, 57])] });
      expect(await verify(text)).toMatchObject({ ok: true, events: 43, deleted: 17 });
    });

    it('D11: verifies where a deletion was signed, and only part of it was made', async () => {
      const text = textOf({ checkpoints: signed, events: without([20, 57]), retention: [await record([1, 57])] });
      expect(await verify(text)).toMatchObject({ ok: true, deleted: 38 });
    });

    const forgeries: readonly [string, () => Promise<Parts>, Partial<BrokenExport>][] = [
      ['without a record', async () => ({ checkpoints: signed, events: without([1, 40]) }), { eventId: `${chain}/41` }],
      [
        'one record more than was signed',
        async () => ({ checkpoints: signed, events: without([1, 41]), retention: [await record([1, 40])] }),
        { eventId: `${chain}/42`, sentence: expect.stringContaining('(41 to 41)') as string },
      ],
      [
        'a record elsewhere',
        async () => ({ checkpoints: signed, events: without([1, 40], [70, 70]), retention: [await record([1, 40])] }),
        { eventId: `${chain}/71` },
      ],
      [
        'a record that a hold keeps is another',
        async () => {
          const events = without([1, 6], [8, 40]).map((line, index) => (index === 10 ? edited(line, 'echo', 'evil') : line));
          return { checkpoints: signed, events, retention: [await record([1, 6], [8, 40])] };
        },
        { eventId: `${chain}/7` },
      ],
      [
        'a record that a hold keeps is another, linked anew',
        async () => {
          const changed = forged('edge-1', epoch, [edited(lines[0]!, 'echo', 'evil')]);
          return {
            checkpoints: signed,
            events: [...others, ...changed, ...lines.slice(40)],
            retention: [await record([2, 40])],
          };
        },
        { eventId: `${chain}/41` },
      ],
      [
        'links that were not signed',
        async () => {
          const ranges = { [chain]: [[1, 40, link(0), link(39)] as [number, number, string, string]] };
          const retention = [await signRetentionRecord({ id: 'x', at, cut: at, ranges }, key.secret)];
          return { checkpoints: signed, events: without([1, 40]), retention };
        },
        { line: 5, sentence: `This record of retention says something else of ${chain} than what was signed.` },
      ],
      [
        'signed by somebody else',
        async () => {
          const ranges = { [chain]: [[1, 40, link(0), link(40)] as [number, number, string, string]] };
          const retention = [await signRetentionRecord({ id: 'x', at, cut: at, ranges }, (await newKey()).secret)];
          return { checkpoints: signed, events: without([1, 40]), retention };
        },
        { line: 5, sentence: 'This record of retention was not signed with the given key.' },
      ],
    ];
    it.each(forgeries)('D11: what retention has not deleted is missed: %s', async (_id, parts, expected) => {
      expect(await verify(textOf(await parts()), signed)).toMatchObject({ ok: false, ...expected });
    });
  });

  it.each([
    ['in-a-checkpoint', 2, 20, 'This line is no checkpoint, and the first line says that one stands here'],
    ['before-a-checkpoint', 2, 0, 'The export is cut off: a checkpoint was to come.'],
    ['before-the-end', -1, 0, 'The export is cut off: its last line is missing.'],
  ] as const)('D6: says of an export that was cut off that it was: %s', async (_id, lines, bytes, sentence) => {
    const whole = textOf({ checkpoints: signed, events: all });
    const cut = whole.at(lines)!.subarray(0, bytes);
    const text = [...whole.slice(0, lines), ...(bytes === 0 ? [] : [cut])];
    expect(await verify(text)).toMatchObject({ ok: false, sentence: expect.stringContaining(sentence) as string });
  });

  it('D6: a log of 10,000 records verifies', async () => {
    const many = trailOf('edge-1', epoch, 10_000);
    const checkpoints = await checkpointsOf([{ [chain]: head(many, 10_000) }], key.secret);
    expect(await verify(textOf({ checkpoints, events: many }))).toMatchObject({ ok: true, events: 10_000 });
  });
});
