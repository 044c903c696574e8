import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '@switchyard/telemetry';
import type { EventSink } from '../events/event-sink.js';
import type { SigningKeys } from '../signing/signing-keys.js';
import { createProvider } from './create-provider.js';
import type { ProviderParts } from './provider-configuration.js';

type Handle = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * The authorization server with the signing keys of the moment. oidc-provider reads its keys once, so another set of keys is another
 * Provider; requests that are under way end where they began.
 */
export class RotatingProvider {
  readonly #parts: Omit<ProviderParts, 'signingKeys'> & { readonly audit: EventSink; readonly log: Logger };
  readonly #keys: SigningKeys;
  #current: { readonly keyIds: string; readonly handle: Handle } | undefined;

  constructor(
    parts: Omit<ProviderParts, 'signingKeys'> & { readonly audit: EventSink; readonly log: Logger },
    keys: SigningKeys,
  ) {
    this.#parts = parts;
    this.#keys = keys;
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    this.#rotateIfDue();
    void this.#handle()(request, response);
  }

  #handle(): Handle {
    const signingKeys = this.#keys.current();
    const keyIds = signingKeys.map(({ kid }) => kid).join(' ');
    if (this.#current?.keyIds !== keyIds) {
      this.#current = { keyIds, handle: createProvider({ ...this.#parts, signingKeys }).callback() };
    }
    return this.#current.handle;
  }

  /** Keys age only where something is signed or verified, so requests are the clock. */
  #rotateIfDue(): void {
    const { audit, log } = this.#parts;
    const rotated = this.#keys.rotateIfDue().then(async (isOurs) => {
      if (isOurs) await audit.record({ type: 'auth.signing_key_rotated', outcome: 'ok', reason: 'schedule' });
    });
    rotated.catch((error: unknown) => log.error('the signing keys could not be rotated', { error }));
  }
}
