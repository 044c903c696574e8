import type { EventType, Price } from '@switchyard/contracts';
import type { Catalog } from './catalog.js';
import type { Facts } from './facts.js';

/** What has a price. Looking after a task is part of the call that it came from. */
const PRICED: ReadonlySet<EventType> = new Set(['tool.called', 'prompt.got', 'resource.read', 'completion.made']);

/**
 * What an answered call costs by the price table, in millionths of its currency. Tokens are those that the upstream reports; where it
 * reports none, those that arguments and result are estimated to be.
 */
export function costOf(facts: Facts, { upstreams }: Pick<Catalog, 'upstreams'>): number {
  const price = upstreams.get(facts.upstream)?.price;
  if (price === undefined || !PRICED.has(facts.type)) return 0;
  return amount(facts.capability_kind === 'tool' ? priceOfTool(price, facts.upstream_capability) : price, facts);
}

const priceOfTool = (price: Price, name: string): Price =>
  Object.hasOwn(price.tools, name) ? (price.tools[name] ?? price) : price;

function amount(price: Price, facts: Facts): number {
  const reported = facts.model_tokens_in + facts.model_tokens_out > 0;
  const read = reported ? facts.model_tokens_in : facts.arguments_tokens;
  const written = reported ? facts.model_tokens_out : facts.result_tokens;
  const ofTokens = read * price.perThousandTokensInMicros + written * price.perThousandTokensOutMicros;
  return price.perCallMicros + Math.round(ofTokens / 1_000);
}
