import { create } from '@bufbuild/protobuf';
import { EdgeService, type Principal } from '@switchyard/contracts';
import { newTraceContext } from '@switchyard/telemetry';
import { askedOf, askingCaller } from './asked.js';
import { callerOf } from './caller.js';
import { type CallerScopes, tokenScopes, UNASKED, UNBOUND } from './caller-scopes.js';
import type { Exchange } from './exchange.js';

const ana: Principal = {
  tenant: 'default',
  issuer: 'https://id',
  subject: '1',
  name: 'ana@example.com',
  kind: 'user',
  email: 'ana@example.com',
  claims: ['staff'],
};
/** As it arrives. */
const arrived = (...asked: Parameters<typeof askedOf>) => {
  const message = create(EdgeService.method.postMessage.input, { asked: askedOf(...asked) });
  if (message.asked === undefined) throw new Error('nobody asks');
  return message.asked;
};
const exchange = { requestId: 'r', trace: newTraceContext(), server: { slug: 'work' } } as unknown as Exchange;

describe('who asks, as edges tell each other', () => {
  it.each<[id: string, principal: Principal, scopes: CallerScopes]>([
    ['AS-1 a person with everything', ana, tokenScopes(['mcp'])],
    ['AS-2 a person with little', ana, tokenScopes(['mcp:tools', 'mcp:work:pay'])],
    ['AS-3 a token for nothing', ana, tokenScopes([])],
    ['AS-4 an API key', { ...ana, kind: 'service' }, UNBOUND],
    ['AS-5 somebody who has not signed in', { ...ana, kind: 'anonymous' }, UNASKED],
  ])('%s', (_id, principal, scopes) => {
    const caller = callerOf(principal, 'client-1', scopes);
    expect(askingCaller(arrived(exchange, caller))).toEqual(caller);
  });

  it('AS-6 an edge that says no scopes asks for nothing', () => {
    const asked = arrived(exchange, callerOf(ana, 'c', UNBOUND));
    if (asked.person !== undefined) asked.person.scopes = [];
    expect(askingCaller(asked).scopes.kinds).toBe(0);
  });
});
