import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Content, ContentSchema } from '@switchyard/contracts';
import type { KvStore } from '@switchyard/state';
import { randomUUID } from 'node:crypto';
import type { EdgeKey } from './edge-key.js';
import { leaveParts, takeParts } from './left-parts.js';

/** Largest content that goes in a message: several of them, in Base64, have to fit into the 1 MiB of NATS. */
export const INLINE_BYTES = 128 * 1024;

const BINDING = Buffer.from('switchyard.edge.v1.Content');

/**
 * What clients and upstreams say, on its way between edges. Sealed, because every service may listen where answers arrive on NATS; what
 * is too large for a message is left in the bucket of streams.
 */
export class EdgeContents {
  /** @param kv the bucket of streams @param key of all edges */
  constructor(
    private readonly kv: KvStore,
    private readonly key: EdgeKey,
  ) {}

  /** Makes bytes ready for a message to another edge. */
  async pack(bytes: Buffer): Promise<MessageInitShape<typeof ContentSchema>> {
    const sealed = this.key.seal(bytes, BINDING);
    if (sealed.length <= INLINE_BYTES) return { sealed };
    const left = `content/${randomUUID()}`;
    return { left, parts: await leaveParts(this.kv, left, sealed) };
  }

  /** The bytes that another edge has packed. @throws Error where they are not there, or no edge has packed them */
  async unpack(content: Content | undefined): Promise<Buffer> {
    if (content === undefined) throw new Error('a message of another edge has no content');
    const { sealed, left, parts } = content;
    const bytes = left === '' ? Buffer.from(sealed) : await takeParts(this.kv, left, parts);
    const plain = bytes && this.key.open(bytes, BINDING);
    if (plain === undefined) throw new Error('what another edge has left cannot be taken up');
    return plain;
  }
}
