import { eventually } from '@switchyard/testing';
import path from 'node:path';
import { configText, workplace } from './cli.fixture.js';

const sinks = { file: { type: 'file', path: 'events.jsonl' } };

describe('audit rebuild', () => {
  it('RB-7 stores what the stream of a gateway holds, shows how far it is, and changes nothing that is there', async () => {
    await using place = await workplace();
    const file = path.join(place.dir, 'events.jsonl');
    const config = { sinks: { file: { ...sinks.file, path: file } } };
    await place.write('switchyard.yaml', `${configText(place.port)}audit: ${JSON.stringify(config)}\n`);
    await place.up();
    expect((await place.run(['call', 'demo', 'echo', '{"message":"hi"}'])).code).toBe(0);
    const queried = () => place.run(['audit', 'query', '--type', 'tool.called']);
    await eventually(async () => expect((await queried()).out).toContain('echo'));
    const before = (await queried()).out;

    const rebuilt = await place.run(['audit', 'rebuild', '--partial']);
    expect([rebuilt.code, rebuilt.out]).toEqual([0, expect.stringMatching(/^[1-9]\d* events and \d+ checkpoints were stored from the stream\.\n$/)]); // prettier-ignore
    expect(rebuilt.err).toMatch(/^100 %: [1-9]\d* events, batch (\d+) of \1$/m);
    expect((await queried()).out).toBe(before);
    expect((await place.run(['audit', 'rebuild', '--partial', '--no-wait'])).out).toMatch(/^[0-9a-f-]{36}\n$/);
  }, 300_000);

  it('RB-8 refuses where there is no stream, and says what to do', async () => {
    await using place = await workplace();
    await place.write('switchyard.yaml', configText(place.port));
    await place.up();
    const refused = await place.run(['audit', 'rebuild']);
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringContaining('keeps its stream only while audit.sinks has a sink'),
    ]);
  }, 300_000);
});
