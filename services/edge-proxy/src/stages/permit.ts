import type { Call } from '../exchange.js';
import { Refusal } from '../refusal.js';
import { decide, type Decision } from './authorize.js';
import { scopesFor } from './check-scopes.js';
import type { Target } from './resolve.js';

type Denial = Extract<Decision, { readonly allowed: false }>['because'];

/** What of the configuration denies, below the server's source. */
const DENIED_BY: Readonly<Record<Denial, (source: string) => string>> = {
  not_offered: (source) => source,
  denied_by_source: (source) => `${source}.deny`,
  no_rule_grants: (source) => source.replace(/\.sources\[\d+\]$/, '.access'),
};

/** May this caller use it? The same decision filters lists. */
export function permit(call: Call, { upstream, source, capability }: Target): Refusal | undefined {
  const { exchange, caller } = call;
  const { facts } = exchange;
  facts.source = source;
  facts.upstream = upstream.name;
  facts.upstream_capability = capability.name;
  const decision = decide(caller.principal, source, capability, exchange.catalog);
  if (decision.allowed) {
    facts.rule = source.rules[decision.rule]?.rendered ?? '';
    const scopes = scopesFor(caller.scopes, source, capability);
    return scopes && insufficientScope(call, scopes);
  }
  facts.detail = { because: decision.because };
  facts.ruledBy(DENIED_BY[decision.because](source.path));
  return new Refusal(
    'policy_denied',
    `You may not use this ${capability.kind} here. Ask the gateway’s administrators for access to it (server "${exchange.server.slug}").`,
  );
}

/** The client asks for more, and the person says whether it may have it. */
function insufficientScope({ exchange, caller }: Call, scopes: readonly string[]): Refusal {
  exchange.facts.detail = { because: 'scope' };
  exchange.facts.ruledBy(`servers.${exchange.server.slug}.scopes`);
  const data = { required_scopes: scopes };
  return caller.principal.kind === 'anonymous'
    ? new Refusal('token_missing', 'Sign in: this needs a token with scopes of its own.', data)
    : new Refusal('insufficient_scope', `The token was not given for this: authorize again with ${scopes.join(' ')}.`, data);
}
