import { Body, Controller, Get, HttpException, Module, Param, Post, Query, Req, type Type } from '@nestjs/common';
import { ApiKeyDirectory, encodeApiKeyRecord, mintApiKey } from '@switchyard/api-keys';
import { SpoolFull } from '@switchyard/audit';
import { BUCKETS, type EventFields } from '@switchyard/contracts';
import { RpcUnavailable } from '@switchyard/messaging';
import { SqliteState, StateUnavailable } from '@switchyard/state';
import { createLogger } from '@switchyard/telemetry';
import { FakeClock, tempDir } from '@switchyard/testing';
import path from 'node:path';
import 'reflect-metadata';
import { Writable } from 'node:stream';
import { z } from 'zod';
import {
  actorFields,
  notFound,
  openAdminApp,
  Public,
  RequireRole,
  zodBody,
  zodParam,
  zodQuery,
  type AdminApp,
  type AdminRequest,
  type ProblemDocument,
} from './index.js';

const querySchema = z.strictObject({ limit: z.coerce.number().int().max(100).default(10) });
const bodySchema = z.strictObject({ value: z.string(), nested: z.strictObject({ count: z.number() }).optional() });
const cause = 'cause-that-stays-inside';

const failures: Readonly<Record<string, () => Error>> = {
  missing: () => notFound('There is no such thing.'),
  teapot: () => new HttpException(cause, 418),
  state: () => new StateUnavailable(cause),
  rpc: () => new RpcUnavailable(cause),
  audit: () => new SpoolFull(cause),
  bug: () => new TypeError(cause),
};

@Controller('things')
@RequireRole('admin', 'auditor')
class ThingsController {
  static release = Promise.withResolvers<void>();

  @Get()
  list(@Query(zodQuery(querySchema)) query: z.infer<typeof querySchema>): unknown {
    return query;
  }

  @Post(':name')
  @RequireRole('admin')
  create(
    @Param('name', zodParam('name', z.string().max(5))) name: string,
    @Body(zodBody(bodySchema)) body: z.infer<typeof bodySchema>,
    @Req() request: AdminRequest,
  ): unknown {
    return { name, body, actor: actorFields(request) };
  }

  @Get('open')
  @Public()
  open(): unknown {
    return { open: true };
  }

  @Get('slow')
  @Public()
  async slow(): Promise<unknown> {
    await ThingsController.release.promise;
    return { slow: true };
  }

  @Get('fail/:how')
  fail(@Param('how') how: string): never {
    throw failures[how]?.() ?? new Error('unknown failure');
  }
}

@Controller('undeclared')
class UndeclaredController {
  @Get()
  get(): unknown {
    return {};
  }

  @Get('declared')
  @Public()
  declared(): unknown {
    return {};
  }
}

@Module({ controllers: [ThingsController] })
class ThingsModule {}

@Module({ controllers: [UndeclaredController, ThingsController] })
class UndeclaredModule {}

