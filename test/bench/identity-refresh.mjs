// Whether tokens of upstreams are renewed once: people with connected accounts call at all edges at once, whenever their tokens have ended.
// Several vaults serve the edges, each call may come to any of them, and the upstream counts.
import { setTimeout as pause } from 'node:timers/promises';
import { ask, register, signIn } from './identity-person.mjs';

/** As long as the upstream's tokens are good: longer than the vault's margin (5 s) and than a round's calls take together. */
export const LIFETIME_SECONDS = 10;
/** What the vault takes off, so that a token does not end on its way, and what it may be early by where it renews ahead. */
const USED_FOR_MS = LIFETIME_SECONDS * 1000 - 5_000;
const SERVER = 'accounts';

/** Somebody who has connected their account. @returns the token of their app */
async function connected(gateway, clientId, email) {
  const { access_token: token, browser } = await signIn(gateway, clientId, email, SERVER);
  let page = await browser.open(`/connect/${SERVER}`);
  if (page.text?.includes('name="email"')) page = await browser.submit(page, { email, do: 'sign-in' });
  const away = await browser.submit(page, { label: 'default', do: 'connect' });
  const back = await fetch(away, { redirect: 'manual' });
  const end = await browser.open(back.headers.get('location'));
  if (end.status !== 200) throw new Error(`an account was not connected: ${end.status} ${end.text}`);
  return token;
}

async function call(gateway, port, token) {
  const response = await ask(gateway, port, token, 'tools/call', { name: 'whoami', arguments: {} }, SERVER);
  let text = '';
  for await (const chunk of response) text += chunk;
  return /account-\d+/.exec(text)?.[0];
}

/** A part of `bench identity`. */
export async function measureRefresh(gateway, { people, callsPerEdge, expiries, upstream }) {
  const clientId = await register(gateway.publicUrl);
  const tokens = [];
  for (let index = 0; index < people; index += 1)
    tokens.push(await connected(gateway, clientId, `account-of-${index}@example.com`));
  const accounts = await Promise.all(tokens.map((token) => call(gateway, gateway.ports[0], token)));
  if (new Set(accounts).size !== people) throw new Error(`these accounts were used: ${accounts.join(', ')}`);
  let [calls, failed] = [0, 0];
  const before = upstream.renewals.length;
  for (let round = 0; round < expiries; round += 1) {
    // By then nothing that was given out before is good any more, at any edge.
    await pause(LIFETIME_SECONDS * 1000 + 200);
    const all = tokens.flatMap((token, index) =>
      gateway.ports.flatMap((port) =>
        Array.from({ length: callsPerEdge }, async () => (await call(gateway, port, token)) === accounts[index]),
      ),
    );
    const outcomes = await Promise.all(all);
    calls += outcomes.length;
    failed += outcomes.filter((isOwn) => !isOwn).length;
  }
  const renewals = upstream.renewals.slice(before);
  // A token that was renewed twice, or while it was good, counts above the line alone.
  const ended = renewals.filter(({ again, ageMs }) => !again && ageMs >= USED_FOR_MS).length;
  const numbers = {
    ...{ vaults: gateway.vaults, people, calls, failedCalls: failed },
    ...{ refreshes: renewals.length, expiries: ended, refreshesPerExpiry: renewals.length / ended },
  };
  const lines = [
    `renewal of upstream tokens, ${gateway.vaults} vaults, ${gateway.ports.length} edges, ${people} people × ${callsPerEdge} calls at once at each edge, ${expiries} times`,
    `  ${numbers.refreshes} renewals for ${ended} tokens that ended: ${numbers.refreshesPerExpiry.toFixed(3)} each; ${failed} of ${calls} calls failed`,
  ];
  return { numbers, lines };
}
