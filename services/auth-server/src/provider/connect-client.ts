import { CONNECT_CLIENT } from '@switchyard/contracts';
import type { ClientMetadata } from 'oidc-provider';

/**
 * The gateway's own client: the pages at which people connect their accounts sign them in with it. Nobody is asked whether the gateway
 * may know who they are; it gets an ID token, and nothing that lasts.
 */
export const connectClient = (publicUrl: string): ClientMetadata => ({
  client_id: CONNECT_CLIENT.id,
  client_name: 'Switchyard',
  redirect_uris: [`${publicUrl}${CONNECT_CLIENT.redirectPath}`],
  grant_types: ['authorization_code'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
});
