import { BUCKETS, emitterProgressKey, type EmitterProgress } from '@switchyard/contracts';
import { SqliteState } from '@switchyard/state';
import { emittersHealth } from './emitters-health.js';

const nowMs = 1_767_225_700_000;
const atMs = nowMs - 8_000;

describe('how far emitters are', () => {
  it.each<readonly [string, Omit<EmitterProgress, 'at_ms'>, number | undefined, readonly [waiting: number, oldestMs: number]]>([
    ['all-forwarded', { written: 9, forwarded: 9 }, 9, [0, 0]],
    ['waiting', { written: 9, forwarded: 4, oldest_at_ms: atMs }, 4, [5, 8_000]],
    ['stored-since', { written: 9, forwarded: 4, oldest_at_ms: atMs }, 12, [0, 0]],
    ['database-away', { written: 9, forwarded: 4, oldest_at_ms: atMs }, undefined, [5, 8_000]],
    ['of-boots-before', { written: 9, forwarded: 9, oldest_at_ms: atMs }, 9, [0, 8_000]],
  ])('%s', async (_id, said, stored, [waiting, oldestMs]) => {
    const state = SqliteState.open(':memory:');
    const kv = await state.bucket(BUCKETS.emitters, 'default');
    await kv.put(emitterProgressKey('edge-1', 7), Buffer.from(JSON.stringify({ ...said, at_ms: atMs })));
    await kv.put('reconciling', Buffer.from('1'));
    const known = stored === undefined ? undefined : new Map([['edge-1/7', stored]]);
    const [health, ...others] = await emittersHealth(kv, nowMs, known);
    expect([health?.waiting, health?.oldest_ms, others]).toEqual([waiting, oldestMs, []]);
    await state.close();
  });
});
