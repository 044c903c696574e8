import path from 'node:path';
import { examineClient, scenariosOf } from './referee.mjs';

const DRIVER = path.join(import.meta.dirname, 'client-driver.mjs');
/** In scenarios about OAuth the referee counts and judges every request, so what is examined is the vault's connector by itself. */
const OAUTH_DRIVER = path.join(import.meta.dirname, 'oauth-driver.mjs');

/** Has the referee examine a running gateway as the client of its own servers, one scenario after the other. */
export async function examineUpstreamSide({ gateway, revision, only }) {
  const checks = new Map();
  for (const scenario of only === undefined ? await scenariosOf(revision, 'client') : [only]) {
    const env = { CONFORMANCE_GATEWAY_FILE: gateway.file };
    const driver = scenario.startsWith('auth/') ? OAUTH_DRIVER : DRIVER;
    const made = await examineClient({ command: `${process.execPath} ${driver}`, revision, only: scenario, env });
    checks.set(scenario, made.get(scenario));
  }
  return checks;
}
