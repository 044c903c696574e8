export { platformSchema, type PlatformConfig } from './platform-schema.js';
export type { Platform } from './platform.js';
export { openNatsPlatform } from './open-nats-platform.js';
export { openLocalPlatform, type LocalPlatformOptions } from './open-local-platform.js';
export { listenAddress } from './listen-address.js';
