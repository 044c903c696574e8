import type { EventJson } from '@switchyard/contracts';
import { eventually } from '@switchyard/testing';
import { existsSync, readFileSync } from 'node:fs';
import { startDatadog } from './fakes/datadog.fixture.js';
import { startElastic } from './fakes/elastic.fixture.js';
import type { FakeProduct } from './fakes/fake-product.fixture.js';
import { startFolder } from './fakes/file.fixture.js';
import { startRsyslog } from './fakes/rsyslog.fixture.js';
import { startSentinel } from './fakes/sentinel.fixture.js';
import { startSplunk } from './fakes/splunk.fixture.js';
import { startWebhook } from './fakes/webhook.fixture.js';
import { MAPPINGS } from './mappings.js';
import { HOSTILE } from './mappings/sample-events.fixture.js';
import { toldEvent } from './mappings/told-event.js';
import { openSinksBench } from './sinks.fixture.js';

type Json = Readonly<Record<string, unknown>>;

/** A receiver, and the events in it as it was told them: a text, or an object. */
interface Receiver extends AsyncDisposable {
  readonly settings: Json;
  readonly secrets: Readonly<Record<string, string>>;
  told(): readonly unknown[];
}

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '');

/** @param eventsOf a request that carries events */
const over =
  (start: () => Promise<FakeProduct>, eventsOf: (body: string) => readonly unknown[]) => async (): Promise<Receiver> => {
    const fake = await start();
    const told: unknown[] = [];
    fake.fault = ({ body, path }) => void (/ack$|token$/.test(path) || told.push(...eventsOf(body)));
    return Object.assign(fake, { told: () => told });
  };

const fileOf = async (): Promise<Receiver> => {
  const folder = await startFolder();
  return Object.assign(folder, { told: () => (existsSync(folder.file) ? linesOf(readFileSync(folder.file, 'utf8')) : []) });
};

const RECEIVERS: Readonly<Record<string, () => Promise<Receiver>>> = {
  file: fileOf,
  webhook: over(startWebhook, (body) => (JSON.parse(body) as { data: unknown[] }).data),
  'splunk-hec': over(startSplunk, (body) => linesOf(body).map((line) => (JSON.parse(line) as { event: unknown }).event)),
  elastic: over(startElastic, (body) => linesOf(body).filter((_line, index) => index % 2 === 1)),
  datadog: over(startDatadog, (body) => (JSON.parse(body) as { event: unknown }[]).map(({ event }) => event)),
  sentinel: over(startSentinel, (body) => (JSON.parse(body) as { Event: unknown }[]).map(({ Event }) => Event)),
  syslog: async () => {
    const rsyslog = await startRsyslog();
    return Object.assign(rsyslog, { secrets: {}, told: () => rsyslog.lines().map(({ msg }) => msg) });
  },
};

const objectOf = (told: unknown) => (typeof told === 'string' ? JSON.parse(told) : told) as Json;

describe.each(Object.keys(RECEIVERS))('mappings over %s', (type) => {
  const mappings = ['elastic', 'datadog', 'sentinel'].includes(type)
    ? (['ocsf', 'ecs'] as const)
    : (['ocsf', 'ecs', 'cef'] as const);

  it.each(mappings)('%s: what passes the filter arrives in its words, and nothing else', async (mapping) => {
    await using bench = await openSinksBench('embedded', { isFast: true });
    await using all = await fileOf();
    await using receiver = await (RECEIVERS[type] as () => Promise<Receiver>)();
    const filter = { types: ['auth.*', 'policy.denied'], outcomes: ['denied'], teams: ['ops'] };
    const sinks = { all: { type: 'file', ...all.settings }, siem: { type, mapping, filter, ...receiver.settings } };
    await bench.configure(sinks, { siem: receiver.secrets });
    await eventually(() => expect(bench.sinks.statuses().filter(({ state }) => state === 'ok')).toHaveLength(2));
    const denied = { outcome: 'denied', teams: ['ops'], capability: HOSTILE.replaceAll('\0', '') };
    const wanted = [
      ...(await bench.publish('edge-1', 1, 2, { ...denied, type: 'auth.rejected' })),
      ...(await bench.publish('edge-1', 3, 1, { ...denied, type: 'policy.denied' })),
    ];
    await bench.publish('edge-1', 4, 1, { ...denied, type: 'tool.called' });
    await bench.publish('edge-1', 5, 1, { ...denied, type: 'auth.rejected', teams: ['finance'] });
    await bench.publish('edge-1', 6, 1, { ...denied, type: 'auth.rejected', outcome: 'error' });
    wanted.push(...(await bench.publish('edge-1', 7, 1, { ...denied, type: 'auth.rejected' })));
    await eventually(() => expect([receiver.told().length, all.told().length]).toEqual([wanted.length, 7]));

    const lines = (all.told() as readonly string[]).map((line) => [JSON.parse(line) as EventJson, line] as const);
    const expected = lines
      .filter(([{ event_id: id = '' }]) => wanted.includes(id))
      .map(([event, line]) => MAPPINGS[mapping].map(toldEvent(event), line));
    expect(expected).toHaveLength(wanted.length);
    if (mapping === 'cef') return expect(receiver.told().map((text) => String(text).replace(/^\ufeff/, ''))).toEqual(expected);
    const time = type === 'elastic' ? { '@timestamp': expect.any(String) as string } : {};
    return expect(receiver.told().map(objectOf)).toEqual(expected.map((text) => ({ ...time, ...objectOf(text) })));
  });
});
