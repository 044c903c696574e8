import { eventually } from '@switchyard/testing';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { configText, workplace } from './cli.fixture.js';

/** Slack's incoming webhook, as far as it is seen from outside. */
async function startSlack() {
  const taken: string[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      taken.push(body);
      response.end('ok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/T0/B0/x`,
    taken,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

describe('alerts of a switchyard.yaml', () => {
  it('AL86 are told of denials, shown, silenced, and recorded', async () => {
    await using slack = await startSlack();
    await using place = await workplace();
    await place.write('slack.url', `${slack.url}\n`);
    const alerts = {
      channels: { chat: { type: 'slack', url: '${file:slack.url}' } },
      rules: { denials: { kind: 'denial-burst', count: 3 }, trail: { kind: 'pipeline' } },
    };
    await place.write('switchyard.yaml', `${configText(place.port)}audit: ${JSON.stringify({ alerts })}\n`);
    await place.up();
    const shown = async () => (await place.run(['audit', 'alerts'])).out;
    await eventually(async () => expect(await shown()).toMatch(/denials +denial-burst +ok/), { timeoutMs: 30_000 });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const headers = { authorization: 'Bearer sy_none_none', 'content-type': 'application/json' };
      const answer = await fetch(`http://127.0.0.1:${place.port}/mcp/demo`, { method: 'POST', headers, body: '{}' });
      expect(answer.status).toBe(401);
    }
    await eventually(() => expect(slack.taken.join('')).toContain('somebody who is not known was denied 3 times'), {
      timeoutMs: 60_000,
    });
    expect(await shown()).toMatch(/^NAME +KIND +STATE +SINCE +COUNT +SILENCED +TOLD +WHAT$/m);
    expect(await shown()).toMatch(/^denials +denial-burst +firing +\S+ +1 +chat +somebody who is not known/m);

    const silenced = await place.run(['audit', 'silence', 'denials', '--for', '2h', '--reason', 'a test']);
    expect([silenced.code, silenced.out]).toEqual([0, expect.stringMatching(/^Nobody is told of denials until \S+Z\.\n$/)]);
    expect(await shown()).toMatch(/^denials +denial-burst +firing +\S+ +1 +\d{4}-\S+ +chat/m);
    const again = await place.run(['audit', 'silence', 'denials', '--for', '0']);
    expect([again.code, again.out]).toEqual([0, 'denials is told again.\n']);
    const unknown = await place.run(['audit', 'silence', 'no', '--for', '2h']);
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('There is no alert no')]);
    const never = await place.run(['audit', 'silence', 'denials', '--for', 'ever']);
    expect([never.code, never.err]).toEqual([2, expect.stringContaining('Give 30m, 6h, 2d, or 0.')]);
    await eventually(async () => {
      const { out } = await place.run(['audit', 'query', '--limit', '50', '--json']);
      for (const type of ['alert.fired', 'alert.silenced']) expect(out).toContain(`"type":"${type}"`);
      expect(out).toContain('"because":"a test"');
    });
  }, 300_000);
});
