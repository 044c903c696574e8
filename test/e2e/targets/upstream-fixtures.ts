import { startLegacyUpstream, startModernUpstream, type ModernUpstream, type TestUpstream } from '@switchyard/testing';

/** MCP servers of the tests behind every target; what they received is the oracle for what reached an upstream. */
export interface UpstreamFixtures extends AsyncDisposable {
  /** Speaks both eras; behind the servers `team` and `open`. */
  readonly ledger: ModernUpstream;
  /** Legacy, and is to be shown a credential; behind the server `vault`. */
  readonly locked: TestUpstream;
}

/** Starts them on random ports of loopback. */
export async function startUpstreamFixtures(): Promise<UpstreamFixtures> {
  await using undo = new AsyncDisposableStack();
  const ledger = undo.use(await startModernUpstream({ name: 'ledger', alsoLegacy: true }));
  const locked = undo.use(await startLegacyUpstream({ name: 'locked' }));
  const started = undo.move();
  return { ledger, locked, [Symbol.asyncDispose]: () => started.disposeAsync() };
}
