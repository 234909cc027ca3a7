import { z } from 'zod';
import { DestinationSettings } from './destinations.ts';

/** Names become task kinds, metric labels and words of the rules. */
const DestinationName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/,
    'must be 1 to 64 letters, digits, dots, hyphens or underscores',
  );

/** Settings of the delivery stage: every destination by its name. */
export const DestinationsSettings = z.record(DestinationName, DestinationSettings);
export type DestinationsSettings = z.infer<typeof DestinationsSettings>;
