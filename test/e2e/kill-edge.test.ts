import type { EventView } from '@switchyard/contracts';
import { eventually } from '@switchyard/testing';
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { promisify } from 'node:util';
import { AdminApi } from './admin-api.js';
import { CallLedger } from './call-ledger.js';
import { legacyClient, modernClient, type Attempt, type BareClient } from './clients/bare-client.js';
import { SDKS } from './clients/sdk-clients.js';
import { serverUrl, type SuiteContext } from './suite/context.js';
import { signInAt } from './suite/sign-in.suite.js';
import { EDITOR, OUTSIDER } from './targets/gateway-file.js';
import { startProcesses } from './targets/processes.js';

const CALLS = 1000;
const CLIENTS = 20;
/** Give SWITCHYARD_E2E_SEED to kill at the same moment again. */
const seed = Number(process.env['SWITCHYARD_E2E_SEED'] ?? randomInt(2 ** 31));

/** The random moment: after how many answers, and how much later. */
const killAfterAnswers = 50 + (seed % (CALLS - 150));
const killDelayMs = (Math.floor(seed / CALLS) % 200) / 10;

interface Saw {
  readonly attempt: Attempt;
  readonly isEditor: boolean;
}

let context: SuiteContext;
let saw: readonly Saw[];
let answersWhenKilled: number;
/** What the audit trail has of it, by request id. */
let rows: ReadonlyMap<string, readonly EventView[]>;

async function tokenOf(email: string): Promise<string> {
  await using person = await signInAt(context, { sdk: SDKS.v2, slug: 'team', email });
  return person.memory.tokens()?.access_token ?? '';
}

/** Half of them with sessions; every fifth may not use what it calls. */
async function openClients(): Promise<(BareClient & { isEditor: boolean })[]> {
  const url = serverUrl(context, 'team');
  const [editor, outsider] = [await tokenOf(EDITOR), await tokenOf(OUTSIDER)];
  return Promise.all(
    Array.from({ length: CLIENTS }, async (_, index) => {
      const isEditor = index % 5 !== 0;
      const token = isEditor ? editor : outsider;
      return { ...(index % 2 === 0 ? modernClient(url, token) : await legacyClient(url, token)), isEditor };
    }),
  );
}

/** Another process kills it: this one is where the upstream runs, and must go on. */
async function killFromOutside(pid: number): Promise<void> {
  await promisify(execFile)('sh', ['-c', `sleep ${killDelayMs / 1000}; kill -9 ${pid}`]);
}

/** Makes the calls, kills the edge among them, and starts it again on the same spool. */
async function run(clients: readonly (BareClient & { isEditor: boolean })[]): Promise<void> {
  const { target } = context;
  const seen: Saw[] = [];
  let answers = 0;
  let restarting: Promise<void> | undefined;
  const killOnce = () => {
    if (restarting !== undefined || answers < killAfterAnswers) return;
    restarting = killFromOutside(target.pid('edge-proxy')).then(() => {
      answersWhenKilled = answers;
      return target.restart('edge-proxy');
    });
  };
  const work = async (client: BareClient & { isEditor: boolean }) => {
    for (let made = 0; made < CALLS / CLIENTS; made += 1) {
      const attempt = await client.call();
      seen.push({ attempt, isEditor: client.isEditor });
      if (attempt.kind === 'answered') answers += 1;
      else await restarting;
      killOnce();
    }
  };
  await Promise.all(clients.map(work));
  await restarting;
  saw = seen;
}

/** A last call: what the spool had before it is stored when it is. */
async function awaitLastEvent(client: BareClient): Promise<void> {
  const { requestId } = await client.call();
  await eventually(async () => (await context.admin.events({ request_id: requestId, type: 'tool.called' })).length === 1, {
    timeoutMs: 60_000,
    everyMs: 250,
  });
}

