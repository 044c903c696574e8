export { startEdgeProxy } from './start.js';
export { edgeProxyConfigSchema, edgeProxyFileSchema, type EdgeProxyConfig } from './config.js';
export type { EdgeProxyDeps } from './public-edge.js';
export { LADDER, type Reason } from './ladder.js';
