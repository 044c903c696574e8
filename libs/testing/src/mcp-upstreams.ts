import type { TestUpstream, UpstreamOptions } from './legacy-upstream.js';
import type { ModernUpstream, ModernUpstreamOptions } from './modern-upstream.js';

// The SDKs are loaded where a server of theirs is started: every suite loads this package, and few of them start one.

/** Starts a real legacy MCP server (SDK v1, Streamable HTTP with sessions) on a random port of loopback. */
export async function startLegacyUpstream(options: UpstreamOptions): Promise<TestUpstream> {
  const { openLegacyUpstream } = await import('./legacy-upstream.js');
  return openLegacyUpstream(options);
}

/** Starts a real MCP server of revision 2026-07-28 (SDK v2) on a random port of loopback. */
export async function startModernUpstream(options: ModernUpstreamOptions): Promise<ModernUpstream> {
  const { openModernUpstream } = await import('./modern-upstream.js');
  return openModernUpstream(options);
}
