import type { Expiring } from '@switchyard/runtime';
import { askJson, textIn, type JsonAnswer, type Transport } from './ask-json.js';
import { gcpToken } from './gcp-token.js';
import type { GcpKmsConfig } from './kek-schema.js';
import { contextBytes, KmsRejected, KmsUnavailable, type Kms, type KmsContext, type WrappedKey } from './kms.js';

const GCP = 'Google Cloud KMS';
const ok = 200;
const badRequest = 400;
const unauthorized = 401;

/** Google Cloud KMS, over its REST API. The context is the additional authenticated data. */
export class GcpKms implements Kms {
  readonly id: string;
  readonly #config: GcpKmsConfig;
  readonly #transport: Transport;
  readonly #token: Expiring<string>;

  constructor(config: GcpKmsConfig, o: Transport & { readonly clock: { now(): number } }) {
    this.#config = config;
    this.#transport = o;
    this.#token = gcpToken(config, o, o.clock);
    this.id = `gcpKms:${config.key}`;
  }

  async wrap(dataKey: Uint8Array, context: KmsContext): Promise<WrappedKey> {
    const plaintext = Buffer.from(dataKey).toString('base64');
    const { status, body } = await this.#ask('encrypt', { plaintext, additionalAuthenticatedData: additional(context) });
    if (status !== ok) throw new KmsUnavailable(`${GCP} does not encrypt with ${this.#config.key} (${status})`);
    // …/cryptoKeyVersions/3
    return { ciphertext: textIn(GCP, body['ciphertext']), keyVersion: textIn(GCP, body['name']).split('/').at(-1) ?? '' };
  }

  async unwrap(ciphertext: string, context: KmsContext): Promise<Buffer> {
    const { status, body } = await this.#ask('decrypt', { ciphertext, additionalAuthenticatedData: additional(context) });
    if (status === badRequest) throw new KmsRejected(`${GCP} did not wrap this with ${this.#config.key}`);
    if (status !== ok) throw new KmsUnavailable(`${GCP} does not decrypt with ${this.#config.key} (${status})`);
    return Buffer.from(textIn(GCP, body['plaintext']), 'base64');
  }

  async #ask(operation: 'encrypt' | 'decrypt', body: Record<string, string>): Promise<JsonAnswer> {
    const token = await this.#token.get();
    const answer = await this.#send(operation, body, token);
    if (answer.status !== unauthorized) return answer;
    this.#token.drop(token);
    return this.#send(operation, body, await this.#token.get());
  }

  #send(operation: string, body: Record<string, string>, token: string): Promise<JsonAnswer> {
    const { endpoint, key } = this.#config;
    return askJson(this.#transport, {
      peer: GCP,
      url: `${endpoint}/v1/${key}:${operation}`,
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    });
  }
}

const additional = (context: KmsContext) => contextBytes(context).toString('base64');
