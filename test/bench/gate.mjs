// Prints what the gate costs per message: microseconds for a few shapes and sizes, and the same bytes through JSON.parse.
//   node test/bench/gate.mjs
import { isBatch, scanMessage } from '@switchyard/mcp';

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

const call = (id, text, meta) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'echo', arguments: { message: text }, _meta: meta },
});
const result = (text) => ({ jsonrpc: '2.0', id: 7, result: { content: [{ type: 'text', text }], isError: false } });

/** Pads a message made from a text of growing length up to a size. */
function sized(sizeBytes, make) {
  const bare = Buffer.byteLength(JSON.stringify(make('')));
  return Buffer.from(JSON.stringify(make('x'.repeat(Math.max(0, sizeBytes - bare)))));
}

const proseOf = (length) =>
  'A line of prose with "quotes", one tab\t, and an end.\n'.repeat(Math.ceil(length / 53)).slice(0, length);
const rowsOf = (count) =>
  Array.from({ length: count }, (_, index) => ({ id: index, name: `row ${index}`, ratio: index / 7, tags: ['a', null, true] }));
const table = { jsonrpc: '2.0', id: 7, result: { content: [], structuredContent: { rows: rowsOf(15_000) } } };

const CASES = [
  ['call, 300 B', sized(300, (text) => call(1, text, { progressToken: 1 }))],
  ['call, 300 B, modern envelope', sized(300, (text) => call(1, text, META))],
  ['call, 10 KiB', sized(10 * 1024, (text) => call(1, text, META))],
  ['call, 1 MiB, one string', sized(1024 * 1024, (text) => call(1, text, META))],
  ['result, 300 B', sized(300, result)],
  ['result, 1 MiB, one string', sized(1024 * 1024, result)],
  ['result, 1 MiB, prose with escapes', Buffer.from(JSON.stringify(result(proseOf(960 * 1024))))],
  ['result, 1 MiB, table of small values', Buffer.from(JSON.stringify(table))],
];

/** Best of five runs, microseconds per call. */
function microsPerCall(run, calls) {
  for (let index = 0; index < calls; index += 1) run();
  let bestMicros = Infinity;
  for (let round = 0; round < 5; round += 1) {
    const startedAt = process.hrtime.bigint();
    for (let index = 0; index < calls; index += 1) run();
    bestMicros = Math.min(bestMicros, Number(process.hrtime.bigint() - startedAt) / 1000 / calls);
  }
  return bestMicros;
}

console.log('message'.padEnd(40), 'bytes'.padStart(9), 'gate µs'.padStart(10), 'JSON.parse µs'.padStart(14), 'ratio'.padStart(7));
for (const [name, bytes] of CASES) {
  if (isBatch(bytes) || !scanMessage(bytes).ok) throw new Error(`${name}: refused`);
  const calls = Math.max(20, Math.round(20_000_000 / (bytes.length + 200)));
  const gateMicros = microsPerCall(() => scanMessage(bytes), calls);
  const parseMicros = microsPerCall(() => JSON.parse(bytes.toString('utf8')), calls);
  const cells = [
    gateMicros.toFixed(2).padStart(10),
    parseMicros.toFixed(2).padStart(14),
    (gateMicros / parseMicros).toFixed(2).padStart(7),
  ];
  console.log(name.padEnd(40), String(bytes.length).padStart(9), ...cells);
}
