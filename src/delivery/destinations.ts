import type { z } from 'zod';
import { unionOfKinds } from '../kinds.ts';
import type {
  DestinationAddress,
  DestinationDeps,
  DestinationKind,
  DestinationSession,
} from './destination-kind.ts';
import { dimseScu } from './dimse-scu.ts';
import { folder } from './folder.ts';
import { s3 } from './s3.ts';
import { stowRs } from './stow-rs.ts';

/** Every destination kind. To add one: write its file, then add its line here. */
export const destinationKinds = {
  'dimse-scu': dimseScu,
  folder,
  s3,
  'stow-rs': stowRs,
};

export const DestinationSettings = unionOfKinds(destinationKinds);
export type DestinationSettings = z.infer<typeof DestinationSettings>;

/** Makes a destination ready for deliveries; whether it can be reached shows with the first. */
export async function openDestination(
  settings: DestinationSettings,
  deps: DestinationDeps,
): Promise<DestinationSession> {
  return kindOf(settings).open(settings, deps);
}

/** Where a destination is. */
export function addressOf(settings: DestinationSettings): DestinationAddress {
  return kindOf(settings).addressOf(settings);
}

function kindOf({ kind }: DestinationSettings): DestinationKind<z.ZodObject> {
  // The table pairs each kind with its own settings; TypeScript cannot see the pairing.
  return destinationKinds[kind] as unknown as DestinationKind<z.ZodObject>;
}
