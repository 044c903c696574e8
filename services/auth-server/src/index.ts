export { startAuthServer, type AuthServerDeps } from './auth-server.js';
export { authServerConfigSchema, type AuthServerConfig } from './config.js';
