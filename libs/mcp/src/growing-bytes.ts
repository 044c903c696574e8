const FIRST_CAPACITY_BYTES = 4096;

/** Bytes that arrive in pieces, gathered in one place: room doubles, so that gathering n bytes costs O(n), however small the pieces. */
export class GrowingBytes {
  private buffer: Buffer = Buffer.alloc(0);
  length = 0;

  append(piece: Buffer): void {
    const needed = this.length + piece.length;
    if (needed > this.buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2, FIRST_CAPACITY_BYTES));
      this.buffer.copy(larger, 0, 0, this.length);
      this.buffer = larger;
    }
    piece.copy(this.buffer, this.length);
    this.length = needed;
  }

  /** Hands the bytes over and begins anew. */
  take(): Buffer {
    const taken = this.buffer.subarray(0, this.length);
    this.buffer = Buffer.alloc(0);
    this.length = 0;
    return taken;
  }
}
