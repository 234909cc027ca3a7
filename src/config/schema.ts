/** All settings: what each stage declares in its `config.ts`, put together under the names that files use. */
import { z } from 'zod';
import { ConsoleSettings } from '../console/config.ts';
import { ConversionSettings } from '../conversion/config.ts';
import { DestinationsSettings } from '../delivery/config.ts';
import { Duration } from '../duration.ts';
import { IntakeSettings } from '../intake/config.ts';
import { NoticesSettings } from '../notices/config.ts';
import { RulesSettings } from '../rules/config.ts';
import { SpoolSettings } from '../spool/config.ts';
import { LogSettings, MetricsSettings } from '../telemetry/config.ts';
import { TimeZone } from '../time-zone.ts';

export const Settings = z.strictObject({
  mode: z
    .enum(['live', 'report'])
    .default('live')
    .describe(
      'Whether anything is sent. With report, every destination is as with `report_only`: what would have been ' +
        'sent is written down instead, for going live beside another router.',
    ),
  time_zone: TimeZone.optional().describe(
    'Time zone of the site, such as Europe/Berlin: of the windows of destinations, and of dates that converted ' +
      'instances get; that of the system unless set.',
  ),
  spool: SpoolSettings.prefault({}).describe('Where instances are kept from reception until delivery.'),
  ...IntakeSettings.shape,
  destinations: DestinationsSettings.prefault({}).describe(
    'Where instances go, by names of your choice: rules say `to: [name]`, metrics and the console use it.',
  ),
  rules: RulesSettings.prefault({}).describe('What is done with an instance, and where it goes.'),
  conversion: ConversionSettings.prefault({}).describe('The worker processes that convert images.'),
  console: ConsoleSettings.prefault({}).describe('Web console, API, health and metrics.'),
  metrics: MetricsSettings.prefault({}).describe('A listener of its own for Prometheus.'),
  notify: NoticesSettings.describe(
    'Who is told by mail or webhook when something needs a person, by names of your choice: see docs/notices.md.',
  ),
  log: LogSettings.prefault({}).describe('One JSON line per event on standard error.'),
  drain_limit: Duration.prefault('30s').describe(
    'How long a stop waits for what is in hand: associations that receive, deliveries that send. What is cut ' +
      'off is safe: it was not acknowledged, or is sent again after the next start.',
  ),
});
export type Settings = z.infer<typeof Settings>;
