import { Problem } from '@switchyard/admin-api';
import type { Engine } from '../../engine/engine.js';
import { ENGINES, withTables, type OpenedEngine } from '../../engine/engines.fixture.js';
import { everything, idOf, insert, trailOf, type Given } from '../events.fixture.js';
import { tellStory } from './request-stories.js';

const request_id = 'r-1';
const owner = { principal_issuer: 'i', principal_subject: 'ana' };
const firstHop: Given = {
  sequence: 2,
  at: 40,
  fields: {
    type: 'proxy.hop',
    outcome: 'error',
    request_id,
    upstream: 'tracker',
    method: 'tools/call',
    upstream_capability: 'get',
    upstream_us: 30_000,
    attempt: 1,
    ...owner,
  },
};
const secondHop: Given = {
  sequence: 3,
  // The clock of the edge went back.
  at: 20,
  fields: {
    type: 'proxy.hop',
    outcome: 'ok',
    request_id,
    upstream: 'tracker',
    method: 'tools/call',
    upstream_capability: 'get',
    upstream_us: 10_000,
    attempt: 2,
    ...owner,
  },
};
const call: Given = {
  sequence: 4,
  at: 62,
  fields: {
    outcome: 'ok',
    request_id,
    method: 'tools/call',
    capability: 'tracker__get',
    duration_us: 60_000,
    stage_us: { authenticate: 1_000, lease: 4_000, upstream: 10_000, render: 500 },
    ...owner,
  },
};
const lease: Given = { emitter: 'vault-1', sequence: 9, at: 8, fields: { type: 'connection.leased', request_id } };
const other: Given = { sequence: 5, at: 62, fields: { request_id: 'r-2' } };
const foreign: Given = { sequence: 6, at: 62, tenant: 'other', fields: { request_id } };

describe.each(ENGINES)('the story of a request on %s', (_name, open) => {
  let opened: OpenedEngine;
  let engine: Engine;
  beforeAll(async () => {
    opened = await withTables(open);
    engine = opened.engine;
    await insert(engine, [call, secondHop, lease, firstHop, other, foreign]);
    await insert(engine, [firstHop, call]);
  });
  afterAll(() => opened[Symbol.asyncDispose]());

  it('D9 has each of its events once, those of an emitter by its own count whatever its clock did', async () => {
    const { events } = await tellStory(trailOf(engine), everything, request_id);
    expect(events.map(({ event_id }) => event_id)).toEqual([lease, firstHop, secondHop, call].map(idOf));
  });

  it('shows what took how long, stages within their request, and each attempt at the upstream', async () => {
    const { started_at, duration_us, waterfall } = await tellStory(trailOf(engine), everything, request_id);
    expect([started_at, duration_us]).toEqual(['2026-01-31T23:59:00.002Z', 60_000]);
    expect(waterfall.map(({ kind, label, start_us, duration_us: took }) => [kind, label, start_us, took])).toEqual([
      ['request', 'tools/call tracker__get', 0, 60_000],
      ['request', 'connection.leased', 6_000, 0],
      ['stage', 'authenticate', 0, 1_000],
      ['stage', 'lease', 1_000, 4_000],
      ['stage', 'upstream', 49_500, 10_000],
      ['stage', 'render', 59_500, 500],
      ['hop', 'tracker tools/call get', 8_000, 30_000],
      ['hop', 'tracker tools/call get (attempt 2)', 8_000, 10_000],
    ]);
  });

  it.each([
    ['unknown', everything, 'r-9'],
    ['quoted', everything, "r-1' OR '1'='1"],
    ['somebody-else', { kind: 'some', issuer: 'i', subject: 'bob', teams: [] } as const, request_id],
    ['other-issuer', { kind: 'some', issuer: 'j', subject: 'ana', teams: [] } as const, request_id],
  ])('T4 %s: is not found', async (_id, scope, id) => {
    await expect(tellStory(trailOf(engine), scope, id)).rejects.toMatchObject({ details: { reason: 'not_found' } });
    await expect(tellStory(trailOf(engine), scope, id)).rejects.toBeInstanceOf(Problem);
  });

  it('T4 has only what its reader may know', async () => {
    const { events } = await tellStory(trailOf(engine), { kind: 'some', issuer: 'i', subject: 'ana', teams: [] }, request_id);
    expect(events.map(({ event_id }) => event_id)).toEqual([firstHop, secondHop, call].map(idOf));
  });
});
