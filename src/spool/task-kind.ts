/** What a task kind says, such as `rules` or `delivery:pacs`. */
export interface KindParts {
  readonly stage: string;
  /** Of deliveries and commitments. */
  readonly destination?: string;
}

export function partsOfKind(kind: string): KindParts {
  const colon = kind.indexOf(':');
  return colon < 0 ? { stage: kind } : { stage: kind.slice(0, colon), destination: kind.slice(colon + 1) };
}
