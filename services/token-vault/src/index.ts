export { tokenVaultConfigSchema, tokenVaultFileSchema, type TokenVaultConfig } from './config.js';
export { startTokenVault, type TokenVaultDeps } from './start.js';
