import { connectNats } from '@switchyard/messaging';
import { systemClock } from '@switchyard/runtime';
import { NatsState } from '@switchyard/state';
import { startNats, newDpopKey } from '@switchyard/testing';
import { openPossession, type Possession, type Shown } from './possession.js';

/** `npm run single-use` has a thousand. */
const TRIALS = Number(process.env['SINGLE_USE_TRIALS'] ?? 50);
const AT_ONCE = 50;
const PUBLIC_URL = 'https://mcp.example.com';

describe('proofs of possession at two edges on NATS', () => {
  const undo = new AsyncDisposableStack();
  let edges: readonly Possession[];

  beforeAll(async () => {
    const server = undo.use(await startNats());
    const open = async (name: string) => {
      const link = undo.adopt(await connectNats({ servers: [server.url], name }), (it) => it.close());
      const state = undo.adopt(await NatsState.open(link), (it) => it.close());
      return (await openPossession(state, systemClock)).possession;
    };
    edges = await Promise.all([open('edge-1'), open('edge-2')]);
  });
  afterAll(() => undo.disposeAsync());

  const key = newDpopKey();
  const token = 'token';
  const refuse = (edge: Possession, claims: Readonly<Record<string, unknown>> = {}, nonces: string[] = []) => {
    const proof = key.proof({ method: 'POST', url: `${PUBLIC_URL}/mcp/work`, token }, claims);
    return { proof, asked: edge.refuse(token, key.thumbprint, shown(proof, nonces)) };
  };
  const shown = (proof: string, nonces: string[] = []): Shown =>
    ({
      head: { method: 'POST', target: '/mcp/work?x=1', proof },
      catalog: { publicUrl: PUBLIC_URL, requireDpopNonce: false },
      reply: { always: (_name: string, value: string) => nonces.push(value) },
    }) as unknown as Shown;

  it(
    `A14: ${TRIALS} proofs, each at both edges at once: each opens once`,
    async () => {
      const trial = async () => {
        const proof = key.proof({ method: 'POST', url: `${PUBLIC_URL}/mcp/work`, token });
        const refusals = await Promise.all(edges.map((edge) => edge.refuse(token, key.thumbprint, shown(proof))));
        return refusals.map((refusal) => refusal?.reason ?? 'opened').sort();
      };
      for (let done = 0; done < TRIALS; done += AT_ONCE) {
        const outcomes = await Promise.all(Array.from({ length: AT_ONCE }, trial));
        expect(new Set(outcomes.map(String))).toEqual(new Set(['opened,proof_invalid']));
      }
    },
    Math.max(60_000, TRIALS * 500),
  );

  it('A14: the nonce of one edge is taken by the other', async () => {
    const nonces: string[] = [];
    const old = { iat: 1 };
    const [here, there] = edges;
    if (here === undefined || there === undefined) throw new Error('no edges');
    expect((await refuse(here, old, nonces).asked)?.reason).toBe('proof_nonce_missing');
    expect(await refuse(there, { ...old, nonce: nonces[0] }).asked).toBeUndefined();
  });
});
