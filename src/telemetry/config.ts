import { z } from 'zod';

/** The log: one JSON line per event on standard error. */
export const LogSettings = z.strictObject({
  level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('The least severe events that are logged. At `debug` every instance has its lines.'),
});
export type LogSettings = z.infer<typeof LogSettings>;

/** A listener for Prometheus alone, for sites where the console stays on loopback. It shows no patient data. */
export const MetricsSettings = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .optional()
      .describe('Address that the metrics listener binds to; 127.0.0.1 where only the port is given.'),
    port: z
      .int()
      .min(0)
      .max(65535)
      .optional()
      .describe('TCP port of the metrics listener; without one, only the console serves /metrics.'),
  })
  .refine((settings) => settings.host === undefined || settings.port !== undefined, {
    message: 'must be given where there is a host',
    path: ['port'],
  });
export type MetricsSettings = z.infer<typeof MetricsSettings>;
