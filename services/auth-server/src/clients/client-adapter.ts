import { errors, type Adapter } from 'oidc-provider';
import { SecretUnavailable } from '../federation/identity-secrets.js';
import type { ClientDocuments } from './client-documents.js';
import type { ConfiguredClients } from './configured-clients.js';
import { looksLikeDocumentId } from './document-id.js';
import type { FailedAuthentications } from './failed-authentications.js';
import type { RegisteredClients } from './registered-clients.js';

/** Where clients come from. */
export interface ClientSources {
  /** Clients of the configuration, by id. */
  readonly configured: ConfiguredClients;
  readonly documents: ClientDocuments;
  readonly registered: RegisteredClients;
  readonly failed: FailedAuthentications;
}

/** Nobody is turned away for good because a secret cannot be had. */
function sayThatItIsAway(error: unknown): never {
  if (!(error instanceof SecretUnavailable)) throw error;
  throw new errors.TemporarilyUnavailable('the secret of this client cannot be had at the moment; try again later');
}

/** Where oidc-provider finds clients: in the configuration, at the address that their id is, among those that have registered themselves. */
export function clientAdapter({ configured, documents, registered, failed }: ClientSources): Adapter {
  const nothing = async () => undefined;
  const find = async (id: string) => {
    if (configured.has(id)) return configured.find(id).catch(sayThatItIsAway);
    return looksLikeDocumentId(id) ? documents.find(id) : registered.find(id);
  };
  return {
    find: async (id) => {
      const client = await find(id);
      await failed.check(id, client?.['token_endpoint_auth_method']);
      return client;
    },
    upsert: (id, metadata) => registered.register(id, { ...metadata }),
    destroy: (id) => registered.remove(id),
    // Of other kinds of records.
    ...{ consume: nothing, findByUid: nothing, findByUserCode: nothing, revokeByGrantId: nothing },
  };
}
