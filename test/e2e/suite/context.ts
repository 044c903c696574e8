import type { AdminApi } from '../admin-api.js';
import type { CallLedger } from '../call-ledger.js';
import type { Target } from '../targets/target.js';

/** What the parts of the suite work with; one for each target. */
export interface SuiteContext {
  readonly target: Target;
  /** The API as the first admin key sees it. */
  readonly admin: AdminApi;
  /** Every tool call that a part of the suite made. */
  readonly ledger: CallLedger;
}

/** The target stands only when tests run, not when they are declared. */
export type GetContext = () => SuiteContext;

/** URL of one MCP server. */
export const serverUrl = ({ target }: SuiteContext, slug: string) => `${target.publicUrl}/mcp/${slug}`;

/** Requests of a kind that an upstream of the tests received with this text in them. */
export const receivedWith = (upstream: { readonly received: readonly { readonly body: string }[] }, text: string) =>
  upstream.received.filter(({ body }) => body.includes(text));
