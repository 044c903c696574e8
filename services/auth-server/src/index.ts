export { startAuthServer, type AuthServerDeps } from './auth-server.js';
export { authServerConfigSchema, authServerFileSchema, type AuthServerConfig } from './config.js';
