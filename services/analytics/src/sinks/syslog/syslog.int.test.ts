import { CERTIFICATE, CLIENT_CERTIFICATES, eventually } from '@switchyard/testing';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import { startRsyslog, type Rsyslog, type SyslogLine } from '../fakes/rsyslog.fixture.js';
import { HOSTILE } from '../mappings/sample-events.fixture.js';
import { openSinksBench, type BenchProfile, type SinksBench } from '../sinks.fixture.js';

const idOf = ({ host, procid, sd }: SyslogLine) => `${host}/${procid}/${/sequenceId="(\d+)"/.exec(sd)?.[1] ?? ''}`;
const once = (ids: readonly string[]) => [...new Set(ids)];

let bench: SinksBench;
afterEach(() => bench[Symbol.asyncDispose]());

const open = async (profile: BenchProfile = 'embedded', isFast = true) => (bench = await openSinksBench(profile, { isFast }));
const configure = async (settings: Readonly<Record<string, unknown>>, secrets: Readonly<Record<string, string>> = {}) => {
  await bench.configure({ siem: { type: 'syslog', ...settings } }, { siem: secrets });
  await eventually(() => expect(bench.sinks.statuses()[0]?.state).toBe('ok'));
};
const stored = (rsyslog: Rsyslog, ids: readonly string[]) =>
  eventually(() => expect(once(rsyslog.lines().map(idOf))).toEqual(ids));
const failing = (reason: string) =>
  eventually(() => expect(bench.sinks.statuses()[0]).toMatchObject({ state: 'failing', reason }));

describe('sink syslog on rsyslog', () => {
  it.each([
    ['SY20 over TLS', true],
    ['SY21 in clear text, where that is configured', false],
  ])('%s: every event once, in order, with its id and its fields', async (_id, tls) => {
    await open();
    await using rsyslog = await startRsyslog({ tls });
    await configure(rsyslog.settings);
    const ids = [
      ...(await bench.publish('edge-1', 1, 20)),
      ...(await bench.publish('edge-1', 21, 5, { type: 'auth.rejected', outcome: 'denied' })),
    ];
    await stored(rsyslog, ids);
    const lines = rsyslog.lines();
    expect(lines).toHaveLength(ids.length);
    expect(lines[0]).toMatchObject({ pri: '110', host: 'edge-1', app: 'switchyard', procid: '1000', msgid: 'tool.called' });
    expect(lines[24]).toMatchObject({ pri: '84', msgid: 'auth.rejected' });
    expect(lines.map(({ msg }) => (JSON.parse(msg) as { event_id: string }).event_id)).toEqual(ids);
    await eventually(() => expect(bench.sinks.statuses()[0]).toMatchObject({ backlog: 0, delivered: ids.length }));
  });

  it.each(['embedded', 'NATS'] as const)(
    'SY22 %s: the receiver is restarted in the middle, again and again: no gap, no reorder',
    async (profile) => {
      await open(profile, false);
      await using rsyslog = await startRsyslog();
      await configure(rsyslog.settings);
      const ids: string[] = [];
      for (let round = 0; round < 6; round += 1) {
        ids.push(...(await bench.publish('edge-1', 1 + round * 200, 200)));
        // Neither what is being sent nor what comes while it is away waits for it.
        if (round % 2 === 0) await rsyslog.stop();
        else await rsyslog.start();
      }
      await stored(rsyslog, ids);
      expect(bench.deadLetters).toEqual([]);
      expect(bench.sinks.statuses()[0]).toMatchObject({ dropped: 0 });
    },
    60_000,
  );

  it('SY23 shows its certificate to a server that takes nobody without', async () => {
    await open();
    await using rsyslog = await startRsyslog({ wantsCertificate: true });
    await configure(rsyslog.settings);
    const first = await bench.publish('edge-1', 1, 3);
    await eventually(() => expect(bench.sinks.statuses()[0]).toMatchObject({ state: 'failing', delivered: 0 }));
    expect(rsyslog.lines()).toEqual([]);
    const { certificate, key } = CLIENT_CERTIFICATES.finance;
    await configure({ ...rsyslog.settings, certificate, key: '${env:KEY}' }, { '/key': key });
    await stored(rsyslog, first);
  });

  it.each([
    ['SY24 another name than the certificate is for', { serverName: 'logs.example.com' }, 'tls_err_tls_cert_altname_invalid'],
    [
      'SY25 a certificate that is not trusted',
      { ca: CLIENT_CERTIFICATES.finance.certificate },
      'tls_depth_zero_self_signed_cert',
    ],
  ])('%s: nothing is sent', async (_id, wrong, reason) => {
    await open();
    await using rsyslog = await startRsyslog();
    await configure({ ...rsyslog.settings, ...wrong });
    const ids = await bench.publish('edge-1', 1, 3);
    await failing(reason);
    expect(rsyslog.lines()).toEqual([]);
    await configure(rsyslog.settings);
    await stored(rsyslog, ids);
  });

  it('D5-6 hostile text is one message, as it was', async () => {
    await open();
    await using rsyslog = await startRsyslog();
    await configure({ ...rsyslog.settings, mapping: 'cef', enterpriseId: '51000' });
    const ids = await bench.publish('edge-1', 1, 3, {
      capability: HOSTILE,
      principal_name: HOSTILE,
      type: HOSTILE,
    });
    await stored(rsyslog, ids);
    expect(rsyslog.lines()).toHaveLength(3);
    expect(rsyslog.lines()[0]?.msg).toMatch(/^\ufeff?CEF:0\|Switchyard\|Switchyard\|1\|a /);
  });

  it('SY26 a longer message than may be is a dead letter; what stands around it arrives', async () => {
    await open();
    await using rsyslog = await startRsyslog();
    await configure({ ...rsyslog.settings, messageBytes: 2_048 });
    const [first = '', ...more] = await bench.publish('edge-1', 1, 1);
    // Within the limit as it is, and beyond it with what stands around it.
    const tooLong = await bench.publish('edge-1', 2, 1, { capability: 'x'.repeat(1_850) });
    const last = await bench.publish('edge-1', 3, 1, { capability: 'x'.repeat(1_500) });
    await stored(rsyslog, [first, ...more, ...last]);
    await eventually(() =>
      expect(bench.deadLetters.map(({ event_id: id, reason }) => [id, reason])).toEqual([
        [tooLong[0], 'too_long: more than 2048 bytes'],
      ]),
    );
  });
});

