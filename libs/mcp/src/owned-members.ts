import { CLOSE_BRACE, COMMA, QUOTE, type JsonScanner } from './json-scanner.js';
import { foldKey, UNOWNED, type OwnedKeys } from './owned-keys.js';

/** A longer key cannot fold to an owned one: no owned key has more than 43 characters, none of them takes more than 12 bytes. */
const LONGEST_FOLDABLE_BYTES = 1024;
/** Keys of one message that are decoded and folded. An honest message has none or a few; folding is what costs. */
const MOST_FOLDED_KEYS = 256;
const PROTO = '__proto__';

/** What is wrong with a message that is good JSON; shared by all objects of one message. */
export class Objections {
  /** The first objection; empty while there is none. */
  first = '';
  foldedKeys = 0;

  /** Records an objection, unless there is one already. */
  raise(what: string): void {
    if (this.first === '') this.first = what;
  }
}

function holdsNonAscii(bytes: Buffer, start: number, end: number): boolean {
  for (let index = start; index < end; index += 1) if ((bytes[index] ?? 0) >= 0x80) return true;
  return false;
}

/**
 * Goes through the members of one object in an owned position. Owned keys must be spelt exactly and stand once, whichever way a
 * peer's parser folds case or picks among duplicates; members that are not owned pass.
 */
export class OwnedMembers {
  /** The owned key of the current member, empty for any other. */
  key = '';
  private seen = 0;
  private isFirst = true;
  private prefixed: Set<string> | undefined;

  /** Opens the object that starts at the scanner's position. @param where names the object in objections */
  constructor(
    private readonly scanner: JsonScanner,
    private readonly keys: OwnedKeys,
    private readonly objections: Objections,
    private readonly where: string,
    depth: number,
  ) {
    if (scanner.enter(depth)) scanner.at += 1;
  }

  /** Goes to the next member's value, which the caller must go past. Returns false after the last one, or with a problem. */
  next(): boolean {
    const { scanner } = this;
    if (scanner.problem !== '') return false;
    const byte = scanner.space();
    if (byte === CLOSE_BRACE) {
      scanner.at += 1;
      return false;
    }
    if (!this.isFirst) {
      if (byte !== COMMA) return scanner.fail('a comma or a closing bracket was expected');
      scanner.at += 1;
    }
    this.isFirst = false;
    return this.readKey();
  }

  private readKey(): boolean {
    const { scanner } = this;
    if (scanner.space() !== QUOTE) return scanner.fail('a member name was expected');
    const start = scanner.at + 1;
    const index = this.keys.matchExact(scanner.bytes, start);
    if (index !== UNOWNED) {
      this.own(index);
      scanner.at = start + this.keys.lengthOf(index) + 1;
    } else {
      if (!scanner.skipString()) return false;
      this.identify(start, scanner.at - 1, scanner.escaped);
    }
    if (!scanner.skipColon()) return false;
    scanner.space();
    return true;
  }

  private identify(start: number, end: number, escaped: boolean): void {
    const { bytes } = this.scanner;
    const index = escaped ? UNOWNED : this.keys.match(bytes, start, end);
    if (index !== UNOWNED) return this.own(index);
    this.key = '';
    const isPrefixed = this.keys.beginsWithPrefix(bytes, start, end);
    if (!isPrefixed && end - start > LONGEST_FOLDABLE_BYTES) return;
    if (escaped || isPrefixed || holdsNonAscii(bytes, start, end)) this.identifyText(start, end, escaped);
  }

  private identifyText(start: number, end: number, escaped: boolean): void {
    this.objections.foldedKeys += 1;
    if (this.objections.foldedKeys > MOST_FOLDED_KEYS) return this.objections.raise(`Too many unusual keys in ${this.where}.`);
    const { bytes } = this.scanner;
    const text = escaped ? String(JSON.parse(bytes.toString('utf8', start - 1, end + 1))) : bytes.toString('utf8', start, end);
    const index = this.keys.matchText(text);
    if (index !== UNOWNED) return this.own(index);
    this.checkPrefixed(text);
  }

  /** Notes an owned key. @param index as `OwnedKeys.match` returns it, not UNOWNED */
  private own(index: number): void {
    const name = this.keys.names[index < 0 ? -2 - index : index] ?? '';
    this.key = index < 0 ? '' : name;
    if (index < 0) return this.objections.raise(`A key in ${this.where} differs from "${name}" in case or form alone.`);
    if (name === PROTO) return this.objections.raise(`The key "__proto__" is not allowed in ${this.where}.`);
    const bit = 1 << index;
    if ((this.seen & bit) !== 0) this.objections.raise(`The key "${name}" stands twice in ${this.where}.`);
    this.seen |= bit;
  }

  /** A key under the owned prefix that is not known by name: spelt like the prefix, and once. */
  private checkPrefixed(text: string): void {
    const { prefix } = this.keys;
    if (prefix === '') return;
    const folded = foldKey(text);
    if (!folded.startsWith(prefix)) return;
    this.prefixed ??= new Set();
    if (!text.startsWith(prefix))
      this.objections.raise(`A key in ${this.where} differs from "${prefix}…" in case or form alone.`);
    if (this.prefixed.has(folded)) this.objections.raise(`A key that begins with "${prefix}" stands twice in ${this.where}.`);
    this.prefixed.add(folded);
  }
}
