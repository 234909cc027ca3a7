import type { Claim } from '../port.ts';
import type { WireClaimed, WirePlace } from './messages.ts';

/**
 * Where the bytes of claimed entries lie, as it came with the claims: whoever has claimed an entry mostly opens
 * it next. Retention moves and removes nothing that is claimed.
 */
export class KnownPlaces {
  readonly #places = new Map<number, { readonly place: WirePlace; readonly tokens: Set<number> }>();

  claimed(claims: readonly WireClaimed[]): void {
    for (const { entry, token, place } of claims) {
      const known = this.#places.get(entry.entryId);
      if (known === undefined) this.#places.set(entry.entryId, { place, tokens: new Set([token]) });
      else known.tokens.add(token);
    }
  }

  /** The claims are being settled, or have been lost: the holder is done with them. */
  settling(claims: readonly Claim[]): void {
    for (const { entry, token } of claims) {
      const known = this.#places.get(entry.entryId);
      known?.tokens.delete(token);
      if (known?.tokens.size === 0) this.#places.delete(entry.entryId);
    }
  }

  of(entryId: number): WirePlace | undefined {
    return this.#places.get(entryId)?.place;
  }

  /** The place is no longer true. */
  forget(entryId: number): void {
    this.#places.delete(entryId);
  }
}
