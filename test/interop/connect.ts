import { connectSse, connectV1 } from './client-v1.js';
import { connectV2Legacy, connectV2Modern } from './client-v2.js';
import type { Endpoint, InteropClient } from './clients.js';
import type { ClientId } from './expectations.js';

/** How each client of the matrix connects. */
export const CONNECT: Readonly<Record<ClientId, (endpoint: Endpoint) => Promise<InteropClient>>> = {
  v1: connectV1,
  'v2-legacy': connectV2Legacy,
  'v2-modern': connectV2Modern,
  '2024-11-05': connectSse,
};