beforeAll(async () => {
  const target = await startProcesses();
  context = { target, admin: new AdminApi(target.publicUrl, target.adminKey), ledger: new CallLedger() };
  const clients = await openClients();
  await run(clients);
  await awaitLastEvent(clients[1]!);
  const events = await context.admin.events({ server: 'team' });
  rows = Map.groupBy(
    events.filter(({ type }) => type !== 'proxy.hop'),
    ({ request_id: id = '' }) => id,
  );
  const unanswered = saw.filter(({ attempt }) => attempt.kind === 'unanswered').length;
  console.log(
    `seed ${seed}: killed after ${answersWhenKilled} answers; of ${saw.length} calls ${unanswered} were not answered, ` +
      `${saw.filter(({ attempt }) => attempt.kind === 'unanswered' && rows.has(attempt.requestId)).length} of these are recorded`,
  );
}, 250_000);

afterAll(() => context.target[Symbol.asyncDispose](), 60_000);

const answeredBy = (isEditor: boolean) => saw.filter((one) => one.isEditor === isEditor && one.attempt.kind === 'answered');
const contacts = (requestId: string) => context.target.upstreams.ledger.received.filter(({ body }) => body.includes(requestId));

describe(`kill -9 of the edge among ${CALLS} calls from ${CLIENTS} clients`, () => {
  it('KE-1 happened while calls were being made', () => {
    expect(saw).toHaveLength(CALLS);
    expect(answersWhenKilled).toBeGreaterThanOrEqual(killAfterAnswers);
    const answered = saw.filter(({ attempt }) => attempt.kind === 'answered').length;
    const edgeRows = [...rows.values()].flat().filter(({ emitter }) => emitter === 'edge-proxy-1');
    expect(answered).toBeGreaterThan(answersWhenKilled);
    expect(answered).toBeGreaterThan(CALLS - 2 * CLIENTS);
    expect(new Set(edgeRows.map(({ epoch }) => epoch)).size).toBe(2);
  });

  it('KE-2 every call that a client saw answered has exactly one row', () => {
    const wrong = answeredBy(true).filter(({ attempt }) => {
      const [row, ...more] = rows.get(attempt.requestId) ?? [];
      return row?.type !== 'tool.called' || row.outcome !== 'ok' || row.principal_name !== EDITOR || more.length > 0;
    });
    expect(wrong).toEqual([]);
  });

  it('KE-3 no call has two rows, answered or not, and no row is of a call that nobody made', () => {
    const made = new Set(saw.map(({ attempt }) => attempt.requestId));
    const calls = [...rows].filter(([, events]) => events.some(({ type }) => ['tool.called', 'policy.denied'].includes(type)));
    expect(calls.filter(([, events]) => events.length !== 1)).toEqual([]);
    // The one stranger is the last call, which was made to wait for its event.
    expect(calls.filter(([id]) => !made.has(id))).toHaveLength(1);
  });

  it('KE-4 an answer is what the upstream gave to one call of it', () => {
    const wrong = answeredBy(true).filter(({ attempt }) => {
      const isEcho = attempt.kind === 'answered' && attempt.text.includes(`ledger: ${attempt.requestId}`);
      return !isEcho || contacts(attempt.requestId).length !== 1;
    });
    expect(wrong).toEqual([]);
  });

  it('KE-5 calls of somebody without access are denied, recorded once, and never reach the upstream', () => {
    const denied = answeredBy(false);
    expect(denied.length).toBeGreaterThan(0);
    const wrong = denied.filter(({ attempt }) => {
      const [row, ...more] = rows.get(attempt.requestId) ?? [];
      const isDenied = attempt.kind === 'answered' && attempt.text.includes('policy_denied');
      return !isDenied || row?.type !== 'policy.denied' || row.principal_name !== OUTSIDER || more.length > 0;
    });
    expect(wrong).toEqual([]);
    expect(saw.filter(({ attempt, isEditor }) => !isEditor && contacts(attempt.requestId).length > 0)).toEqual([]);
  });
});
