import { CERTIFICATE, CLIENT_CERTIFICATES, eventually, tempDir } from '@switchyard/testing';
import { ConfigError } from '@switchyard/runtime';
import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import { connect as tcpConnect } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { requireTlsFiles } from './http/tls-files.js';

const { finance, ops } = CLIENT_CERTIFICATES;
const HEALTH = 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n';

const undo = new AsyncDisposableStack();
let folder: string;

beforeAll(async () => {
  folder = undo.use(await tempDir()).path;
});
afterAll(() => undo.disposeAsync());

/** Replaces files as tools for certificates do: whole. */
async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await writeFile(`${folder}/${name}.new`, text);
    await rename(`${folder}/${name}.new`, `${folder}/${name}`);
  }
}

const TLS = { certificate: 'tls.crt', key: 'tls.key', minVersion: 'TLSv1.2' } as const;
type Tls = NonNullable<Parameters<typeof startTestEdge>[0]>['tls'];
const start = (tls: Tls = TLS) => startTestEdge({ tls, file: `${folder}/edge.yaml` });

async function secure(port: number | undefined, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: 'localhost', port: port ?? 0, servername: 'localhost', rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

async function ask(socket: TLSSocket): Promise<string> {
  socket.write(HEALTH);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.toString().split('\r\n', 1)[0] ?? '';
}

const nameOf = (socket: TLSSocket) => socket.getPeerX509Certificate()?.subject;

describe('the public listener speaks TLS', () => {
  let edge: TestEdge;
  beforeAll(async () => {
    await write({ 'tls.crt': CERTIFICATE.cert, 'tls.key': CERTIFICATE.key, 'edge.yaml': 'tls: {}\n' });
    edge = undo.use(await start());
  });

  it('TLS1: answers over TLS 1.2 and 1.3, HTTP/1.1 alone, and asks nobody for a certificate', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await secure(edge.ports[0], { minVersion: version, maxVersion: version, ALPNProtocols: ['h2', 'http/1.1'] });
      expect([await ask(socket), socket.getProtocol(), socket.alpnProtocol]).toEqual(['HTTP/1.1 200 OK', version, 'http/1.1']);
      expect(edge.url).toMatch(/^https:/);
      socket.destroy();
    }
  });

  it('TLS2: older versions, and what is no TLS, get no answer', async () => {
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(secure(edge.ports[0], old)).rejects.toThrow();
    const plain = tcpConnect(edge.ports[0] ?? 0, 'localhost', () => plain.write(HEALTH));
    let text = '';
    plain.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    plain.on('error', () => undefined);
    await once(plain, 'close');
    expect(text).not.toContain('HTTP');
  });

  it('TLS3: new files are used for new connections; those that stand go on, and files that cannot be used change nothing', async () => {
    const standing = await secure(edge.ports[0]);
    expect(nameOf(standing)).toBe('CN=localhost');
    await write({ 'tls.crt': ops.certificate, 'tls.key': ops.key });
    const served = async () => {
      const socket = await secure(edge.ports[0]);
      const name = nameOf(socket);
      socket.destroy();
      return name;
    };
    await eventually(async () => (await served()) === 'CN=gateway-ops');
    expect(await ask(standing)).toBe('HTTP/1.1 200 OK');
    standing.destroy();
    await write({ 'tls.crt': 'nonsense' });
    await eventually(() => edge.logged().includes('cannot be used; the last good ones go on'));
    expect(await served()).toBe('CN=gateway-ops');
    await write({ 'tls.crt': CERTIFICATE.cert, 'tls.key': CERTIFICATE.key });
    await eventually(async () => (await served()) === 'CN=localhost');
  });

  it('TLS4: closes with connections that were opened ahead of need, or never say anything', async () => {
    const own = await start();
    const idle = await secure(own.ports[0]);
    const silent = tcpConnect(own.ports[0] ?? 0, 'localhost');
    await once(silent, 'connect');
    for (const socket of [idle, silent]) socket.on('error', () => undefined);
    const closed = Promise.all([once(idle, 'close'), once(silent, 'close')]);
    await own[Symbol.asyncDispose]();
    await closed;
  });
});

describe('what TLS cannot be spoken with is refused at the start', () => {
  const asking = { ...TLS, clientCertificates: { authorities: 'ca.crt' } };
  const whole = { 'tls.crt': CERTIFICATE.cert, 'tls.key': CERTIFICATE.key, 'ca.crt': finance.certificate };
  it.each<[id: string, tls: Tls, files: Readonly<Record<string, string>>, message: RegExp]>([
    [
      'TR1 no certificate',
      { ...TLS, certificate: 'absent.crt' },
      {},
      /:2:16: tls\.certificate: .*absent\.crt cannot be read \(ENOENT\)\. Create it/,
    ],
    ['TR2 no key', { ...TLS, key: 'absent.key' }, {}, /:3:8: tls\.key: .*cannot be read \(ENOENT\)/],
    ['TR3 a certificate that is none', TLS, { 'tls.crt': 'x' }, /:2:16: tls\.certificate: holds no certificate\. Give it as PEM/],
    ['TR4 a key that is none', TLS, { 'tls.key': 'x' }, /:3:8: tls\.key: holds no private key that can be read/],
    ['TR5 the key of another', TLS, { 'tls.key': ops.key }, /tls\.key: is not the key of the certificate/],
    [
      'TR6 authorities that are none',
      asking,
      { 'ca.crt': 'x' },
      /:4:38: tls\.clientCertificates\.authorities: holds no certificate/,
    ],
  ])('%s', async (_id, tls, files, message) => {
    const yaml = `tls:\n  certificate: tls.crt\n  key: tls.key\n  clientCertificates: { authorities: ca.crt }\n`;
    await write({ ...whole, ...files, 'edge.yaml': yaml });
    const refused = await start(tls).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(ConfigError);
    expect(String((refused as Error).message)).toMatch(message);
  });

  it('TR7 http', async () => {
    await write({ ...whole, 'edge.yaml': 'tls: { certificate: tls.crt, key: tls.key }\n' });
    const place = { publicUrl: 'http://localhost:8080', tlsSource: { file: `${folder}/edge.yaml`, path: ['tls'] } };
    const message =
      /edge\.yaml:1:6: tls: has the listener speak TLS, but gateway\.publicUrl begins with http\. Write https there/;
    await expect(requireTlsFiles(TLS, place, Date.now())).rejects.toThrow(message);
  });

  it('TR8 a certificate that is over', async () => {
    await write({ ...whole, 'edge.yaml': 'tls: { certificate: tls.crt, key: tls.key }\n' });
    const place = { publicUrl: 'https://localhost:8080', tlsSource: { file: `${folder}/edge.yaml`, path: ['tls'] } };
    const inTwoHundredYears = Date.now() + 200 * 365 * 86_400_000;
    await expect(requireTlsFiles(TLS, place, inTwoHundredYears)).rejects.toThrow(/tls\.certificate: is over since .* Renew it/);
  });
});
