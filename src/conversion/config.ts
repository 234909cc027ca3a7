import { z } from 'zod';
import { Duration } from '../duration.ts';
import { TimeZone } from '../time-zone.ts';

/** Settings of conversion: how much of the machine it may take. */
export const ConversionSettings = z.strictObject({
  workers: z
    .int()
    .min(1)
    .max(64)
    .default(2)
    .describe('Images converted at the same time, each in a process of its own.'),
  memory_max_bytes: z
    .int()
    .min(200_000_000)
    .default(1_500_000_000)
    .describe(
      'Memory one worker may take before it is killed; an image of 16000×12000 takes less than 300 MB.',
    ),
  timeout: Duration.prefault('30m').describe('Time one conversion may take before its worker is killed.'),
  retry_after: Duration.prefault('15s').describe(
    'Wait before a conversion that ended its worker, or found no space, is tried again.',
  ),
  scratch_free_bytes: z
    .int()
    .min(0)
    .default(1_000_000_000)
    .describe('Space that conversions leave free on the volume of the spool; they wait rather than take it.'),
  time_zone: TimeZone.optional().describe(
    'Time zone of dates that converted instances get from here; that of the site unless set.',
  ),
});
export type ConversionSettings = z.output<typeof ConversionSettings>;
