import { pino } from 'pino';
import { Registry } from 'prom-client';
import { z } from 'zod';
import { Lane } from '../../src/delivery/lane.ts';
import { laneSettings } from '../../src/delivery/lane-settings.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { MemorySpool } from './memory-spool.ts';
import { ScriptedSession } from './scripted-session.ts';
import { VirtualClock } from './virtual-clock.ts';

export const KIND = 'delivery:pacs';

interface Options {
  readonly slots?: number;
  readonly retry?: Record<string, unknown>;
  /** The other settings of the lane. */
  readonly settings?: Record<string, unknown>;
}

/** What a lane needs, on a clock that moves when told; and the lane itself, once it is started. */
export function prepareLane({ slots = 1, retry = {}, settings = {} }: Options = {}) {
  const clock = new VirtualClock();
  const spool = new MemorySpool(clock);
  const session = new ScriptedSession(slots);
  const metrics = createMetrics(new Registry());
  const start = () =>
    new Lane(
      {
        destination: 'pacs',
        session,
        settings: z.object(laneSettings).parse({ retry, ...settings }),
        timeZone: 'Europe/Berlin',
      },
      {
        spool: spool.asSpool(),
        clock,
        random: () => 0,
        telemetry: { log: pino({ level: 'silent' }), metrics },
      },
    );
  const add = (count: number) => Array.from({ length: count }, () => spool.add(KIND));
  return { clock, spool, session, metrics, start, add };
}
