/** How many slots of a lane send: all of them, but few at first at a destination that has just come back. */
export class SlotRamp {
  readonly #slotsMax: number;
  #slots: number;

  constructor(slotsMax: number) {
    this.#slotsMax = slotsMax;
    this.#slots = slotsMax;
  }

  get slots(): number {
    return this.#slots;
  }

  /** The destination has come back: it is sent to by one. */
  restart(): void {
    this.#slots = 1;
  }

  /** The destination took something: each slot that sent may bring another along. Tells whether there are more now. */
  grow(): boolean {
    if (this.#slots >= this.#slotsMax) return false;
    this.#slots += 1;
    return true;
  }
}
