import { fetchSmall } from './fetch-small.js';
import { json, startDocumentHost, type DocumentHost } from '../fixtures/document-host.fixture.js';

const LOOPBACK = ['127.0.0.0/8', '::1/128'];
const LIMITS = { allowed: LOOPBACK, limitBytes: 100, timeoutMs: 2_000 };

describe('A5: fetching what strangers name', () => {
  let host: DocumentHost;

  beforeAll(async () => {
    host = await startDocumentHost();
  });
  afterAll(() => host.close());

  const at = (path: string) => new URL(path, host.origin);

  it('gets what is small and there', async () => {
    host.paths.set('/good', json({ a: 1 }));
    const answer = await fetchSmall(at('/good'), LIMITS);
    expect(answer).toMatchObject({ status: 200, body: Buffer.from('{"a":1}') });
  });

  it('gives back a redirect as it is', async () => {
    host.paths.set('/moved', (response) => response.writeHead(302, { location: '/good' }).end());
    const before = host.requests.length;
    expect(await fetchSmall(at('/moved'), LIMITS)).toMatchObject({ status: 302 });
    expect(host.requests.slice(before)).toEqual(['/moved']);
  });

  it.each<[string, Parameters<DocumentHost['paths']['set']>[1], string]>([
    [
      'says that it is too large',
      (response) => response.writeHead(200, { 'content-length': 101 }).end('a'.repeat(101)),
      'too_large',
    ],
    ['turns out to be too large', (response) => (response.write('a'.repeat(60)), response.end('a'.repeat(41))), 'too_large'],
    ['closes the connection', (response) => response.destroy(), 'unreachable'],
    [
      'ends early',
      (response) => (response.writeHead(200, { 'content-length': 9 }), response.write('a', () => response.destroy())),
      'unreachable',
    ],
  ])('gives up where a host %s', async (_id, answer, why) => {
    host.paths.set('/bad', answer);
    expect(await fetchSmall(at('/bad'), LIMITS)).toEqual({ failed: why });
  });

  it.each<[string, Parameters<DocumentHost['paths']['set']>[1]]>([
    ['says nothing', () => undefined],
    [
      'says a little again and again',
      (response) => {
        const saying = setInterval(() => response.write('a'), 50);
        response.once('close', () => clearInterval(saying));
      },
    ],
  ])('gives up on a host in time that %s', async (_id, answer) => {
    host.paths.set('/slow', answer);
    expect(await fetchSmall(at('/slow'), { ...LIMITS, limitBytes: 1e6, timeoutMs: 300 })).toEqual({ failed: 'too_slow' });
  });

  it.each([
    ['a name that resolves to a private address', () => at('/good').href],
    ['loopback', () => at('/good').href.replace('localhost', '127.0.0.1')],
    ['loopback in IPv6', () => at('/good').href.replace('localhost', '[::1]')],
    ['IPv4 in IPv6', () => at('/good').href.replace('localhost', '[::ffff:127.0.0.1]')],
    ['metadata of clouds', () => 'https://169.254.169.254/latest/meta-data'],
    ['a private network', () => 'https://10.0.0.1/a'],
  ])('sends nothing to %s', async (_id, url) => {
    const before = host.connections();
    expect(await fetchSmall(new URL(url()), { ...LIMITS, allowed: [] })).toEqual({ failed: 'address_not_allowed' });
    expect(host.connections()).toBe(before);
  });

  it('says so where nobody is there', async () => {
    expect(await fetchSmall(new URL('https://nobody.invalid/a'), LIMITS)).toEqual({ failed: 'unreachable' });
    expect(await fetchSmall(new URL('https://localhost:1/a'), LIMITS)).toEqual({ failed: 'unreachable' });
  });
});
