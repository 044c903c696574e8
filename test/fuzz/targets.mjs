// What is tried on every input. Each target says in a word what it saw; it throws where something is wrong.
import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import {
  capabilitiesFor,
  classify,
  createdTaskId,
  downgradeResult,
  downgradeTool,
  encodeSse,
  errorCodeEdits,
  firstRoundEdits,
  inputAnswerOf,
  inputNeed,
  inputRequestOf,
  inputRequiredResponse,
  joinBatch,
  jsonAt,
  legacyRequestEdits,
  legacyResultEdits,
  legacyServerRequest,
  listItems,
  modernRequestEdits,
  modernResultEdits,
  readInputRequired,
  readInputResponses,
  readTask,
  readUrlElicitations,
  relatedEdits,
  relatedTaskId,
  retryEdits,
  REVISION_TABLES,
  scanMessage,
  splice,
  splitBatch,
  SseParser,
  subscriptionIdEdits,
  taskParamEdits,
  unrelatedEdits,
  wantsTasks,
} from '@switchyard/mcp';
import { below, pick } from './random.mjs';

function parsed(bytes) {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString('utf8');
  try {
    return {
      value: JSON.parse(text),
      wellFormed: (text.match(/"(?:[^"\\]|\\.)*"/gs) ?? []).every((token) => JSON.parse(token).isWellFormed()),
    };
  } catch {
    return undefined;
  }
}

/** Deeper than the gate allows, JSON.parse says nothing of use. */
const isTooDeep = (verdict) => /levels/.test(verdict.message ?? '');

/** The gate takes for JSON what JSON.parse does, and its ranges hold what JSON.parse finds. */
function gate(bytes) {
  const envelope = scanMessage(bytes);
  const json = parsed(bytes);
  if (!envelope.ok) {
    const isJson = envelope.reason === 'invalid_request';
    if (!isTooDeep(envelope)) assert.equal(isJson, json !== undefined && json.wellFormed, envelope.message);
    return envelope.message.replace(/\d+/g, '');
  }
  assert.ok(json?.wellFormed);
  const { value } = json;
  for (const [range, member] of [
    [envelope.idRange, value.id],
    [envelope.paramsRange, value.params],
    [envelope.metaRange, value.params?._meta],
    [envelope.argumentsRange, value.params?.arguments],
    [envelope.resultRange, value.result],
    [envelope.errorRange, value.error],
    [envelope.inputResponsesRange, value.params?.inputResponses],
    [envelope.inputRequestsRange, value.result?.inputRequests],
  ])
    assert.deepEqual(range && jsonAt(bytes, range), member);
  assert.equal(typeof classify({ contentType: 'application/json' }, envelope), 'object');
  return `${envelope.kind} ${envelope.method in { 'tools/call': 1 } ? 'call' : ''} ${Object.values(envelope).filter(Boolean).length}`;
}

const META = {
  protocolVersion: '2026-07-28',
  clientCapabilitiesJson: '{"roots":{}}',
  clientInfoJson: '{"name":"g","version":"1"}',
};

/** What the codecs make of a message passes the gate again. */
function requests(bytes, random) {
  const envelope = scanMessage(bytes);
  if (!envelope.ok || envelope.kind !== 'request') return '';
  const edits = [
    modernRequestEdits(bytes, envelope, META),
    legacyRequestEdits(bytes, envelope),
    firstRoundEdits(bytes, envelope),
  ];
  if (envelope.paramsRange) {
    const answers = readInputResponses(bytes, envelope);
    const state = pick(random, ['"s"', undefined]);
    edits.push(retryEdits(bytes, envelope, { answers: answers?.ok ? answers.answers : [], requestStateJson: state }));
  }
  const [modern, , ...others] = edits.map((list) => regated(splice(bytes, list), envelope.method));
  assert.equal(modern.protocolVersion, '2026-07-28');
  assert.equal(modern.malformedMetaKey, undefined);
  for (const other of others.slice(0, 1)) assert.equal(other.requestStateRange, undefined);
  const asked = inputRequestOf(bytes, envelope, 'k');
  if (asked === undefined) return `request ${edits.map((list) => list.length).join()}`;
  inputNeed(asked.request);
  regated(inputRequiredResponse('1', { requests: [asked.request], requestStateJson: '"s"' }), '');
  for (const table of REVISION_TABLES) regated(legacyServerRequest('"x"', asked.request, table, 'e'), envelope.method);
  return `asked ${asked.request.method} ${edits.map((list) => list.length).join()}`;
}

function regated(bytes, method) {
  const envelope = scanMessage(bytes, { maxDepth: 70 });
  assert.ok(envelope.ok, envelope.message);
  assert.equal(envelope.method, method);
  return envelope;
}

