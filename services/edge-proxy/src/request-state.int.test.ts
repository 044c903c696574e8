import { scanMessage } from '@switchyard/mcp';
import { BUCKETS, DEFAULT_TENANT } from '@switchyard/contracts';
import { SqliteState } from '@switchyard/state';
import { FakeClock } from '@switchyard/testing';
import type { Call } from './exchange.js';
import { Refusal } from './refusal.js';
import { EdgeKey } from './edge-key.js';
import { RequestStates } from './request-state.js';

function callWith(requestState?: string): Call {
  const params = { name: 't', arguments: {}, ...(requestState !== undefined && { requestState }) };
  const bytes = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }));
  const envelope = scanMessage(bytes);
  const caller = { principal: { tenant: 't', issuer: 'i', subject: 's' }, clientId: 'c' };
  return { caller, inbound: { bytes, envelope }, exchange: { server: { slug: 'x' }, facts: { detail: {} } } } as unknown as Call;
}

describe('RequestStates', () => {
  it('opens on another edge, until it expires', async () => {
    const clock = new FakeClock();
    const state = SqliteState.open(':memory:');
    const kv = await state.bucket(BUCKETS.sessions, DEFAULT_TENANT);
    const [one, other] = (await Promise.all([EdgeKey.open(kv), EdgeKey.open(kv)])).map(
      (key) => new RequestStates(key, clock),
    ) as [RequestStates, RequestStates];
    const text = JSON.parse(one.seal(callWith(), 'up', { upstream: '"u"' }, 1_000)) as string;
    expect(other.read(callWith(text), 'up')).toEqual({ upstream: '"u"' });
    expect(other.read(callWith(text), 'another')).toBeInstanceOf(Refusal);
    clock.advance(1_000);
    const late = callWith(text);
    expect(other.read(late, 'up')).toMatchObject({ reason: 'request_state_invalid' });
    expect(late.exchange.facts.detail).toEqual({ because: 'expired' });
    await state.close();
  });
});
