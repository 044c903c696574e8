import { errors, Provider } from 'oidc-provider';
import type { NoAnswer } from './fetch-small.js';
import type { DocumentFault } from './read-document.js';

/** Why the address that a client gave as its id leads to no client. */
export type DocumentRefusal = DocumentFault | NoAnswer | 'bad_address' | 'host_not_trusted' | 'not_permitted';

const SENTENCES: Readonly<Record<DocumentRefusal, string>> = {
  bad_address:
    'client_id must be an https URL with a path, without user, query, fragment or dot segments, in its normal spelling',
  host_not_trusted: 'this gateway accepts no clients that are described at this host',
  address_not_allowed: 'the host of client_id has an address that this gateway does not connect to',
  unreachable: 'the document at client_id could not be fetched',
  too_slow: 'the document at client_id did not come in time',
  too_large: 'the document at client_id is larger than 5 KiB',
  redirected: 'the address client_id redirects, which is not followed',
  bad_status: 'the address client_id does not answer with 200',
  not_json: 'the document at client_id is not a JSON object served as application/json',
  other_client_id: 'the document at client_id names another client_id',
  holds_secret: 'the document at client_id holds a secret; take it back, and publish none',
  shared_secret_auth: 'a client that is described at client_id must use token_endpoint_auth_method none or private_key_jwt',
  incomplete: 'the document at client_id must have client_id, client_name and redirect_uris',
  not_permitted: 'the document at client_id asks for what this gateway does not permit',
  bad_keys: 'the document at client_id must have usable public keys: jwks, or jwks_uri with https, for private_key_jwt',
};

/** The description of a client cannot be used (400 invalid_client). */
export class ClientDocumentRefused extends errors.CustomOIDCProviderError {
  readonly why: DocumentRefusal;

  /** @param detail which rule it was, to be read after a colon */
  constructor(why: DocumentRefusal, detail?: string) {
    super('invalid_client', detail === undefined ? SENTENCES[why] : `${SENTENCES[why]}: ${detail}`);
    this.why = why;
  }
}

/** So many of something have been asked for that this one has to wait (429, RFC 6585 §4). */
export class TooMany extends errors.OIDCProviderError {
  /** @param retryAfterSeconds when to come back */
  constructor(description: string, retryAfterSeconds: number) {
    super(429, 'temporarily_unavailable');
    this.error_description = description;
    Provider.ctx?.set('retry-after', String(retryAfterSeconds));
  }
}
