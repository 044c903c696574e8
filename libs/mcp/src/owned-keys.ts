/** What `OwnedKeys.match` says of a key that is none of the owned ones. */
export const UNOWNED = -1;

/** One owned key, as bytes. */
interface OwnedKey {
  readonly index: number;
  readonly exact: Buffer;
}

const QUOTE = 0x22;

/** ASCII letters to lower case, byte by byte. */
const LOWER = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte));

/**
 * The form under which a lenient parser might take two keys for one: compatibility forms folded (`ſ` U+017F, `K` U+212A, full-width
 * letters), then both cases folded, `İ` and `ı` included.
 */
export function foldKey(text: string): string {
  return text.normalize('NFKC').toUpperCase().toLowerCase().replaceAll('i\u0307', 'i');
}

/** The keys of one kind of object that the gateway reads or writes; every other key belongs to the peers. */
export class OwnedKeys {
  private readonly byFirstByte: readonly (readonly OwnedKey[])[];
  private readonly byLength: readonly (readonly OwnedKey[])[];
  private readonly byText: ReadonlyMap<string, number>;
  private readonly byFold: ReadonlyMap<string, number>;
  private readonly prefixBytes: Buffer;

  /**
   * @param names at most 31
   * @param prefix lower-case ASCII; keys that begin so are owned too, though not known one by one
   */
  constructor(
    readonly names: readonly string[],
    readonly prefix = '',
  ) {
    const longest = Math.max(...names.map((name) => name.length));
    const keys = names.map((name, index) => ({ index, exact: Buffer.from(name) }));
    this.byFirstByte = Array.from({ length: 256 }, (_, byte) => keys.filter((key) => key.exact[0] === byte));
    this.byLength = Array.from({ length: longest + 1 }, (_, length) => keys.filter((key) => key.exact.length === length));
    this.prefixBytes = Buffer.from(prefix);
    this.byText = new Map(names.map((name, index) => [name, index]));
    this.byFold = new Map(names.map((name, index) => [foldKey(name), index]));
  }

  /** Finds an exactly spelt key and its closing quote at `start`. Returns its index in `names`, or UNOWNED. The common case, in one look. */
  matchExact(bytes: Buffer, start: number): number {
    const candidates = this.byFirstByte[bytes[start] ?? 0];
    if (candidates === undefined) return UNOWNED;
    for (const { index, exact } of candidates) {
      const { length } = exact;
      if (start + length >= bytes.length || bytes[start + length] !== QUOTE) continue;
      let matched = 1;
      while (matched < length && bytes[start + matched] === exact[matched]) matched += 1;
      if (matched === length) return index;
    }
    return UNOWNED;
  }

  /** How many bytes the key at an index has. */
  lengthOf(index: number): number {
    return this.names[index]?.length ?? 0;
  }

  /**
   * Finds a key that holds no escapes, by its bytes [start, end).
   * @returns the index in `names`; UNOWNED; or `-2 - index` for a spelling that differs from that name in case alone
   */
  match(bytes: Buffer, start: number, end: number): number {
    const candidates = this.byLength[end - start];
    if (candidates === undefined) return UNOWNED;
    for (const key of candidates) {
      const found = this.compare(key, bytes, start, end);
      if (found !== UNOWNED) return found;
    }
    return UNOWNED;
  }

  /** Whether the bytes [start, end) begin with the owned prefix, in whichever case. */
  beginsWithPrefix(bytes: Buffer, start: number, end: number): boolean {
    const { length } = this.prefixBytes;
    if (length === 0 || end - start < length) return false;
    for (let index = 0; index < length; index += 1) {
      if (LOWER[bytes[start + index] ?? 0] !== this.prefixBytes[index]) return false;
    }
    return true;
  }

  /** Finds a decoded key; answers as `match` does, compatibility forms of the letters included. */
  matchText(text: string): number {
    const exact = this.byText.get(text);
    if (exact !== undefined) return exact;
    const variantOf = this.byFold.get(foldKey(text));
    return variantOf === undefined ? UNOWNED : -2 - variantOf;
  }

  private compare(key: OwnedKey, bytes: Buffer, start: number, end: number): number {
    const { exact } = key;
    let isExact = true;
    for (let index = start; index < end; index += 1) {
      const byte = bytes[index] ?? 0;
      const expected = exact[index - start] ?? 0;
      if (byte === expected) continue;
      if (LOWER[byte] !== LOWER[expected]) return UNOWNED;
      isExact = false;
    }
    return isExact ? key.index : -2 - key.index;
  }
}
