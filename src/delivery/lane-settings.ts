import { z } from 'zod';
import { Duration } from '../duration.ts';
import { Windows } from '../schedule/windows.ts';
import { RetrySettings } from './retry-settings.ts';

/** Settings that every kind of destination has: when it is sent to, how fast, in which order, and what if it is down. */
export const laneSettings = {
  retry: RetrySettings.prefault({}).describe('When a delivery that failed is tried again.'),
  report_only: z
    .boolean()
    .default(false)
    .describe(
      'Everything but the sending: what would have been sent is settled as reported, and nothing leaves.',
    ),
  when_down: z
    .enum(['wait', 'skip', 'failover'])
    .default('wait')
    .describe(
      'What becomes of deliveries once the destination has been down for `down_after`: they wait for it, are ' +
        'skipped (settled without it), or go to the destination that `failover_to` names.',
    ),
  down_after: Duration.prefault('5m').describe(
    'How long sending must have been suspended before `when_down` says anything but wait.',
  ),
  failover_to: z
    .string()
    .min(1)
    .optional()
    .describe('Destination that takes over, with `when_down: failover`.'),
  send_windows: Windows.describe(
    'When sending is allowed, in the time zone of the site; always, when there are none.',
  ),
  off_peak: Windows.describe(
    'When deliveries of the priority off-peak are sent, in the time zone of the site; with the others but after ' +
      'them, when there are none.',
  ),
  bytes_per_s_max: z
    .int()
    .min(1000)
    .optional()
    .describe('Most bytes per second that are sent, all associations together; no limit when absent.'),
  order: z
    .enum(['none', 'study'])
    .default('none')
    .describe(
      'Whether the instances of a study are sent in the order of their reception: one that has to be tried again ' +
        'then holds up the rest of its study.',
    ),
  keep_study_on_one_association: z
    .boolean()
    .default(false)
    .describe('Whether what waits of a study is sent one after the other, over one association.'),
} as const;

export type LaneSettings = z.infer<z.ZodObject<typeof laneSettings>>;
