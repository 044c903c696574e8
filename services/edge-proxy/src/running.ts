/** Has a place in a list of what is running; the list alone writes it. */
export interface Placed {
  place: number;
}

/** What is running, to be counted and gone through. A Set that changes all the time has the flaw that `InHand` tells of. */
export class Running<Item extends Placed> {
  readonly #items: Item[] = [];

  get size(): number {
    return this.#items.length;
  }

  add(item: Item): void {
    item.place = this.#items.length;
    this.#items.push(item);
  }

  /** Takes out an item that was added: the last one takes its place. */
  remove(item: Item): void {
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    last.place = item.place;
    this.#items[item.place] = last;
  }

  /** All of them, as they are now. */
  all(): Item[] {
    return [...this.#items];
  }
}
