import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { LeasePayloadKeyResponseSchema, type Principal, principalHash } from '@switchyard/contracts';
import type { Rpc } from '@switchyard/messaging';
import { generateSealingKey, sealTo } from '@switchyard/oauth';
import type { KvStore } from '@switchyard/state';
import { createLogger } from '@switchyard/telemetry';
import { FakeClock } from '@switchyard/testing';
import { PayloadKeys } from './payload-keys.js';

type Told = Parameters<KvStore['watch']>[0];
const ANN: Principal = {
  ...{ tenant: 'default', issuer: 'https://idp.example', subject: 'ann', name: 'ann' },
  ...{ kind: 'user', claims: [] },
};
const BOB: Principal = { ...ANN, subject: 'bob' };

async function open() {
  const sealingKey = await generateSealingKey();
  const secret = Buffer.alloc(32, 1).toString('base64url');
  const sealed = await sealTo(sealingKey.publicJwk, Buffer.from(JSON.stringify({ contentKey: secret, redactionKey: secret })));
  const clock = new FakeClock(0);
  const vault = { asked: 0, meanwhile: () => undefined as void };
  let told: Told = () => undefined;
  const call = async () => {
    vault.asked += 1;
    const value = { sealed, version: `${vault.asked}`, expiresAt: timestampFromMs(300_000) };
    vault.meanwhile();
    return create(LeasePayloadKeyResponseSchema, { result: { case: 'lease', value } });
  };
  const keys = await PayloadKeys.open({
    ...{ clock, edge: 'edge-1', sealingKey, log: createLogger({ service: 'test', level: 'silent' }) },
    rpc: { call: call as unknown as Rpc['call'] },
    erasures: {
      watch: async (onChange) => {
        told = onChange;
        return { ready: Promise.resolve(), close: async () => undefined, confirm: async () => undefined };
      },
    },
  });
  const idOf = async (who: Principal) => {
    const key = await keys.of(who);
    return typeof key === 'string' ? key : key.id;
  };
  const erase = (who: Principal) =>
    told({ kind: 'put', entry: { key: principalHash(who), value: Buffer.from(''), revision: 1 } });
  return { vault, idOf, erase };
}

describe('keys for captured payloads', () => {
  it('D10: are let go of where the vault says that they are erased, and those of others are not', async () => {
    const { idOf, erase } = await open();
    expect([await idOf(ANN), await idOf(BOB), await idOf(ANN)]).toEqual(['1', '2', '1']);
    erase(ANN);
    expect([await idOf(ANN), await idOf(BOB)]).toEqual(['3', '2']);
  });

  it('D10: are asked for again where something was erased before they came', async () => {
    const { vault, idOf, erase } = await open();
    vault.meanwhile = () => {
      vault.meanwhile = () => undefined;
      erase(ANN);
    };
    expect([await idOf(ANN), await idOf(ANN)]).toEqual(['2', '2']);
  });
});
