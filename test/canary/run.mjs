// npm run canary [-- N] [-- --json] [-- --swap N]
// A million mixed calls (or N) through one edge: callers of every revision, upstreams of both eras over HTTP and stdio, unary calls, streams
// and batches, cancellations and clients that go, all with the same ids and progress tokens at the same time. Every answer, progress and
// log message must carry the canary of the call that it is for. --swap has an upstream mix up every Nth answer: the run must then fail.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ensureNatsServer } from '../../tools/ensure-nats-server.mjs';
import { startEdge } from '../bench/edge-under-test.mjs';
import { freePort, startPinned, stopAll } from '../bench/processes.mjs';
import { Caller, MODERN, REVISIONS } from './callers.mjs';
import { closeConnections } from './calls.mjs';

const PRINCIPALS = 8;
const SHOWN_FAULTS = 20;
const PROGRESS_MS = 5_000;

const json = process.argv.includes('--json');
const swapAt = process.argv.indexOf('--swap');
const swap = swapAt < 0 ? [] : ['--swap', process.argv[swapAt + 1]];
const wanted = Number(process.argv.find((arg, index) => /^\d+$/.test(arg) && index !== swapAt + 1) ?? 1_000_000);

const PROGRAM = path.join(import.meta.dirname, 'upstream.mjs');
const http = async (era) => {
  const { line } = await startPinned(undefined, process.execPath, [PROGRAM, 'http', era, ...swap]);
  return { case: 'http', value: { url: line } };
};
const stdio = (era) => ({ case: 'stdio', value: { command: process.execPath, args: [PROGRAM, 'stdio', era] } });

async function startAll(dir) {
  const transports = { lh: await http('legacy'), mh: await http('modern'), ls: stdio('legacy'), ms: stdio('modern') };
  const names = Object.keys(transports);
  const edge = await startEdge({
    dir,
    natsServer: await ensureNatsServer(),
    port: await freePort(),
    natsPort: await freePort(),
    behind: {
      upstreams: names.map((name) => ({ name, timeoutMs: 60_000, transport: transports[name] })),
      sources: names.map((name) => ({ upstream: name, prefix: `${name}__`, tools: ['*'] })),
    },
  });
  return { edge, names };
}

/** Counts calls and faults, and says how far it is. */
function newRun() {
  const startedAt = performance.now();
  const kinds = {};
  const faults = [];
  let taken = 0;
  let done = 0;
  const say = () => {
    const seconds = (performance.now() - startedAt) / 1000;
    console.error(`${done} of ${wanted} calls, ${Math.round(done / seconds)} a second, ${faults.length} faults`);
  };
  const timer = json ? undefined : setInterval(say, PROGRESS_MS);
  return {
    take: () => taken < wanted && ((taken += 1), true),
    done: (kind) => {
      done += 1;
      kinds[kind] = (kinds[kind] ?? 0) + 1;
    },
    fault: (text) => faults.push(text),
    end: () => {
      clearInterval(timer);
      return {
        calls: done,
        seconds: (performance.now() - startedAt) / 1000,
        kinds,
        faults: faults.length,
        first: faults.slice(0, SHOWN_FAULTS),
      };
    },
  };
}

const dir = await mkdtemp(path.join(os.tmpdir(), 'switchyard-canary-'));
let close = () => undefined;
let edgePid;
try {
  const { edge, names } = await startAll(dir);
  ({ close, pid: edgePid } = edge);
  const run = newRun();
  const callers = [];
  // Two callers of every revision for each principal, so that sessions of one principal are kept apart too. Only modern clients of one
  // principal cannot be told apart by everything: a process says of log messages not even for which call they are.
  for (let principal = 0; principal < PRINCIPALS; principal += 1) {
    for (const revision of REVISIONS)
      for (const twin of ['a', 'b']) {
        const token = await edge.tokenFor(`person-${principal}${revision === MODERN ? twin : ''}`);
        const name = `p${principal}-${revision}-${twin}`;
        callers.push(new Caller({ name, revision, url: edge.url, token, upstreams: names, run }));
      }
  }
  await Promise.all(callers.map((caller) => caller.go()));
  const result = { ...run.end(), callers: callers.length };
  if (json) console.log(JSON.stringify(result));
  else {
    for (const fault of result.first) console.log(fault);
    console.log(
      `${result.calls} calls of ${result.callers} callers in ${Math.round(result.seconds)} s ` +
        `(${Object.entries(result.kinds)
          .map(([kind, count]) => `${count} ${kind}`)
          .join(', ')}): ${result.faults} faults`,
    );
  }
  process.exitCode = result.faults === 0 ? 0 : 1;
} finally {
  closeConnections();
  await stopAll(edgePid);
  close();
  await rm(dir, { recursive: true, force: true });
}
