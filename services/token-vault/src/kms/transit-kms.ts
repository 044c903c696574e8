import type { Expiring } from '@switchyard/runtime';
import { askJson, mapIn, textIn, type JsonAnswer, type Transport } from './ask-json.js';
import type { TransitConfig } from './kek-schema.js';
import { contextBytes, KmsRejected, KmsUnavailable, type Kms, type KmsContext, type WrappedKey } from './kms.js';
import { TRANSIT, transitHeaders, transitToken } from './transit-token.js';

const ok = 200;
const badRequest = 400;
const forbidden = 403;

/**
 * The Transit secrets engine of OpenBao and HashiCorp Vault, over its HTTP API. The key must be of an AEAD type
 * (aes256-gcm96, chacha20-poly1305): the context goes along as `associated_data`.
 */
export class TransitKms implements Kms {
  readonly id: string;
  readonly #config: TransitConfig;
  readonly #transport: Transport;
  readonly #token: Expiring<string>;

  constructor(config: TransitConfig, o: Transport & { readonly clock: { now(): number } }) {
    this.#config = config;
    this.#transport = o;
    this.#token = transitToken(config, o, o.clock);
    this.id = `transit:${config.mount}/${config.key}`;
  }

  async wrap(dataKey: Uint8Array, context: KmsContext): Promise<WrappedKey> {
    const plaintext = Buffer.from(dataKey).toString('base64');
    const { status, body } = await this.#ask('encrypt', { plaintext, associated_data: associatedData(context) });
    if (status !== ok) throw new KmsUnavailable(`${TRANSIT} does not encrypt with key ${this.#config.key} (${status})`);
    const ciphertext = textIn(TRANSIT, mapIn(body['data'])['ciphertext']);
    // vault:v3:…
    return { ciphertext, keyVersion: ciphertext.split(':')[1] ?? '' };
  }

  async unwrap(ciphertext: string, context: KmsContext): Promise<Buffer> {
    const { status, body } = await this.#ask('decrypt', { ciphertext, associated_data: associatedData(context) });
    // 400 is for what the key does not open, and for versions below min_decryption_version.
    if (status === badRequest) throw new KmsRejected(`${TRANSIT} did not wrap this with key ${this.#config.key}`);
    if (status !== ok) throw new KmsUnavailable(`${TRANSIT} does not decrypt with key ${this.#config.key} (${status})`);
    return Buffer.from(textIn(TRANSIT, mapIn(body['data'])['plaintext']), 'base64');
  }

  async #ask(operation: 'encrypt' | 'decrypt', body: Record<string, string>): Promise<JsonAnswer> {
    const token = await this.#token.get();
    const answer = await this.#send(operation, body, token);
    if (answer.status !== forbidden) return answer;
    // The token may have been revoked before its time.
    this.#token.drop(token);
    const next = await this.#token.get();
    return next === token ? answer : this.#send(operation, body, next);
  }

  #send(operation: string, body: Record<string, string>, token: string): Promise<JsonAnswer> {
    const { address, mount, key } = this.#config;
    return askJson(this.#transport, {
      peer: TRANSIT,
      url: `${address}/v1/${mount}/${operation}/${encodeURIComponent(key)}`,
      method: 'POST',
      headers: { ...transitHeaders(this.#config), 'x-vault-token': token },
      body: JSON.stringify(body),
    });
  }
}

const associatedData = (context: KmsContext) => contextBytes(context).toString('base64');
