import { isIPv6 } from 'node:net';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { OidcStore } from '../store/oidc-store.js';

const KIND = 'UserCodeGuesses';
const WRONG_LIMIT = 5;
/** How long codes are not looked at. */
export const LOCKED_SECONDS = 600;
const LOCKED_MS = LOCKED_SECONDS * 1_000;
/** Changes of one counter at the same moment; whoever does not get through so often is one of very many. */
const TRIES = 20;

/** Codes were typed wrong so often that none is looked at for some time. */
export class TooManyGuesses extends errors.OIDCProviderError {
  constructor() {
    super(429, 'too_many_guesses');
    this.error_description = 'too many wrong codes were entered';
  }
}

/**
 * Looks up what somebody typed from their device (RFC 8628 §5.1). After five wrong codes of one person, or of one address where nobody is
 * signed in, none is looked at for ten minutes after the last. A right one takes none of the wrong ones back, or guesses could go on
 * for ever between codes of one's own.
 * @param find looks the code up
 * @throws TooManyGuesses
 */
export async function limitGuesses<T>(
  ctx: KoaContextWithOIDC,
  store: OidcStore,
  find: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const guesser = guesserOf(ctx);
  // Counted as wrong before it is looked at: of many at once, no more than five are.
  if (!(await change(store, guesser, (wrong) => (wrong < WRONG_LIMIT ? wrong + 1 : undefined)))) throw new TooManyGuesses();
  const found = await find();
  if (found !== undefined) await change(store, guesser, (wrong) => Math.max(0, wrong - 1));
  return found;
}

function guesserOf({ oidc, ip }: KoaContextWithOIDC): string {
  const accountId = oidc.session?.accountId;
  return accountId === undefined ? `address ${network(ip)}` : `person ${accountId}`;
}

/** IPv6 hosts have a whole /64 to choose addresses from. */
function network(address: string): string {
  if (!isIPv6(address) || address.includes('.')) return address;
  const [head = '', tail = ''] = address.split('::');
  const groups = [head, tail].map((part) => (part === '' ? [] : part.split(':')));
  const [before = [], after = []] = groups;
  const zeros = address.includes('::') ? Array<string>(8 - before.length - after.length).fill('0') : [];
  return [...before, ...zeros, ...after].slice(0, 4).join(':');
}

/** @param to undefined: it stays as it is @returns whether it was changed */
async function change(store: OidcStore, guesser: string, to: (wrong: number) => number | undefined): Promise<boolean> {
  for (let tried = 0; tried < TRIES; tried += 1) {
    const found = await store.find(KIND, guesser);
    const wrong = to(Number(found?.record['wrong'] ?? 0));
    if (wrong === undefined) return false;
    const isChanged =
      found === undefined
        ? await store.create(KIND, guesser, { wrong }, LOCKED_MS)
        : await store.replace(KIND, guesser, { wrong }, found.revision, LOCKED_MS);
    if (isChanged) return true;
  }
  return false;
}
