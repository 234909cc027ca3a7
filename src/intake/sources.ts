import { z } from 'zod';
import { AeTitle } from '../dicom/ae-title.ts';
import { hostMatcher, isHostRange } from './hosts.ts';

/** What a caller is called that no source names. */
export const UNKNOWN_SOURCE = 'unknown';

export const SourceSettings = z.strictObject({
  ae_title: AeTitle.describe('AE title that the source calls itself.'),
  hosts: z
    .array(
      z.string().refine(isHostRange, 'must be an address such as 10.0.0.5 or a range such as 10.0.0.0/24'),
    )
    .default([])
    .describe('Addresses and ranges that the source calls from; any, when there are none.'),
});
export type SourceSettings = z.infer<typeof SourceSettings>;

/** A caller that the configuration names. */
export interface NamedSource {
  readonly name: string;
  readonly aeTitle: string;
  matchesHost(address: string): boolean;
}

export function namedSources(settings: Readonly<Record<string, SourceSettings>>): readonly NamedSource[] {
  return Object.entries(settings).map(([name, { ae_title, hosts }]) => ({
    name,
    aeTitle: ae_title.trim(),
    matchesHost: hosts.length === 0 ? () => true : hostMatcher(hosts),
  }));
}
