/** Keys of `_meta` that the protocol owns (MCP 2026-07-28, "General fields"). */
export const META_KEYS = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
  /** Legacy only (MCP 2025-11-25, "Tasks"). */
  relatedTask: 'io.modelcontextprotocol/related-task',
} as const;
