import { eventually } from '@switchyard/testing';
import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { configText, workplace } from './cli.fixture.js';

interface Hook extends AsyncDisposable {
  readonly url: string;
  /** Bodies that were signed with the key. */
  readonly signed: string[];
}

const KEY = Buffer.alloc(24, 3);

async function startHook(): Promise<Hook> {
  const signed: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
    request.on('end', () => {
      const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = request.headers;
      const content = `${String(id)}.${String(at)}.${body}`;
      if (signature === `v1,${createHmac('sha256', KEY).update(content).digest('base64')}`) signed.push(body);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    signed,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

describe('sinks of a switchyard.yaml', () => {
  it('get events as calls are made, with a secret that only the vault knows, and again with `audit replay`', async () => {
    await using hook = await startHook();
    await using place = await workplace();
    const file = path.join(place.dir, 'out', 'events.jsonl');
    await place.write('hook.key', `whsec_${KEY.toString('base64')}\n`);
    const sinks = {
      file: { type: 'file', path: file },
      hook: { type: 'webhook', url: hook.url, secret: '${file:hook.key}', filter: { types: ['tool.called'] } },
    };
    await place.write('switchyard.yaml', `${configText(place.port)}audit: ${JSON.stringify({ sinks })}\n`);
    await place.up();
    await eventually(async () => {
      const { out } = await place.run(['audit', 'sinks']);
      expect(out).toMatch(/file +file +ok/);
      expect(out).toMatch(/hook +webhook +ok/);
    });
    expect((await place.run(['call', 'demo', 'echo', '{"message":"hi"}'])).code).toBe(0);
    await eventually(() => expect(hook.signed.join('')).toContain('"type":"tool.called"'));
    await eventually(() => expect(readFileSync(file, 'utf8')).toContain('"type":"tool.called"'));
    const [key] = /whsec_\S+/.exec(await place.read('hook.key')) ?? [''];
    expect(readFileSync(file, 'utf8')).not.toContain(key);

    // a sink reads the stream and a replay reads the database, which may come to know the call a little later
    await eventually(async () => expect((await place.run(['audit', 'query', '--type', 'tool.called'])).out).toContain('echo'));
    const before = readFileSync(file, 'utf8').split('"type":"tool.called"').length;
    const replayed = await place.run(['audit', 'replay', '--sink', 'file', '--from', '1h']);
    expect([replayed.code, replayed.err]).toEqual([0, '']);
    expect(replayed.out).toMatch(/^[1-9]\d* events were sent to file\.\n$/);
    expect(readFileSync(file, 'utf8').split('"type":"tool.called"').length).toBeGreaterThan(before);

    const unknown = await place.run(['audit', 'replay', '--sink', 'no', '--from', '1h']);
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('There is no sink no')]);
    const never = await place.run(['audit', 'replay', '--sink', 'file', '--from', 'never']);
    expect([never.code, never.err]).toEqual([2, expect.stringContaining('Give 15m, 6h, 7d, or a time')]);
    expect(existsSync(path.join(place.dir, '.switchyard', 'SWITCHYARD_EVENTS.sqlite'))).toBe(true);
  }, 300_000);
});
