import type { z } from 'zod';
import { unionOfKinds } from '../kinds.ts';
import type { DestinationDeps, DestinationKind, DestinationSession } from './destination-kind.ts';
import { dimseScu } from './dimse-scu.ts';
import { folder } from './folder.ts';

/** Every destination kind. To add one: write its file, then add its line here. */
export const destinationKinds = {
  'dimse-scu': dimseScu,
  folder,
};

export const DestinationSettings = unionOfKinds(destinationKinds);
export type DestinationSettings = z.infer<typeof DestinationSettings>;

/** Makes a destination ready for deliveries; whether it can be reached shows with the first. */
export function openDestination(settings: DestinationSettings, deps: DestinationDeps): DestinationSession {
  // The table pairs each kind with its own settings; TypeScript cannot see the pairing.
  const kind = destinationKinds[settings.kind] as unknown as DestinationKind<z.ZodObject>;
  return kind.open(settings, deps);
}
