import { clickhouseUrl, eventually, startClickHouse } from '@switchyard/testing';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { engineContract } from './engine.contract.js';
import { ENGINES } from './engines.fixture.js';
import { HttpEngine } from './http-engine.js';

for (const [name, open] of ENGINES) engineContract(name, open);

describe('ClickHouse over HTTP', () => {
  it('is an EngineError without a code while it is down, and goes on when it is back', async () => {
    await using server = await startClickHouse();
    const engine = await HttpEngine.open({ url: server.url, user: 'default', database: 'events' });
    await engine.command('CREATE TABLE t (id String) ENGINE = MergeTree ORDER BY id');
    await server.kill();
    expect(await engine.ready()).toBe(false);
    await expect(engine.query('SELECT 1')).rejects.toMatchObject({ name: 'EngineError', code: undefined });
    await expect(engine.insertLines('t', Buffer.from('{"id":"a"}\n'), 'x')).rejects.toMatchObject({ code: undefined });
    await server.restart();
    await eventually(() => engine.ready());
    expect(await engine.insertLines('t', Buffer.from('{"id":"a"}\n'), 'x')).toBe(1);
    await engine.close();
  });

  it('is not ready while the server hangs', async () => {
    const connections: Socket[] = [];
    const silent = createServer((socket) => connections.push(socket)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const engine = HttpEngine.connect({ url: `http://127.0.0.1:${port}`, user: 'default', database: 'x' });
    expect(await engine.ready()).toBe(false);
    connections.forEach((socket) => socket.destroy());
    silent.close();
    await engine.close();
  });

  it('refuses to open with a wrong password', async () => {
    const open = HttpEngine.open({ url: clickhouseUrl(), user: 'nobody', database: 'x' });
    await expect(open).rejects.toMatchObject({ name: 'EngineError', code: 516 });
  });
});
