import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a stand-in answers a request with. */
export interface StandInAnswer {
  readonly status: number;
  /** JSON, or a text as it stands. */
  readonly body: object | string;
}

/** One request as it came. */
export interface StandInRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A server of a test that can be made to fail. */
export interface StandInServer extends AsyncDisposable {
  readonly url: string;
  /** `up`: answers; `failing`: 503 to everything; `silent`: takes requests and never answers. */
  mode: 'up' | 'failing' | 'silent';
  readonly requests: StandInRequest[];
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, { status, body }: StandInAnswer): void {
  response
    .writeHead(status, { 'content-type': typeof body === 'string' ? 'text/xml' : 'application/json' })
    .end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** Starts a server that answers with what `answer` says. */
export async function startStandIn(answer: (request: StandInRequest) => StandInAnswer): Promise<StandInServer> {
  const serve = async (incoming: IncomingMessage, response: ServerResponse) => {
    const { method = '', url: path = '', headers } = incoming;
    const request = { method, path, headers, body: await readBody(incoming) };
    standIn.requests.push(request);
    if (standIn.mode === 'silent') return;
    send(response, standIn.mode === 'failing' ? { status: 503, body: { errors: ['stand-in is failing'] } } : answer(request));
  };
  const server = createServer((incoming, response) => void serve(incoming, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const standIn: StandInServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mode: 'up',
    requests: [],
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return standIn;
}

/** A key-encryption key with versions, as key services have them: AES-256-GCM for real, so that a wrong context fails as there. */
export class VersionedKey {
  readonly #versions: Buffer[] = [randomBytes(32)];
  /** Versions below this do not decrypt any more; the first is 1. */
  oldestUsable = 1;

  get newest(): number {
    return this.#versions.length;
  }

  rotate(): void {
    this.#versions.push(randomBytes(32));
  }

  encrypt(plaintext: Buffer, aad: Buffer): { version: number; bytes: Buffer } {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#versions.at(-1) ?? Buffer.alloc(0), nonce).setAAD(aad);
    const bytes = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    return { version: this.newest, bytes: Buffer.concat([nonce, cipher.getAuthTag(), bytes]) };
  }

  /** @returns undefined where this key did not encrypt that */
  decrypt(version: number, bytes: Buffer, aad: Buffer): Buffer | undefined {
    const key = version < this.oldestUsable ? undefined : this.#versions[version - 1];
    if (key === undefined) return undefined;
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAAD(aad).setAuthTag(bytes.subarray(12, 28));
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]);
    } catch {
      return undefined;
    }
  }
}

/** A base64 text as Go, Java and Python services read it: strictly. */
export function strictBase64(text: unknown): Buffer | undefined {
  if (typeof text !== 'string' || !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text))
    return undefined;
  return Buffer.from(text, 'base64');
}
