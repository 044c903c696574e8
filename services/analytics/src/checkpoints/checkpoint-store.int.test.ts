import { connectNats } from '@switchyard/messaging';
import { NatsState, SqliteState, type State } from '@switchyard/state';
import { natsUrl, tempDir, unusedName } from '@switchyard/testing';
import path from 'node:path';
import type { Engine } from '../engine/engine.js';
import { CheckpointStore } from './checkpoint-store.js';

type OpenedState = AsyncDisposable & { readonly state: State };

async function onNats(): Promise<OpenedState> {
  const link = await connectNats({ servers: [natsUrl()], name: 'test' });
  const state = await NatsState.open(link);
  return { state, [Symbol.asyncDispose]: () => state.close().then(() => link.close()) };
}

async function onSqlite(): Promise<OpenedState> {
  const dir = await tempDir();
  const state = SqliteState.open(path.join(dir.path, 'state.db'));
  return { state, [Symbol.asyncDispose]: () => state.close().then(() => dir[Symbol.asyncDispose]()) };
}

/** Not asked here. */
const noEngine = {} as Engine;

describe.each([
  ['NATS', onNats],
  ['SQLite', onSqlite],
] as const)('what is remembered of checkpoints on %s', (_name, open) => {
  it('D12: how many were copied away, and until when lines were read, is read as it was written', async () => {
    await using opened = await open();
    const store = await CheckpointStore.open(opened.state, noEngine, unusedName('tenant'));
    expect([await store.copied(), await store.storedThrough()]).toEqual([0, undefined]);
    await store.markCopied(17);
    await store.markStoredThrough(1_795_281_549_589);
    expect([await store.copied(), await store.storedThrough()]).toEqual([17, 1_795_281_549_589]);
  });
});
