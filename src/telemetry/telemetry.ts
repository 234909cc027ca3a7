import type { Logger } from 'pino';
import type { LogSettings } from './config.ts';
import { createLogger } from './logger.ts';
import { createMetrics, type Metrics } from './metrics.ts';

/** What every stage is given to say what happened; see events.ts for the things that can. */
export interface Telemetry {
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Builds logger and metrics, once for the process. */
export function createTelemetry(settings: LogSettings): Telemetry {
  return { log: createLogger(settings), metrics: createMetrics() };
}
