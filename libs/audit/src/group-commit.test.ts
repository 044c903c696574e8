import { tmpdir } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { GroupCommit, type SyncedFile } from './group-commit.js';

/** A file whose trips to the disk end when the test says so. */
function disk() {
  const trips: PromiseWithResolvers<void>[] = [];
  const state = { closed: false };
  const file: SyncedFile = {
    sync: () => {
      if (state.closed) return Promise.resolve();
      const trip = Promise.withResolvers<void>();
      trips.push(trip);
      return trip.promise;
    },
    close: () => void (state.closed = true),
  };
  return { file, trips, isClosed: () => state.closed };
}

function open() {
  const first = disk();
  const faults: unknown[] = [];
  const commit = new GroupCommit(tmpdir(), first.file, (error) => faults.push(error));
  return { first, faults, commit };
}

async function isSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  const set = () => void (settled = true);
  promise.then(set, set);
  // Long enough for the sync of the directory.
  for (let turn = 0; turn < 50; turn++) await nextTurn();
  return settled;
}

describe('a group commit', () => {
  it('syncs once for all who wait for the same writes', async () => {
    const { first, commit } = open();
    commit.wrote();
    const waiting = [commit.synced(), commit.synced(), commit.synced()];
    await nextTurn();
    expect(first.trips).toHaveLength(1);
    first.trips[0]!.resolve();
    await Promise.all(waiting);
  });

  it('takes those who wrote meanwhile on the next trip, all of them at once', async () => {
    const { first, commit } = open();
    commit.wrote();
    const early = commit.synced();
    commit.wrote();
    const late = [commit.synced(), commit.synced()];
    first.trips[0]!.resolve();
    await early;
    expect(await isSettled(late[0]!)).toBe(false);
    expect(first.trips).toHaveLength(2);
    first.trips[1]!.resolve();
    await Promise.all(late);
  });

  it('waits for the file before, where it has just become full', async () => {
    const { first, commit } = open();
    const second = disk();
    commit.wrote();
    commit.begin(second.file);
    const waiting = commit.synced();
    second.trips[0]!.resolve();
    expect([await isSettled(waiting), first.isClosed()]).toEqual([false, false]);
    first.trips[0]!.resolve();
    await waiting;
    expect(first.isClosed()).toBe(true);
  });

  it('closes what is full, and syncs nothing, where nobody ever waited', async () => {
    const { first, commit } = open();
    commit.wrote();
    commit.begin(disk().file);
    await nextTurn();
    await nextTurn();
    expect([first.isClosed(), first.trips.length]).toEqual([true, 0]);
  });

  it('tells nobody that something is on the disk which may have been forgotten', async () => {
    const { first, faults, commit } = open();
    commit.wrote();
    const early = commit.synced();
    commit.wrote();
    const late = commit.synced();
    const ended = Promise.allSettled([early, late]);
    first.trips[0]!.reject(new Error('EIO'));
    expect(await ended).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
    expect([faults.length, first.isClosed(), first.trips.length]).toEqual([1, true, 1]);
    const second = disk();
    commit.begin(second.file);
    commit.wrote();
    const after = commit.synced();
    second.trips[0]!.resolve();
    await after;
  });
});
