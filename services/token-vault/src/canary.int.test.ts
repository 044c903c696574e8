import { BUCKETS, DEFAULT_TENANT } from '@switchyard/contracts';
import { createLogger } from '@switchyard/telemetry';
import { eventually, startNats, tempDir } from '@switchyard/testing';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { Writable } from 'node:stream';
import { startVault, type VaultRig } from './vault.fixture.js';

/**
 * Everything that a client of NATS can see, as raw bytes: spoken by hand, so that no client library decides what to show.
 * Listening to every inbox keeps pull requests alive that nobody waits for any more, so consumers may miss messages for a while.
 */
async function tapNats(url: string): Promise<{ seen(): Buffer; close(): void }> {
  const chunks: Buffer[] = [];
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    if (chunk.includes('PING\r\n')) socket.write('PONG\r\n');
  });
  socket.write('CONNECT {"verbose":false,"headers":true}\r\nSUB > 1\r\nPING\r\n');
  await eventually(() => Buffer.concat(chunks).includes('PONG\r\n'));
  return { seen: () => Buffer.concat(chunks), close: () => socket.destroy() };
}

function captureLog() {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  return { log: createLogger({ service: 'token-vault', level: 'debug', destination }), text: () => lines.join('') };
}

async function filesUnder(dir: string): Promise<Buffer[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  return Promise.all(files.map((file) => readFile(file)));
}

async function storedRecords({ platform }: VaultRig): Promise<Buffer[]> {
  const buckets = await Promise.all(
    [BUCKETS.credentials, BUCKETS.secrets].map((name) => platform.state.bucket(name, DEFAULT_TENANT)),
  );
  const entries = await Promise.all(buckets.map(async (kv) => Promise.all((await kv.keys()).map((key) => kv.get(key)))));
  return entries.flat().map((entry) => Buffer.from(entry?.value ?? []));
}

/** A secret as it stands, and as it would stand where somebody encoded it. The encodings overlap whole groups of bytes. */
function formsOf(canary: string): string[] {
  const bytes = Buffer.from(canary);
  const middles = [0, 1, 2].map((shift) => bytes.subarray(shift, shift + 3 * Math.floor((bytes.length - shift) / 3)));
  return [canary, bytes.toString('hex'), ...middles.flatMap((part) => [part.toString('base64'), part.toString('base64url')])];
}

const hits = (canaries: readonly string[], bytes: Buffer) => canaries.flatMap(formsOf).filter((form) => bytes.includes(form));
const newCanary = (name: string) => `canary-${name}-${randomBytes(18).toString('hex')}`;

describe('V4 a planted secret', () => {
  it('is nowhere but in the lease that the edge opens', async () => {
    await using nats = await startNats();
    await using dir = await tempDir();
    const env = newCanary('env');
    const [file, first, second, refused] = [newCanary('file'), newCanary('first'), newCanary('second'), newCanary('refused')];
    await writeFile(path.join(dir.path, 'canary-file'), file);
    const log = captureLog();
    const tap = await tapNats(nats.url);
    const answers: string[] = [];
    const rig = await startVault({
      natsUrl: nats.url,
      dir: dir.path,
      env: { CANARY: env, BROKEN: `${refused}\n${refused}` },
      log: log.log,
    });
    const call = async (...args: Parameters<VaultRig['api']>) => {
      const response = await rig.api(...args);
      answers.push(JSON.stringify([...response.headers]), await response.text());
    };

    await call('PUT', '/api/v1/secrets/canary', { value: first });
    const headers = { 'X-Env': '${env:CANARY}', 'X-File': '${file:canary-file}', 'X-Secret': 'Bearer ${secret:canary}' };
    const applied = await rig.apply([
      { upstream: 'billing', headers },
      { upstream: 'files', env: { TOKEN: '${secret:canary}' } },
    ]);
    expect(await rig.leased('billing')).toMatchObject({
      headers: { 'X-Env': env, 'X-File': file, 'X-Secret': `Bearer ${first}` },
    });
    await call('PUT', '/api/v1/secrets/canary', { value: second });
    expect(await rig.leased('files')).toMatchObject({ env: { TOKEN: second } });
    // Every way in which it can go wrong with a secret in hand.
    await call('PUT', '/api/v1/secrets/canary', { value: refused, note: refused });
    await call('PUT', '/api/v1/secrets/canary', { value: refused.repeat(2000) });
    await call('PUT', `/api/v1/secrets/.${refused}`, { value: refused });
    await call('PUT', '/api/v1/secrets/canary', { value: refused }, rig.keys.auditor);
    const rejected = await rig.apply([{ upstream: 'billing', headers: { 'X-Broken': '${env:BROKEN}' } }]);
    expect(rejected.problems).toHaveLength(1);
    const credentials = await rig.platform.state.bucket(BUCKETS.credentials, DEFAULT_TENANT);
    await credentials.put('files', (await credentials.get('billing'))?.value ?? new Uint8Array());
    const damaged = await rig.lease('files');
    await call('GET', '/api/v1/secrets');
    await call('DELETE', '/api/v1/secrets/canary');
    const incomplete = await rig.lease('billing');
    await rig.lease('billing', { recipientJwk: '{}' }).catch((error: unknown) => answers.push(String(error)));
    await eventually(() => rig.platform.audit.depthBytes() === 0);

    const places: Record<string, Buffer[]> = {
      'bus traffic': [tap.seen()],
      'stored records': await storedRecords(rig),
      'spool and other files': await filesUnder(
        path.join(dir.path, (await readdir(dir.path)).find((name) => name.startsWith('spool')) ?? ''),
      ),
      log: [Buffer.from(log.text())],
      metrics: [Buffer.from(await rig.platform.telemetry.metricsText())],
      'answers of the API': answers.map((answer) => Buffer.from(answer)),
      'answers of RPC': [
        Buffer.from(
          JSON.stringify([applied, rejected, damaged, incomplete], (_key, value: unknown) =>
            typeof value === 'bigint' ? String(value) : value,
          ),
        ),
      ],
    };
    const canaries = [env, file, first, second];
    const found = Object.entries(places).map(([name, parts]) => [name, hits(canaries, Buffer.concat(parts))]);
    // The body of a PUT never crosses the bus, so the refused one has no business there either.
    const refusedFound = hits(
      [refused],
      Buffer.concat([tap.seen(), ...(places['log'] ?? []), ...(places['stored records'] ?? [])]),
    );
    await rig[Symbol.asyncDispose]();
    tap.close();

    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(Object.keys(places).map((name) => [name, []])));
    expect(refusedFound).toEqual([]);
    // The places were looked at for real.
    expect(tap.seen().includes('switchyard.rpc.vault.v1.VaultService.LeaseCredential')).toBe(true);
    expect(tap.seen().includes('connection.leased')).toBe(true);
    expect(places['stored records']?.length).toBeGreaterThan(0);
    expect(log.text()).toContain('a secret was changed');
    for (const [name, parts] of Object.entries(places)) expect([name, Buffer.concat(parts).length > 0]).toEqual([name, true]);
  });

  it('would be found by this search in any of its forms', () => {
    const canary = newCanary('control');
    const bytes = Buffer.from(`xx${canary}yy`);
    expect(hits([canary], bytes)).toContain(canary);
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      expect(hits([canary], Buffer.from(bytes.toString(encoding)))).not.toEqual([]);
    }
  });
});
