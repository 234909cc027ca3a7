import { z } from 'zod';
import { Duration } from '../duration.ts';

/** When a delivery that failed is tried again; the same for every kind of destination. */
export const RetrySettings = z.strictObject({
  first_delay: Duration.prefault('2s').describe(
    'Wait after the first failed attempt; doubled after each further one.',
  ),
  longest_delay: Duration.prefault('5m').describe('Longest wait between two attempts.'),
  jitter: z
    .number()
    .min(0)
    .max(1)
    .default(0.25)
    .describe('Share of each wait that is left to chance, so that gateways do not return all at once.'),
  give_up_after: Duration.prefault('7d').describe(
    'Time after which a delivery is held for an operator. An outage of the destination does not count.',
  ),
  resources_first_delay: Duration.prefault('1m').describe(
    'First wait after the destination was out of resources (A7xx); doubled after each further time.',
  ),
  resources_longest_delay: Duration.prefault('30m').describe(
    'Longest wait after the destination was out of resources (A7xx).',
  ),
  processing_tries: z
    .int()
    .min(1)
    .default(5)
    .describe('Attempts at an instance that the destination cannot process (0110, 0213) before it is held.'),
  unclear_tries: z
    .int()
    .min(1)
    .default(3)
    .describe(
      'Attempts at an instance that ends associations or gets no response, while others pass, before it is ' +
        'sent alone on an association of its own, and then held.',
    ),
  breaker_after: z
    .int()
    .min(1)
    .default(3)
    .describe('Different instances that fail in a row before sending is suspended.'),
  breaker_longest_delay: Duration.prefault('1m').describe(
    'Longest wait between two probes of a suspended destination, and between two attempts to reach it; ' +
      '`longest_delay` where that is shorter.',
  ),
});
export type RetrySettings = z.infer<typeof RetrySettings>;
