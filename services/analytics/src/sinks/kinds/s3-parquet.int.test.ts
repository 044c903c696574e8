import type { EventJson } from '@switchyard/contracts';
import { tempDir } from '@switchyard/testing';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EmbeddedEngine } from '../../engine/embedded-engine.js';
import type { SinkItem } from '../sink.js';
import { parquetOf } from './s3-parquet.js';

const EVENTS: readonly EventJson[] = [
  {
    event_id: 'edge-1/1769864399123/1',
    tenant: 'default',
    type: 'tool.called',
    occurred_at: '2026-01-31T12:59:59.123Z',
    emitter: 'edge-1',
    epoch: '1769864399123',
    sequence: '1',
    capability: 'a\nb"c\u2028=cmd() ä \u{1f600}',
    outcome: 'denied',
    rpc_code: -32_602,
    http_status: 403,
    duration_us: 4_294_967_295,
    teams: ['finance', 'ops'],
    detail: { because: 'no_rule_grants' },
    stage_us: { upstream: 12 },
  },
  { event_id: 'edge-1/1769864399123/2', epoch: '18446744073709551615', occurred_at: 'never', outcome: 'ok' },
  { event_id: 'edge-1/1769864399123/3', bytes_in: -1, duration_us: 1e300, rpc_code: 2 ** 40, teams: [], capability: '\ud800' },
];

const itemOf = (event: EventJson): SinkItem => {
  const text = JSON.stringify(event);
  return { id: event.event_id ?? '', event, text, bytes: Buffer.byteLength(text) };
};

const SELECT = `SELECT event_id, tenant, type, toString(occurred_at) AS occurred_at, epoch, sequence, capability, outcome, rpc_code,
  http_status, bytes_in, duration_us, teams, detail, stage_us, event FROM file({file:String}, 'Parquet') ORDER BY event_id
  SETTINGS output_format_json_quote_64bit_integers = 1`;

it('Parquet: ClickHouse reads what was written, by the names and types of the fields', async () => {
  await using dir = await tempDir();
  const file = path.join(dir.path, 'events.parquet');
  await writeFile(file, parquetOf(EVENTS.map(itemOf)));
  const engine = await EmbeddedEngine.open(dir.path);
  try {
    const none = {
      tenant: null,
      type: null,
      occurred_at: null,
      epoch: null,
      sequence: null,
      capability: null,
      outcome: null,
      rpc_code: null,
      http_status: null,
      bytes_in: null,
      duration_us: null,
      teams: null,
      detail: null,
      stage_us: null,
    };
    const [first, second, third] = EVENTS;
    expect(await engine.query(SELECT, { file })).toEqual([
      {
        ...none,
        ...first,
        occurred_at: '2026-01-31 12:59:59.123',
        http_status: '403',
        duration_us: '4294967295',
        teams: '["finance","ops"]',
        detail: '{"because":"no_rule_grants"}',
        stage_us: '{"upstream":12}',
        emitter: undefined,
        event: JSON.stringify(first),
      },
      { ...none, event_id: second?.event_id, outcome: 'ok', event: JSON.stringify(second) },
      { ...none, event_id: third?.event_id, bytes_in: '-1', teams: '[]', capability: '\ufffd', event: JSON.stringify(third) },
    ]);
  } finally {
    await engine.close();
  }
});

it('Parquet: the same events are the same bytes', () => {
  expect(parquetOf(EVENTS.map(itemOf))).toEqual(parquetOf(EVENTS.map(itemOf)));
});
