import dns from 'node:dns';
import { isIPv4, Socket } from 'node:net';
import { Egress, EgressBlocked, NO_FIELDS } from './index.js';

/** How many URLs go through each way out. `fetch` is the slower one by far. */
const SENT = 100_000;
const FETCHED = 10_000;
const AT_A_TIME = 500;
/** Another one for another run: SSRF_SEED=7. */
const SEED = Number(process.env['SSRF_SEED'] ?? 1);

/**
 * Networks that are for special purposes (RFC 6890 and its registries), written down anew: not the guard's own list. Each is its first
 * address, or the parts of it that say which network it is, and how many bits that are.
 */
const IPV4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const;
const IPV6 = [
  [[0, 0, 0, 0, 0, 0], 96],
  [[0, 0, 0, 0, 0xffff, 0], 96],
  [[0x64, 0xff9b, 0, 0, 0, 0], 96],
  [[0x64, 0xff9b, 1], 48],
  [[0x100, 0, 0, 0], 64],
  [[0x2001, 0], 32],
  [[0x2001, 0x20], 28],
  [[0x2001, 0xdb8], 32],
  [[0x2002], 16],
  [[0x3fff, 0], 20],
  [[0x5f00], 16],
  [[0xfc00], 7],
  [[0xfe80], 10],
  [[0xfec0], 10],
  [[0xff00], 8],
] as const;

/** Numbers below a limit, the same ones for the same seed (mulberry32). */
function random(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

const below = random(SEED);
const oneOf = <Item>(items: readonly Item[]): Item => items[below(items.length)]!;

function ipv4In([network, bits]: readonly [string, number]): number {
  const first = network.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return first + below(2 ** (32 - bits));
}

const dotted = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff);

/** Ways in which a URL can spell an IPv4 address (WHATWG URL, "IPv4 parser"). */
const IPV4_SPELLINGS: readonly ((value: number) => string)[] = [
  (value) => dotted(value).join('.'),
  (value) => `${dotted(value).join('.')}.`,
  (value) => String(value),
  (value) => `0x${value.toString(16)}`,
  (value) => `0${value.toString(8)}`,
  (value) =>
    dotted(value)
      .map((part) => `0x${part.toString(16).toUpperCase()}`)
      .join('.'),
  (value) =>
    dotted(value)
      .map((part) => `0${part.toString(8)}`)
      .join('.'),
  (value) => `${value >>> 24}.${value & 0xffffff}`,
  (value) => `${value >>> 24}.${(value >>> 16) & 0xff}.${value & 0xffff}`,
  (value) => dotted(value).join('%2e'),
  (value) => dotted(value).join('\u3002'),
  (value) => String(value).replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
  (value) => `[::ffff:${dotted(value).join('.')}]`,
  (value) => `[0:0:0:0:0:FFFF:${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}]`,
  (value) => `[64:ff9b::${dotted(value).join('.')}]`,
  (value) => `[2002:${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}::1]`,
];

function ipv6In([network, bits]: readonly [readonly number[], number]): string {
  const parts = Array.from({ length: 8 }, (_, index) => {
    const own = Math.min(16, Math.max(0, bits - 16 * index));
    return (network[index] ?? 0) + below(2 ** (16 - own));
  });
  return parts.map((part) => part.toString(16)).join(':');
}

const NAMES = ['localhost', 'LOCALHOST.', 'rebind.example', 'internal.corp.example', 'metadata.google.internal'];
const around = (host: string) =>
  `${oneOf(['http', 'https', 'HTTP'])}://${oneOf(['', '', 'user@', 'a.example:x@'])}${host}${oneOf(['', ':80', ':8080', ':443'])}${oneOf(['', '/', '/mcp?x=1', '/latest/meta-data/#a'])}`;

function nextUrl(): URL {
  const kind = below(10);
  if (kind < 6) return new URL(around(oneOf(IPV4_SPELLINGS)(ipv4In(oneOf(IPV4)))));
  return new URL(around(kind < 9 ? `[${ipv6In(oneOf(IPV6))}]` : oneOf(NAMES)));
}

