import { AwsUnavailable, awsCredentials, signAws, type AwsCredentials, type AwsCredentialsConfig } from '@switchyard/aws';
import type { Expiring } from '@switchyard/runtime';
import { askJson, textIn, type JsonAnswer, type Transport } from './ask-json.js';
import type { AwsKmsConfig } from './kek-schema.js';
import { KmsRejected, KmsUnavailable, type Kms, type KmsContext, type WrappedKey } from './kms.js';

const AWS = 'AWS KMS';
const ok = 200;
/** What AWS KMS says of a ciphertext that this key did not make under this encryption context (AWS KMS API, "Decrypt"). */
const rejections = new Set(['InvalidCiphertextException', 'IncorrectKeyException']);
/** What AWS says of credentials that have ended. */
const ended = new Set(['ExpiredTokenException', 'UnrecognizedClientException', 'InvalidClientTokenId']);

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
    this.#credentials = awsCredentials(credentialsOf(config), config.region, { ...o, sessionName: 'switchyard-token-vault' });
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
    const credentials = await this.#keys();
    const answer = await this.#send(operation, body, credentials);
    if (!ended.has(errorOf(answer.body, answer.status))) return answer;
    this.#credentials.drop(credentials);
    return this.#send(operation, body, await this.#keys());
  }

  async #keys(): Promise<AwsCredentials> {
    try {
      return await this.#credentials.get();
    } catch (cause) {
      throw cause instanceof AwsUnavailable ? new KmsUnavailable(cause.message, { cause }) : cause;
    }
  }

  async #send(operation: string, body: string, credentials: AwsCredentials): Promise<JsonAnswer> {
    const { region, endpoint = `https://kms.${region}.amazonaws.com` } = this.#config;
    const { url, headers } = await signAws({
      method: 'POST',
      url: `${endpoint}/`,
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${operation}` },
      body,
      credentials,
      service: 'kms',
      region,
      atMs: this.#clock.now(),
    });
    return askJson(this.#transport, { peer: AWS, url, method: 'POST', headers, body });
  }
}

function credentialsOf({ credentials: { accessKey, webIdentity, container } }: AwsKmsConfig): AwsCredentialsConfig {
  if (accessKey === undefined) return { webIdentity, container };
  const { id, secret, sessionToken } = accessKey;
  const session = sessionToken === undefined ? {} : { sessionToken: sessionToken.reveal() };
  return { accessKey: { accessKeyId: id, secretAccessKey: secret.reveal(), ...session } };
}

// com.amazonaws.kms#NotFoundException, or without the part before the mark.
function errorOf(body: JsonAnswer['body'], status: number): string {
  const type = body['__type'];
  return typeof type === 'string' ? (type.split('#').at(-1) ?? type) : String(status);
}