function responses(bytes, random) {
  const envelope = scanMessage(bytes);
  if (!envelope.ok || envelope.kind !== 'response') return '';
  const method = pick(random, ['tools/call', 'tools/list', 'prompts/get', 'resources/read']);
  const seen = [];
  const isOpen = envelope.resultType !== undefined && envelope.resultType !== 'complete';
  for (const table of REVISION_TABLES) {
    const edits = downgradeResult(bytes, envelope, method, table, below(random, 2) === 0);
    const all = table.era === 'legacy' && !isOpen ? [...edits, ...legacyResultEdits(bytes, envelope)] : edits;
    regated(splice(bytes, all), '');
    seen.push(edits.length > 0);
    if (envelope.resultRange) seen.push(toolForms(bytes, envelope.resultRange, table));
  }
  regated(splice(bytes, modernResultEdits(bytes, envelope, method, { serverInfoJson: '{}' })), '');
  const asked = readInputRequired(bytes, envelope);
  if (asked.ok && envelope.resultRange) regated(inputRequiredResponse('1', asked), '');
  inputAnswerOf('k', bytes, envelope);
  readUrlElicitations(bytes, envelope);
  const error = envelope.errorRange && parsed(bytes).value.error;
  if (error instanceof Object && !Array.isArray(error)) regated(splice(bytes, errorCodeEdits(bytes, envelope, -32603, 'u')), '');
  return `response ${asked.fault ?? 'asked'} ${seen.join()}`;
}

function toolForms(bytes, result, table) {
  const page = listItems(bytes, result, 'tools', 'name');
  return (page?.items ?? [])
    .map(({ range }) => {
      const form = downgradeTool(bytes, range, table);
      if (!form.usable) return form.fault;
      assert.equal(typeof parsed(splice(bytes, form.edits)), 'object');
      return form.output;
    })
    .join();
}

function notifications(bytes) {
  const envelope = scanMessage(bytes);
  if (!envelope.ok || envelope.kind !== 'notification') return '';
  for (const id of ['7', undefined]) regated(splice(bytes, subscriptionIdEdits(bytes, envelope, id)), envelope.method);
  return 'notification';
}

function capabilities(bytes) {
  const json = parsed(bytes);
  if (json === undefined) return '';
  const carried = new Set(['elicitation', 'sampling', 'roots', 'extensions']);
  return REVISION_TABLES.map((table) => Object.keys(capabilitiesFor(json.value, table, carried)).length).join();
}

function batch(bytes) {
  const verdict = splitBatch(bytes);
  const json = parsed(bytes);
  if (!verdict.ok) {
    if (verdict.reason === 'parse_error' && !isTooDeep(verdict))
      assert.ok(json === undefined || !json.wellFormed, verdict.message);
    return verdict.message.replace(/\d+/g, '');
  }
  assert.deepEqual(
    verdict.messages.map((message) => JSON.parse(message.bytes.toString('utf8'))),
    json.value,
  );
  const again = splitBatch(joinBatch(verdict.messages.map((message) => message.bytes)));
  assert.equal(again.ok, true);
  return `batch ${verdict.messages.map(({ scanned }) => (scanned.ok ? scanned.kind : scanned.reason)).join()}`;
}

const seenEvents = (events) => events.map((event) => ({ ...event, data: event.data.toString('latin1') }));

/** Chunks change nothing, and what is written again is read the same. */
function sse(bytes, random) {
  const whole = new SseParser(1 << 20);
  const expected = seenEvents(whole.push(bytes));
  const parser = new SseParser(1 << 20);
  const got = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + below(random, 20);
    got.push(...seenEvents(parser.push(bytes.subarray(at, end))));
    at = end;
  }
  assert.deepEqual(got, expected);
  assert.equal(parser.lastEventId, whole.lastEventId);
  assert.equal(parser.retryMs, whole.retryMs);
  for (const event of expected) {
    // A type with NUL can be read, and is not written.
    if (event.event.includes('\0')) continue;
    const data = Buffer.from(event.data, 'latin1');
    const [again] = new SseParser(1 << 20).push(encodeSse({ ...event, data }));
    if (isUtf8(data)) assert.equal(again.data.toString('latin1'), event.data);
    assert.equal(again.event, event.event);
  }
  return `events ${Math.min(expected.length, 5)} ${expected.some(({ id }) => id)} ${expected.some(({ retryMs }) => retryMs)}`;
}

/** Messages are put to a task, and taken from it; a call is made one, and plain again. */
function tasks(bytes) {
  const envelope = scanMessage(bytes);
  if (!envelope.ok) return '';
  for (const era of ['legacy', 'modern']) {
    const created = createdTaskId(bytes, envelope, era);
    if (created) assert.equal(JSON.parse(bytes.toString('utf8', created.range.start, created.range.end)), created.text);
  }
  const alone = splice(bytes, unrelatedEdits(bytes, envelope));
  regated(alone, envelope.method);
  const related = splice(bytes, relatedEdits(bytes, envelope, 't'));
  const put = relatedTaskId(related, regated(related, envelope.method));
  if (envelope.kind === 'response' && envelope.resultRange && bytes[envelope.resultRange.start] === 0x7b)
    assert.equal(put?.text, 't');
  if (envelope.kind === 'request' && envelope.paramsRange) {
    const asking = splice(bytes, taskParamEdits(bytes, envelope, '{}'));
    const plain = splice(asking, taskParamEdits(asking, regated(asking, envelope.method), undefined));
    assert.equal(regated(plain, envelope.method).taskRange, undefined);
  }
  const state = readTask(bytes, envelope);
  return `${envelope.kind} ${relatedTaskId(bytes, envelope) !== undefined} ${state?.status ?? ''} ${wantsTasks(bytes, envelope)}`;
}

export const TARGETS = { gate, requests, responses, notifications, capabilities, tasks, batch, sse };