/** A server of TLS whose connections a function has, and the first bytes that came on them. */
async function startServer(
  onConnection: (socket: Socket) => void,
  tls = true,
): Promise<{ readonly server: Server; readonly port: number } & AsyncDisposable> {
  const server = tls
    ? createTlsServer({ ...CERTIFICATE, allowHalfOpen: true }, onConnection)
    : createTcpServer({ allowHalfOpen: true }, onConnection);
  server.on('tlsClientError', () => undefined);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    server,
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Counts the messages of a connection, by the length before each. */
function messagesOf(bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at < bytes.length; count += 1) {
    const space = bytes.indexOf(0x20, at);
    at = space + 1 + Number(bytes.subarray(at, space).toString());
  }
  return count;
}

/** As a server does that is stopped: it says that it ends, and closes. */
const closeUnread = (socket: Socket) => void socket.pause().end(() => socket.destroy());

const UNREAD_BEHIND_BYTES = 300_000;

/** TLS that ends properly while the connection below it is reset: OpenSSL's shutdown and the system's close, as a server does them. */
function resetBehindCloseNotify(socket: Socket): TLSSocket {
  const below = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, done),
    final: (done) => done(),
  });
  const tls = new TLSSocket(below, { ...CERTIFICATE, isServer: true });
  let bytes = 0;
  socket.on('data', (chunk) => {
    bytes += chunk.length;
    if (bytes < UNREAD_BEHIND_BYTES) return void below.push(chunk);
    socket.pause();
    return void tls.end(() => socket.resetAndDestroy());
  });
  return tls;
}

