import { z } from 'zod';

/** The HTTP server of the console: page, API, health and metrics. */
export const ConsoleSettings = z.strictObject({
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe(
      'Address that the console binds to. The console has no sign-in: anything but loopback is refused ' +
        'unless `allow_unauthenticated` is set.',
    ),
  port: z.int().min(0).max(65535).default(8080).describe('TCP port of the console; 0 takes a free one.'),
  names: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Host names under which browsers reach the console, such as that of a reverse proxy. Localhost, the ' +
        "machine's own name and plain addresses need no entry; any other name is refused, so that a web " +
        'page elsewhere cannot reach the console through the browser of somebody inside.',
    ),
  allow_unauthenticated: z
    .boolean()
    .default(false)
    .describe(
      'Lets the console listen beyond loopback although whoever reaches it may see and change the queue. ' +
        'For a container whose port is published to loopback only, or behind a proxy that signs people in.',
    ),
});
export type ConsoleSettings = z.infer<typeof ConsoleSettings>;
