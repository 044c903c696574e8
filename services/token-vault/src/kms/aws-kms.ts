import { AwsV4Signer } from 'aws4fetch';
import { askJson, textIn, type JsonAnswer, type Transport } from './ask-json.js';
import { awsCredentials, type AwsCredentials } from './aws-credentials.js';
import type { Expiring } from './expiring.js';
import type { AwsKmsConfig } from './kek-schema.js';
import { KmsRejected, KmsUnavailable, type Kms, type KmsContext, type WrappedKey } from './kms.js';

const AWS = 'AWS KMS';
const ok = 200;
/** What AWS KMS says of a ciphertext that this key did not make under this encryption context (AWS KMS API, "Decrypt"). */
const rejections = new Set(['InvalidCiphertextException', 'IncorrectKeyException']);
/** What AWS says of credentials that have ended. */
const ended = new Set(['ExpiredTokenException', 'UnrecognizedClientException', 'InvalidClientTokenId']);

/** A time as AWS signs it: 20260131T000000Z. */
const amzDate = (atMs: number) => new Date(atMs).toISOString().replace(/[-:]|\.\d{3}/g, '');

/** AWS KMS, over its HTTP API with Signature Version 4. The context is the encryption context, so CloudTrail shows it. */
export class AwsKms implements Kms {
  readonly id: string;
  readonly #config: AwsKmsConfig;
  readonly #transport: Transport;
  readonly #clock: { now(): number };
  readonly #credentials: Expiring<AwsCredentials>;

  constructor(config: AwsKmsConfig, o: Transport & { readonly clock: { now(): number } }) {
    this.#config = config;
    this.#transport = o;
    this.#clock = o.clock;
    this.#credentials = awsCredentials(config, o, o.clock);
    this.id = `awsKms:${config.keyId}`;
  }

  async wrap(dataKey: Uint8Array, context: KmsContext): Promise<WrappedKey> {
    const { status, body } = await this.#ask('Encrypt', {
      Plaintext: Buffer.from(dataKey).toString('base64'),
      EncryptionContext: context,
    });
    if (status !== ok)
      throw new KmsUnavailable(`${AWS} does not encrypt with key ${this.#config.keyId} (${errorOf(body, status)})`);
    return { ciphertext: textIn(AWS, body['CiphertextBlob']), keyVersion: textIn(AWS, body['KeyId']) };
  }

  async unwrap(ciphertext: string, context: KmsContext): Promise<Buffer> {
    const { status, body } = await this.#ask('Decrypt', { CiphertextBlob: ciphertext, EncryptionContext: context });
    const error = errorOf(body, status);
    if (rejections.has(error)) throw new KmsRejected(`${AWS} did not wrap this with key ${this.#config.keyId} (${error})`);
    if (status !== ok) throw new KmsUnavailable(`${AWS} does not decrypt with key ${this.#config.keyId} (${error})`);
    return Buffer.from(textIn(AWS, body['Plaintext']), 'base64');
  }

  async #ask(operation: 'Encrypt' | 'Decrypt', parameters: object): Promise<JsonAnswer> {
    const body = JSON.stringify({ KeyId: this.#config.keyId, ...parameters });
    const credentials = await this.#credentials.get();
    const answer = await this.#send(operation, body, credentials);
    if (!ended.has(errorOf(answer.body, answer.status))) return answer;
    this.#credentials.drop(credentials);
    return this.#send(operation, body, await this.#credentials.get());
  }

  async #send(operation: string, body: string, credentials: AwsCredentials): Promise<JsonAnswer> {
    const { region, endpoint = `https://kms.${region}.amazonaws.com` } = this.#config;
    const signed = await new AwsV4Signer({
      method: 'POST',
      url: `${endpoint}/`,
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${operation}` },
      body,
      ...credentials,
      service: 'kms',
      region,
      datetime: amzDate(this.#clock.now()),
      // Everything that says what is asked is signed, the content type too.
      allHeaders: true,
    }).sign();
    const headers = Object.fromEntries(signed.headers);
    return askJson(this.#transport, { peer: AWS, url: signed.url.toString(), method: 'POST', headers, body });
  }
}

// com.amazonaws.kms#NotFoundException, or without the part before the mark.
function errorOf(body: JsonAnswer['body'], status: number): string {
  const type = body['__type'];
  return typeof type === 'string' ? (type.split('#').at(-1) ?? type) : String(status);
}