describe('sink syslog on servers that do not take everything', () => {
  it.each<[id: string, tls: boolean, refuse: (socket: Socket) => void]>([
    ['SY30 it resets the connection', true, (socket) => socket.once('data', () => socket.destroy())],
    ['SY31 it says that it closes, with bytes unread', true, (socket) => socket.once('data', () => closeUnread(socket))],
    ['SY32 it closes at once', true, closeUnread],
    ['SY33 it resets the connection, in clear text', false, (socket) => socket.once('data', () => socket.resetAndDestroy())],
    ['SY34 it closes at once, in clear text', false, closeUnread],
  ])('%s: what it had not read is sent again', async (_id, tls, refuse) => {
    await open();
    let refusals = 3;
    let taken = 0;
    await using server = await startServer((socket) => {
      socket.on('error', () => undefined);
      if (refusals > 0) {
        refusals -= 1;
        return refuse(socket);
      }
      const chunks: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.on('end', () => {
        taken += messagesOf(Buffer.concat(chunks));
        socket.end();
      });
    }, tls);
    const detail = { pad: 'x'.repeat(6_000) };
    await configure({ host: 'localhost', port: server.port, ...(tls ? { ca: CERTIFICATE.cert } : { tls }) });
    await bench.publish('edge-1', 1, 100, { detail });
    await eventually(() => expect(taken).toBeGreaterThanOrEqual(100));
    await eventually(() => expect(bench.sinks.statuses()[0]).toMatchObject({ state: 'ok', delivered: 100 }));
    expect(refusals).toBe(0);
  });

  it('SY37 it says close_notify and closes with bytes unread: what TLS says of the end does not count, the reset does', async () => {
    await open();
    let refusals = 3;
    let taken = 0;
    await using server = await startServer((socket) => {
      socket.on('error', () => undefined);
      const isRefused = refusals-- > 0;
      const chunks: Buffer[] = [];
      const tls = isRefused ? resetBehindCloseNotify(socket) : new TLSSocket(socket, { ...CERTIFICATE, isServer: true });
      tls.on('error', () => undefined).on('data', (chunk: Buffer) => chunks.push(chunk));
      tls.on('end', () => {
        taken += messagesOf(Buffer.concat(chunks));
        tls.end();
      });
    }, false);
    await configure({ host: 'localhost', port: server.port, ca: CERTIFICATE.cert });
    await bench.publish('edge-1', 1, 100, { detail: { pad: 'x'.repeat(6_000) } });
    await eventually(() => expect(bench.sinks.statuses()[0]).toMatchObject({ state: 'ok', delivered: 100 }));
    expect([taken >= 100, refusals < 0]).toEqual([true, true]);
  });

  it('SY35 it never closes: nothing counts, unless that is configured', async () => {
    await open();
    await using server = await startServer((socket) => void socket.resume().on('error', () => undefined));
    const settings = { host: 'localhost', port: server.port, ca: CERTIFICATE.cert, timeoutMs: 1_000 };
    await configure(settings);
    await bench.publish('edge-1', 1, 2);
    await failing('not_confirmed');
    expect(bench.sinks.statuses()[0]?.delivered).toBe(0);
    await configure({ ...settings, confirm: false });
    await eventually(() => expect(bench.sinks.statuses()[0]).toMatchObject({ state: 'ok', delivered: 2 }));
  });

  it('SY36 an address that may not be reached is not', async () => {
    await open();
    let connections = 0;
    await using server = await startServer(() => void (connections += 1), false);
    const siem = { type: 'syslog', host: '127.0.0.1', port: server.port, tls: false };
    await bench.configure({ siem }, {}, 'https://gateway.example.com');
    await eventually(() => expect(bench.sinks.statuses()[0]?.state).toBe('ok'));
    await bench.publish('edge-1', 1, 1);
    await failing('address_not_allowed');
    expect(connections).toBe(0);
    await bench.configure({ siem: { ...siem, host: 'localhost' } }, {}, 'https://gateway.example.com');
    await failing('address_not_allowed');
    expect(connections).toBe(0);
  });
});