describe('an admin API', () => {
  const clock = new FakeClock();
  const keys: Record<string, string> = {};
  const events: EventFields[] = [];
  const lines: string[] = [];
  const undo = new AsyncDisposableStack();
  let directory: ApiKeyDirectory;
  let app: AdminApp;

  const log = createLogger({
    service: 'test',
    level: 'info',
    destination: new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(chunk.toString());
        done();
      },
    }),
  });
  const audit = { record: (fields: EventFields) => Promise.resolve(void events.push(fields)) };
  const open = (module: Type) => openAdminApp(module, { host: '127.0.0.1', port: 0, keys: directory, audit, log });

  beforeAll(async () => {
    const dir = undo.use(await tempDir());
    const state = undo.adopt(SqliteState.open(path.join(dir.path, 'state.sqlite')), (it) => it.close());
    const kv = await state.bucket(BUCKETS.apiKeys, 'default');
    for (const [name, roles] of Object.entries({ admin: ['admin'], auditor: ['auditor'], plain: [], expired: ['admin'] })) {
      const lifetime = name === 'expired' ? { expiresAtMs: clock.now() } : {};
      const { text, record } = mintApiKey({ name, servers: ['*'], roles, createdAtMs: 0, ...lifetime });
      await kv.put(record.id, encodeApiKeyRecord(record));
      keys[name] = text;
    }
    directory = undo.adopt(await ApiKeyDirectory.open(state, 'default', clock), (it) => it.close());
    app = undo.adopt(await open(ThingsModule), (it) => it.close());
  });
  afterAll(() => undo.disposeAsync());
  beforeEach(() => {
    events.length = 0;
    lines.length = 0;
  });

  const bearer = (key: string) => ({ authorization: `Bearer ${keys[key] ?? key}`, 'x-request-id': 'request-1' });
  const get = (route: string, headers: Record<string, string> = bearer('admin')) => fetch(`${app.url}${route}`, { headers });
  const post = (route: string, body: string, contentType = 'application/json') =>
    fetch(`${app.url}${route}`, { method: 'POST', headers: { ...bearer('admin'), 'content-type': contentType }, body });
  const problemOf = async (response: Response) => {
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    return (await response.json()) as ProblemDocument;
  };

  const admissions: [
    id: string,
    route: string,
    headers: () => Record<string, string>,
    status: number,
    challenge: string | null,
  ][] = [
    ['public-without-key', '/things/open', () => ({}), 200, null],
    ['admin', '/things', () => bearer('admin'), 200, null],
    ['auditor-where-allowed', '/things', () => bearer('auditor'), 200, null],
    ['scheme-in-lower-case', '/things', () => ({ authorization: `bearer ${keys['admin'] ?? ''}` }), 200, null],
    ['no-key', '/things', () => ({}), 401, 'Bearer'],
    ['unknown-key', '/things', () => bearer(`sy_${'a'.repeat(12)}_${'b'.repeat(43)}`), 401, 'Bearer error="invalid_token"'],
    ['wrong-secret', '/things', () => bearer(`${(keys['admin'] ?? '').slice(0, -4)}AAAA`), 401, 'Bearer error="invalid_token"'],
    ['no-key-text', '/things', () => bearer('hello'), 401, 'Bearer error="invalid_token"'],
    ['expired', '/things', () => bearer('expired'), 401, 'Bearer error="invalid_token"'],
    ['basic', '/things', () => ({ authorization: 'Basic eDp5' }), 401, 'Bearer error="invalid_token"'],
    ['no-role', '/things', () => bearer('plain'), 403, null],
  ];
  it.each(admissions)('admits by key and role: %s', async (_id, route, headers, status, challenge) => {
    const response = await get(route, headers());
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([status, challenge]);
    if (status !== 200)
      expect(await problemOf(response)).toMatchObject({ status, reason: status === 401 ? 'unauthenticated' : 'forbidden' });
  });

  it('lets a route ask for less than its controller', async () => {
    const response = await fetch(`${app.url}/things/x`, { method: 'POST', headers: bearer('auditor') });
    expect(response.status).toBe(403);
  });

  it('records who was not let in, and nothing of the key', async () => {
    await get('/things', bearer('plain'));
    await get('/things', bearer('hello'));
    expect(events).toMatchObject([
      {
        type: 'auth.rejected',
        outcome: 'denied',
        http_status: 403,
        reason: 'forbidden',
        principal_name: 'plain',
        request_id: 'request-1',
      },
      { type: 'auth.rejected', outcome: 'denied', http_status: 401, reason: 'unauthenticated', request_id: 'request-1' },
    ]);
    expect(JSON.stringify(events)).not.toMatch(/hello|sy_/);
  });

  it('hands over parsed input and who asked', async () => {
    const response = await post('/things/x', '{"value":"v"}');
    expect(await response.json()).toMatchObject({
      name: 'x',
      body: { value: 'v' },
      actor: { request_id: 'request-1', principal_issuer: 'api-key', principal_name: 'admin', principal_kind: 'service' },
    });
    expect(await (await get('/things')).json()).toEqual({ limit: 10 });
  });

  const invalid: [id: string, send: () => Promise<Response>, fields: string[]][] = [
    ['query-too-big', () => get('/things?limit=101'), ['limit']],
    ['query-unknown', () => get('/things?limitt=1'), ['limitt']],
    ['query-repeated', () => get('/things?limit=1&limit=2'), ['limit']],
    ['body-missing-field', () => post('/things/x', '{}'), ['value']],
    ['body-nested', () => post('/things/x', '{"value":"v","nested":{"count":"1"}}'), ['nested.count']],
    ['body-unknown', () => post('/things/x', '{"value":"v","a":1,"nested":{"count":1,"b":2}}'), ['nested.b', 'a']],
    ['path', () => post('/things/too-long', '{"value":"v"}'), ['name']],
    ['no-body', () => post('/things/x', ''), ['value']],
    ['body-of-another-type', () => post('/things/x', 'value=v', 'application/x-www-form-urlencoded'), ['value']],
  ];
  it.each(invalid)('names every field that is not acceptable: %s', async (_id, send, fields) => {
    const response = await send();
    expect(response.status).toBe(400);
    const problem = await problemOf(response);
    expect(problem.errors?.map(({ field }) => field)).toEqual(fields);
    for (const field of fields) expect(problem.detail).toContain(field);
  });

  const unreadable: [id: string, send: () => Promise<Response>, status: number, reason: string][] = [
    ['not-json', () => post('/things/x', `{"value":"${cause}`), 400, 'invalid_request'],
    ['charset', () => post('/things/x', '{}', 'application/json; charset=klingon'), 415, 'unsupported_media_type'],
    ['too-large', () => post('/things/x', JSON.stringify({ value: 'x'.repeat(101 * 1024) })), 413, 'body_too_large'],
    ['unknown-route', () => get(`/nothing/${cause}`), 404, 'not_found'],
    ['malformed-url', () => get('/things/fail/%E0%A4%A'), 400, 'invalid_request'],
  ];
  it.each(unreadable)('refuses what it cannot read, and does not repeat it: %s', async (_id, send, status, reason) => {
    const response = await send();
    expect(response.status).toBe(status);
    const problem = await problemOf(response);
    expect(problem).toMatchObject({ status, reason, type: 'about:blank' });
    expect(JSON.stringify(problem)).not.toContain(cause);
  });

  const failed: [how: string, status: number, reason: string, logged: boolean][] = [
    ['missing', 404, 'not_found', false],
    ['state', 503, 'unavailable', true],
    ['rpc', 503, 'unavailable', true],
    ['audit', 503, 'audit_unavailable', true],
    ['bug', 500, 'internal', true],
    ['teapot', 500, 'internal', true],
  ];
  it.each(failed)('renders a failure without its cause, which the log has: %s', async (how, status, reason, logged) => {
    const response = await get(`/things/fail/${how}`);
    expect(response.status).toBe(status);
    expect(response.headers.has('retry-after')).toBe(status === 503);
    const problem = await problemOf(response);
    expect(problem.reason).toBe(reason);
    expect(JSON.stringify(problem)).not.toContain(cause);
    expect(lines.join('').includes(cause)).toBe(logged);
    if (logged) expect([problem.instance, lines.join('').includes('request-1')]).toEqual(['request-1', true]);
  });

  it('does not start where a route does not say who may call it, and names it', async () => {
    await expect(open(UndeclaredModule)).rejects.toThrow('UndeclaredController.get. Add @RequireRole');
  });

  it('does not start where its port is taken', async () => {
    const { hostname, port } = new URL(app.url);
    const second = openAdminApp(ThingsModule, { host: hostname, port: Number(port), keys: directory, audit, log });
    await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('closes when the request in hand is answered, and only once', async () => {
    ThingsController.release = Promise.withResolvers<void>();
    const closing = await open(ThingsModule);
    const answered = fetch(`${closing.url}/things/slow`).then((response) => response.json());
    await fetch(`${closing.url}/things/open`);
    const closed = Promise.all([closing.close(), closing.close()]);
    ThingsController.release.resolve();
    expect(await answered).toEqual({ slow: true });
    await closed;
    await expect(fetch(`${closing.url}/things/open`)).rejects.toThrow();
  });
});
