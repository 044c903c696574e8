// npm run bench -- identity [--json] [--rounds N] [--edges N] [--vaults N] [--people N] [--calls N] [--expiries N] [--part revocation|refresh]
// Measures on a real authorization server, real vaults and 20 real edges on one nats-server: how fast what is revoked is enforced, and
// whether tokens of upstreams are renewed once whenever they end. Ends by itself.
// A part measures one thing: it is given the gateway and returns numbers for --json and lines for people. More parts go into PARTS.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { startAccountUpstream } from './account-upstream.mjs';
import { startGateway } from './identity-gateway.mjs';
import { agent } from './identity-person.mjs';
import { LIFETIME_SECONDS, measureRefresh } from './identity-refresh.mjs';
import { measureRevocation } from './identity-revocation.mjs';
import { option } from './options.mjs';
import { stopAll } from './processes.mjs';

const PARTS = { revocation: measureRevocation, refresh: measureRefresh };
const LIMIT_MS = 300_000;

const json = process.argv.includes('--json');
const only = process.argv.includes('--part') ? process.argv[process.argv.indexOf('--part') + 1] : undefined;
const amounts = {
  rounds: option('rounds', 15),
  people: option('people', 5),
  callsPerEdge: option('calls', 5),
  expiries: option('expiries', 4),
};
const dir = await mkdtemp(path.join(os.tmpdir(), 'switchyard-identity-'));
const deadline = setTimeout(() => {
  console.error(`not done within ${LIMIT_MS / 1000} s`);
  void stopAll().then(() => process.exit(1));
}, LIMIT_MS);
const upstream = await startAccountUpstream(LIFETIME_SECONDS);
try {
  const counts = { edgeCount: option('edges', 20), vaultCount: option('vaults', 3) };
  const gateway = await startGateway({ dir, ...counts, upstreamUrl: upstream.url });
  const measured = [];
  for (const [name, part] of Object.entries(PARTS))
    if (only === undefined || only === name) measured.push(await part(gateway, { ...amounts, upstream }));
  if (json) console.log(JSON.stringify(Object.assign({}, ...measured.map(({ numbers }) => numbers))));
  else for (const { lines } of measured) console.log(lines.join('\n'));
} finally {
  clearTimeout(deadline);
  agent.destroy();
  upstream.close();
  await stopAll();
  await rm(dir, { recursive: true, force: true });
}
