import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import type { StreamDefinition } from '@switchyard/contracts';
import type { ConsumeOptions } from './bus.js';

// JetStream's answer when the stream exists with another configuration (JSStreamNameExistErr).
const streamNameInUse = 10058;
// Its answer where what streams may take leaves no room for another one (JSStorageResourcesExceededErr).
const storageResourcesExceeded = 10047;

function streamConfig(stream: StreamDefinition, replicas: number): Partial<StreamConfig> & { name: string } {
  return {
    name: stream.name,
    subjects: [...stream.subjects],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    // Full means refused: dropping the oldest would lose what was confirmed to its publisher.
    discard: DiscardPolicy.New,
    duplicate_window: nanos(stream.duplicateWindowMs),
    max_age: nanos(stream.maxAgeMs),
    max_bytes: stream.limitBytes,
    num_replicas: replicas,
    deny_delete: true,
  };
}

/** Creates a stream where it is missing, and brings one of an earlier version up to date. */
export async function ensureStream(manager: JetStreamManager, stream: StreamDefinition, replicas: number): Promise<void> {
  const config = streamConfig(stream, replicas);
  try {
    await manager.streams.add(config);
  } catch (error) {
    const code = error instanceof JetStreamApiError ? error.code : undefined;
    // JetStream makes sure of the room before it looks whether the stream is there already. Where it is not, what comes next fails.
    if (code === storageResourcesExceeded) return;
    if (code !== streamNameInUse) throw error;
    await manager.streams.update(stream.name, config);
  }
}

/**
 * Creates a durable pull consumer where it is missing. Its position is never changed.
 * @param ackWaitMs how long JetStream waits for an acknowledgement before it delivers a message again
 */
export async function ensureConsumer(manager: JetStreamManager, options: ConsumeOptions, ackWaitMs: number): Promise<void> {
  await manager.consumers.add(options.stream.name, {
    durable_name: options.durable,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(ackWaitMs),
    max_deliver: -1,
    max_ack_pending: Math.max(1_000, 4 * options.batchMessages),
  });
}
