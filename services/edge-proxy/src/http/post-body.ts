import { Readable } from 'node:stream';

/** A body of which only a part has come with its header section. */
export class PostBody extends Readable {
  #left: number;
  #isWanted = true;
  readonly #onRoom: () => void;

  /** @param onRoom told when there is room for more */
  constructor(lengthBytes: number, onRoom: () => void) {
    super();
    this.#left = lengthBytes;
    this.#onRoom = onRoom;
    // Who reads it hears of it as well; where nobody does, there is nothing to do.
    this.on('error', () => undefined);
  }

  /** Whether all of it has come. */
  get isWhole(): boolean {
    return this.#left === 0;
  }

  /** Takes what belongs to it. @returns what is behind it @param whenFull called where it should wait for room before more is read */
  accept(bytes: Buffer, whenFull: () => void): Buffer | undefined {
    const own = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= own.length;
    if (this.#isWanted) {
      const hasRoom = this.push(own);
      if (this.isWhole) this.push(null);
      else if (!hasRoom) whenFull();
    }
    return bytes.length > own.length ? bytes.subarray(own.length) : undefined;
  }

  /** Nobody wants what is still to come. */
  forget(): void {
    this.#isWanted = false;
    this.destroy();
  }

  /** The client has gone before all of it had come. */
  abort(): void {
    if (!this.isWhole) this.destroy(new Error('the client has gone'));
  }

  override _read(): void {
    this.#onRoom();
  }
}
