// How fast what is revoked is enforced. Each round somebody signs in, uses the token at every edge and opens a stream there, and revokes it
// at /oauth/revoke. Counted is the time to the first refusal of each edge and to the end of each stream: from sending that request, and
// from its answer, which is when the revocation stands.
import { setTimeout as pause } from 'node:timers/promises';
import { URLSearchParams } from 'node:url';
import { ms, percentile } from './figures.mjs';
import { ask, register, signIn, statusOf } from './identity-person.mjs';
import { cpuSeconds } from './processes.mjs';

const BUDGET_MS = 250;
/** Between two questions to one edge: without it the questions themselves would be what takes the time. */
const ASK_EVERY_MS = 25;
/** Revocations while nobody asks anything, which shows what the endpoint itself takes. */
const ALONE = 30;

/** Resolves with the moment at which the edge first refuses the token. */
async function refusedAt(gateway, port, token) {
  for (;;) {
    const status = await statusOf(gateway, port, token);
    if (status === 401) return performance.now();
    if (status !== 200) throw new Error(`an edge answered ${status}`);
    await pause(ASK_EVERY_MS);
  }
}

/** Opens a stream. @returns what resolves with the moment of its end */
async function openStream(gateway, port, token) {
  const response = await ask(gateway, port, token, 'subscriptions/listen', { notifications: { toolsListChanged: true } });
  if (response.statusCode !== 200) throw new Error(`a stream was answered with ${response.statusCode}`);
  response.resume();
  return { ended: new Promise((resolve) => response.once('close', () => resolve(performance.now()))) };
}

/** @returns when it was sent, and when answered */
async function revoke({ publicUrl }, clientId, token) {
  const sentAt = performance.now();
  const body = new URLSearchParams({ client_id: clientId, token });
  const response = await fetch(`${publicUrl}/oauth/revoke`, { method: 'POST', body });
  const answeredAt = performance.now();
  if (response.status !== 200) throw new Error(`the revocation was answered with ${response.status}`);
  return { sentAt, answeredAt };
}

async function revokeEverywhere(gateway, clientId, round) {
  const tokens = await signIn(gateway, clientId, `person-${round}@example.com`);
  const token = tokens.access_token;
  for (const port of gateway.ports) {
    const status = await statusOf(gateway, port, token);
    if (status !== 200) throw new Error(`an edge answered ${status} before anything was revoked`);
  }
  const streams = await Promise.all(gateway.ports.map((port) => openStream(gateway, port, token)));
  const waiting = gateway.ports.map((port) => refusedAt(gateway, port, token));
  await pause(50);
  // By turns the access token itself, and what it was issued under.
  const { sentAt, answeredAt } = await revoke(gateway, clientId, round % 2 === 0 ? token : tokens.refresh_token);
  const refused = await Promise.all(waiting);
  const ended = await Promise.all(streams.map((stream) => stream.ended));
  return { sentAt, answeredAt, refused, ended };
}

async function measureAlone(gateway, clientId) {
  const tokens = [];
  for (let index = 0; index < ALONE; index += 1)
    tokens.push(await signIn(gateway, clientId, `alone-${index}@example.com`).then((got) => got.refresh_token));
  const cpuBefore = cpuSeconds(gateway.authServer.pid);
  const took = [];
  for (const token of tokens) {
    const { sentAt, answeredAt } = await revoke(gateway, clientId, token);
    took.push(answeredAt - sentAt);
  }
  return { took, cpuMs: ((cpuSeconds(gateway.authServer.pid) - cpuBefore) * 1000) / ALONE };
}

/** A part of `bench identity`. */
export async function measureRevocation(gateway, { rounds }) {
  const clientId = await register(gateway.publicUrl);
  const fromSent = { refused: [], ended: [] };
  const fromAnswer = [];
  const answers = [];
  for (let round = 0; round <= rounds; round += 1) {
    const { sentAt, answeredAt, refused, ended } = await revokeEverywhere(gateway, clientId, round);
    // The first round finds programs that have not been compiled.
    if (round === 0) continue;
    fromSent.refused.push(...refused.map((at) => at - sentAt));
    fromSent.ended.push(...ended.map((at) => at - sentAt));
    // An edge may enforce it before whoever revoked has the answer.
    fromAnswer.push(...[...refused, ...ended].map((at) => Math.max(0, at - answeredAt)));
    answers.push(answeredAt - sentAt);
  }
  const alone = await measureAlone(gateway, clientId);
  const all = [...fromSent.refused, ...fromSent.ended];
  const numbers = {
    edges: gateway.ports.length,
    rounds,
    revocationP50Ms: percentile(all, 0.5),
    revocationP99Ms: percentile(all, 0.99),
    revocationMaxMs: Math.max(...all),
    revocationFromAnswerP50Ms: percentile(fromAnswer, 0.5),
    revocationFromAnswerP99Ms: percentile(fromAnswer, 0.99),
    revocationFromAnswerMaxMs: Math.max(...fromAnswer),
    refusedP99Ms: percentile(fromSent.refused, 0.99),
    streamsEndedP99Ms: percentile(fromSent.ended, 0.99),
    revokeAnsweredP99Ms: percentile(answers, 0.99),
    revokeAloneP50Ms: percentile(alone.took, 0.5),
    revokeAloneP99Ms: percentile(alone.took, 0.99),
    revokeCpuMs: alone.cpuMs,
    revocationBudgetMs: BUDGET_MS,
  };
  const lines = [
    `revocation at ${numbers.edges} edges, ${rounds} times (budget p99 ${BUDGET_MS} ms)`,
    `  from sending it: p50 ${ms(numbers.revocationP50Ms)}, p99 ${ms(numbers.revocationP99Ms)}, longest ${ms(numbers.revocationMaxMs)} (refused p99 ${ms(numbers.refusedP99Ms)}, streams ended p99 ${ms(numbers.streamsEndedP99Ms)})`,
    `  from its answer: p50 ${ms(numbers.revocationFromAnswerP50Ms)}, p99 ${ms(numbers.revocationFromAnswerP99Ms)}, longest ${ms(numbers.revocationFromAnswerMaxMs)}`,
    `  /oauth/revoke: answered p99 ${ms(numbers.revokeAnsweredP99Ms)} meanwhile; with nothing else to do p50 ${ms(numbers.revokeAloneP50Ms)}, p99 ${ms(numbers.revokeAloneP99Ms)}, of which the authorization server computes ${ms(numbers.revokeCpuMs)}`,
  ];
  return { numbers, lines };
}
