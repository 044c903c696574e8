/**
 * What is under way, by id. A Map would do, but one that is added to and deleted from all the time is rebuilt every few entries, and each
 * discarded table keeps the next one alive until a full collection: with it every call that ever stood in it moves to old space. The
 * dictionary of a plain object is rebuilt without such a trail.
 */
export class InHand<Value> {
  #entries = Object.create(null) as Record<string, Value>;
  #size = 0;

  /** Entries. */
  get size(): number {
    return this.#size;
  }

  get(id: string): Value | undefined {
    return this.#entries[id];
  }

  /** Adds, or replaces. */
  set(id: string, value: Value): void {
    if (this.#entries[id] === undefined) this.#size += 1;
    this.#entries[id] = value;
  }

  /** Removes, where it is there. */
  delete(id: string): void {
    if (this.#entries[id] === undefined) return;
    this.#size -= 1;
    delete this.#entries[id];
  }

  /** All values, in no order. */
  values(): Value[] {
    return Object.values(this.#entries);
  }
}
