import { BUCKETS, DEFAULT_TENANT } from '@switchyard/contracts';
import { connectNats } from '@switchyard/messaging';
import { systemClock } from '@switchyard/runtime';
import { NatsState, SqliteState, type State } from '@switchyard/state';
import path from 'node:path';
import type { OAuthConnection } from '../../services/token-vault/src/connections/connection.js';
import { ConnectionStore } from '../../services/token-vault/src/connections/connection-store.js';
import { Keyring } from '../../services/token-vault/src/keyring/keyring.js';
import { KmsHealth } from '../../services/token-vault/src/kms/kms-health.js';
import { openKms } from '../../services/token-vault/src/kms/open-kms.js';
import type { LocalTarget } from './targets/target.js';

/** Somebody's tokens for an upstream, as the vault of a stopped target has stored them: read with its key, as nobody else can. */
export async function storedConnection(target: LocalTarget, upstream: string): Promise<OAuthConnection> {
  await using undo = new AsyncDisposableStack();
  const [dir = ''] = target.storage;
  const state = await openState(target, dir, undo);
  const file = path.join(dir, target.natsUrl === undefined ? 'vault.kek' : 'vault.key');
  const clock = systemClock;
  const { kms, local } = undo.adopt(openKms({ file, createIfMissing: false }, clock), (opened) => opened.close());
  const tenant = DEFAULT_TENANT;
  const kv = await state.bucket(BUCKETS.dataKeys, tenant);
  const keyring = new Keyring({ kv, kms, health: new KmsHealth(kms, clock), tenant, clock, cacheMs: 60_000 });
  undo.defer(() => keyring.close());
  const store = await ConnectionStore.open(state, { keyring, local, tenant, clock });
  for (const name of await store.sealed.names()) {
    const [issuer = '', subject = '', of = '', label = ''] = JSON.parse(name) as string[];
    const read = of === upstream && label !== '' ? await store.get({ issuer, subject, upstream, label }) : undefined;
    if (read?.state === 'intact' && read.value.format === 1) return read.value;
  }
  throw new Error(`nobody has connected ${upstream}`);
}

async function openState({ natsUrl }: LocalTarget, dir: string, undo: AsyncDisposableStack): Promise<State> {
  if (natsUrl === undefined) return undo.adopt(SqliteState.open(path.join(dir, 'state.sqlite')), (it) => it.close());
  const link = undo.adopt(await connectNats({ servers: [natsUrl], name: 'test' }), (it) => it.close());
  return undo.adopt(await NatsState.open(link), (it) => it.close());
}
