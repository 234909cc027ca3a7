/**
 * Reception alone, for `slidegate bench route`: the Storage SCP and the spool, no rules, no delivery.
 * A process of its own, so that its CPU time and memory are its own. Argument: port, folder.
 */
import { join } from 'node:path';
import { IntakeSettings } from '../intake/config.ts';
import { startIntake } from '../intake/intake.ts';
import { SpoolSettings } from '../spool/config.ts';
import { openSpool } from '../spool/spool.ts';
import { createTelemetry } from '../telemetry/telemetry.ts';

const [port, folder] = process.argv.slice(2);
if (port === undefined || folder === undefined) {
  process.stderr.write(
    'Cannot start the receiver: it is run by `slidegate bench route`, with port and folder.\n',
  );
  process.exit(2);
}
const telemetry = createTelemetry({ level: 'error' });
const spool = await openSpool(SpoolSettings.parse({ directory: join(folder, 'spool') }), { telemetry });
const intake = await startIntake(
  IntakeSettings.parse({
    inputs: { dimse: { kind: 'dimse-scp', host: '127.0.0.1', port: Number(port), ae_titles: ['SLIDEGATE'] } },
  }),
  { spool, telemetry },
);
process.once('SIGTERM', async () => {
  await intake.stop(1_000);
  await spool.close();
  process.exit(0);
});
