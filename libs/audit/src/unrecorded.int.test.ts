import { FakeClock, tempDir } from '@switchyard/testing';
import { statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Unrecorded } from './unrecorded.js';

const called = { type: 'tool.called', outcome: 'ok' } as const;
const hop = { type: 'proxy.hop', outcome: 'error', reason: 'upstream_timeout' } as const;

describe('what could not be recorded', () => {
  it('is counted by what it was, and known to the next process, however this one ends', async () => {
    await using dir = await tempDir();
    const file = path.join(dir.path, 'unrecorded');
    const first = Unrecorded.open(file, new FakeClock(5_000));
    const taken = statSync(file).size;
    for (const event of [called, hop, called]) first.count(event);
    await nextTurn();
    // Its place was taken before there was anything to say: it can be written on a full disk.
    expect([taken, statSync(file).size]).toEqual([4_096, 4_096]);
    const second = Unrecorded.open(file, new FakeClock(9_000));
    expect(second.pending()).toEqual({ sinceMs: 5_000, counts: { 'tool.called ok': 2, 'proxy.hop upstream_timeout': 1 } });
    expect([Object.fromEntries(first.totals()), second.totals().size]).toEqual([{ 'tool.called': 2, 'proxy.hop': 1 }, 0]);
    first.close();
    second.close();
  });

  it('is told of once, and what came meanwhile another time', async () => {
    await using dir = await tempDir();
    const counts = Unrecorded.open(path.join(dir.path, 'unrecorded'), new FakeClock(5_000));
    counts.count(called);
    const told = counts.pending();
    counts.count(called);
    counts.count(hop);
    counts.told(told!);
    expect(counts.pending()?.counts).toEqual({ 'tool.called ok': 1, 'proxy.hop upstream_timeout': 1 });
    counts.told(counts.pending()!);
    counts.close();
    const again = Unrecorded.open(path.join(dir.path, 'unrecorded'), new FakeClock());
    expect(again.pending()).toBeUndefined();
    again.close();
  });

  it('begins anew where its file is damaged', async () => {
    await using dir = await tempDir();
    const file = path.join(dir.path, 'unrecorded');
    writeFileSync(file, 'x'.repeat(4_096));
    const counts = Unrecorded.open(file, new FakeClock());
    expect(counts.pending()).toBeUndefined();
    counts.close();
  });
});
