export { API_KEY_ISSUER, ApiKeyDirectory } from './api-key-directory.js';
export { decodeApiKeyRecord, encodeApiKeyRecord } from './key-record.js';
export { mintApiKey, type ApiKeyOptions } from './key-text.js';