/** What names resolve to here: one blocked address at least, behind as many others as there may be. */
function resolveBlocked(): { address: string; family: number }[] {
  const blocked = below(2) === 0 ? dotted(ipv4In(oneOf(IPV4))).join('.') : ipv6In(oneOf(IPV6));
  const good = Array.from({ length: below(3) }, () => ({ address: `93.184.215.${below(256)}`, family: 4 }));
  return [...good, { address: blocked, family: isIPv4(blocked) ? 4 : 6 }];
}

const attempts: string[] = [];
const { connect } = Socket.prototype;
let egress: Egress;

beforeAll(() => {
  egress = new Egress({ allowed: [], connectTimeoutMs: 60_000 });
  // The kernel is asked for a connection right after this event, and not before it.
  jest.spyOn(Socket.prototype, 'connect').mockImplementation(function (this: Socket, ...args: unknown[]) {
    this.on('connectionAttempt', (ip: string) => attempts.push(ip));
    return Reflect.apply(connect, this, args) as Socket;
  });
  jest.spyOn(dns, 'lookup').mockImplementation(((_name: string, _options: object, done: (...all: unknown[]) => void) => {
    const addresses = resolveBlocked();
    setImmediate(() => done(null, addresses));
  }) as never);
});

afterAll(async () => {
  jest.restoreAllMocks();
  await egress.close();
});

const send = (url: URL) =>
  new Promise<unknown>((resolve) =>
    egress.send(
      { url, method: 'GET', fields: NO_FIELDS, headersTimeoutMs: 1_000, bodyTimeoutMs: 1_000 },
      { start: () => undefined, head: () => resolve('answered'), data: () => undefined, end: () => undefined, fail: resolve },
    ),
  );

// A URL with credentials is refused by `fetch` itself, before anybody is asked.
const fetched = (url: URL) =>
  egress.fetch(url).then(
    () => 'answered',
    (error: unknown) => (url.username === '' ? (error as Error).cause : error),
  );

/** @returns the URLs that were not refused as they should be */
async function notRefused(count: number, go: (url: URL) => Promise<unknown>): Promise<string[]> {
  const passed: string[] = [];
  for (let done = 0; done < count; done += AT_A_TIME) {
    const urls = Array.from({ length: AT_A_TIME }, nextUrl);
    const outcomes = await Promise.all(urls.map(go));
    outcomes.forEach((outcome, index) => {
      const isRefused = outcome instanceof EgressBlocked || (outcome instanceof TypeError && urls[index]!.username !== '');
      if (!isRefused) passed.push(`${urls[index]!.href}: ${String(outcome)}`);
    });
  }
  return passed;
}

describe('URLs that lead to where nothing may be reached', () => {
  it('SSRF-P0 the counting counts: what may be reached is attempted', async () => {
    const open = new Egress({ allowed: ['127.0.0.0/8'], connectTimeoutMs: 1_000 });
    const outcome = await new Promise<unknown>((resolve) =>
      open.send(
        { url: new URL('http://127.0.0.1:1/'), method: 'GET', fields: NO_FIELDS, headersTimeoutMs: 1_000, bodyTimeoutMs: 1_000 },
        { start: () => undefined, head: () => undefined, data: () => undefined, end: () => undefined, fail: resolve },
      ),
    );
    expect(outcome).toMatchObject({ code: 'ECONNREFUSED' });
    expect(attempts.splice(0)).toEqual(['127.0.0.1']);
    await open.close();
  });

  it.each([
    ['SSRF-P1 upstream calls', SENT, send],
    ['SSRF-P2 documents, keys and tokens', FETCHED, fetched],
  ] as const)(
    '%s: none of %d is attempted',
    async (_id, count, go) => {
      expect(await notRefused(count, go)).toEqual([]);
      expect(attempts).toEqual([]);
    },
    120_000,
  );
});
