import type { KvStore } from '@switchyard/state';

/** What a value of the store may be, with room for what the store adds: NATS takes 1 MiB. */
const PART_BYTES = 512 * 1024;
/** How long what is left can be taken up. */
const KEPT_MS = 60_000;

const keyOf = (name: string, part: number) => `${name}/${part}`;

/** Leaves bytes of any size in the store for another edge. @returns the number of parts */
export async function leaveParts(kv: KvStore, name: string, bytes: Buffer): Promise<number> {
  const parts = Math.ceil(bytes.length / PART_BYTES);
  for (let part = 0; part < parts; part += 1)
    await kv.put(keyOf(name, part), bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES), { ttlMs: KEPT_MS });
  return parts;
}

/** Leaves one value beside the parts, by which they are found. */
export async function leaveIndex(kv: KvStore, name: string, value: Buffer): Promise<void> {
  await kv.put(name, value, { ttlMs: KEPT_MS });
}

/** Takes up what was left; undefined where it is not there any more, or not all of it. */
export async function takeParts(kv: KvStore, name: string, parts: number): Promise<Buffer | undefined> {
  const entries = await Promise.all(Array.from({ length: parts }, (_, part) => kv.get(keyOf(name, part))));
  const values = entries.flatMap((entry) => (entry === undefined ? [] : [entry.value]));
  return values.length < parts ? undefined : Buffer.concat(values);
}
