export { API_KEY_ISSUER, ApiKeyDirectory } from './api-key-directory.js';
export { decodeApiKeyRecord, encodeApiKeyRecord } from './key-record.js';
export { mintApiKey, type ApiKeyOptions } from './key-text.js';
export { encodeRevoked, revocableName, type Revoked } from './revocation-record.js';
export { revocableKey, revocableToken, Revocations, type Revocable } from './revocations.js';
