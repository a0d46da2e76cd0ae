// SPDX-License-Identifier: Apache-2.0
/*
 * The newest so many items, oldest first, each with an id that rises by one for as long as the page is open. A View is the
 * part of a Ring that a test accepts, kept up to date by looking at new items only.
 */
export interface Item<T> {
  readonly id: number;
  readonly value: T;
}

export class Ring<T> {
  private items: Item<T>[] = [];
  private start = 0;
  private nextId = 1;

  constructor(readonly capacity: number) {}

  get length(): number {
    return this.items.length - this.start;
  }

  /** Id of the oldest item; what comes after the newest where there is none. */
  get firstId(): number {
    return this.nextId - this.length;
  }

  get endId(): number {
    return this.nextId;
  }

  push(value: T): void {
    this.items.push({ id: this.nextId++, value });
    if (this.length > this.capacity) this.start++;
    // Cutting the front off at every push would move the whole array each time.
    if (this.start > this.capacity) {
      this.items = this.items.slice(this.start);
      this.start = 0;
    }
  }

  get(id: number): Item<T> | undefined {
    return id < this.firstId ? undefined : this.items[this.start + id - this.firstId];
  }

  clear(): void {
    this.items = [];
    this.start = 0;
  }
}

export class View<T> {
  private ids: Item<T>[] = [];
  private start = 0;
  private seen = 0;

  constructor(
    private readonly ring: Ring<T>,
    private readonly accepts: (value: T) => boolean,
  ) {}

  /** Takes in what the ring got since the last call, up to but not with the item `end`. */
  update(end = Infinity): void {
    const { firstId } = this.ring;
    const stop = Math.min(end, this.ring.endId);
    for (let id = Math.max(this.seen, firstId); id < stop; id++) {
      const item = this.ring.get(id);
      if (item && this.accepts(item.value)) this.ids.push(item);
    }
    this.seen = Math.max(this.seen, stop);
    while (this.start < this.ids.length && (this.ids[this.start]?.id ?? 0) < firstId) this.start++;
    if (this.start > 4096 && this.start * 2 > this.ids.length) {
      this.ids = this.ids.slice(this.start);
      this.start = 0;
    }
  }

  get length(): number {
    return this.ids.length - this.start;
  }

  /** 0 is the newest. */
  newest(index: number): Item<T> | undefined {
    return index < 0 || index >= this.length ? undefined : this.ids[this.ids.length - 1 - index];
  }
}
