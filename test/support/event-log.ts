/** Events as they come, and a way to wait for one instead of sleeping. */
export class EventLog<Event extends { readonly type: string }> {
  readonly all: Event[] = [];
  readonly #waiting = new Set<() => void>();

  push(event: Event): void {
    this.all.push(event);
    for (const look of [...this.#waiting]) look();
  }

  ofType<Type extends Event['type']>(type: Type): Extract<Event, { readonly type: Type }>[] {
    return this.all.filter((event): event is Extract<Event, { readonly type: Type }> => event.type === type);
  }

  /** The `count`th event of the type, at once when it has been. */
  next<Type extends Event['type']>(type: Type, count = 1): Promise<Extract<Event, { readonly type: Type }>> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.ofType(type)[count - 1];
        if (found === undefined) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
  }
}
