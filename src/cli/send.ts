import { parseArgs } from 'node:util';
import type { DestinationSettings } from '../delivery/delivery.ts';
import { type Command, UsageError } from './command.ts';
import { counted } from './text.ts';

const OPTIONS = {
  to: { type: 'string' },
  aet: { type: 'string' },
  host: { type: 'string' },
  port: { type: 'string' },
  'calling-aet': { type: 'string' },
  json: { type: 'boolean' },
} as const;

/** `slidegate send`: files to a destination, without a running gateway, as a lane would send them once. */
export const send: Command = {
  name: 'send',
  summary: 'Sends DICOM files to a destination, once.',
  usage: `Usage: slidegate send <file|folder...> --to NAME [--json]
       slidegate send <file|folder...> --aet TITLE --host HOST --port PORT [--calling-aet TITLE] [--json]

Of a folder, every DICOM file below it is sent. Nothing is kept and nothing is tried again: a line for each file
says what became of it. Exit code 0 when all were taken.

  --to NAME           a destination of the settings
  --aet TITLE         AE title of a Storage SCP, with --host and --port
  --calling-aet TITLE what to call oneself                        [THT-Client]
  --json              one JSON object`,

  async run(args) {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
    if (positionals.length === 0) throw new UsageError('name at least one file');
    const settings = await destinationOf(values);
    const { findFiles, sendFiles } = await import('./send-files.ts');
    const report = await sendFiles(await findFiles(positionals), settings);
    const failed = report.filter(({ taken }) => !taken).length;
    if (values.json) {
      console.log(JSON.stringify({ ok: failed === 0, taken: report.length - failed, failed, files: report }));
    } else {
      for (const { file, taken, message } of report)
        console.log(`${taken ? 'taken ' : 'FAILED'}  ${file}: ${message}`);
      console.log(`${counted(report.length - failed, 'file')} taken, ${failed} failed`);
    }
    return failed === 0 && report.length > 0 ? 0 : 1;
  },
};

async function destinationOf(values: {
  readonly to?: string | undefined;
  readonly aet?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly 'calling-aet'?: string | undefined;
}): Promise<DestinationSettings> {
  const { to, aet, host, port, 'calling-aet': callingAet } = values;
  const byAddress = { aet, host, port, 'calling-aet': callingAet };
  if (to !== undefined) {
    const beside = Object.entries(byAddress).find(([, value]) => value !== undefined);
    if (beside) throw new UsageError(`--to and --${beside[0]} exclude each other`);
    return namedDestination(to);
  }
  for (const name of ['aet', 'host', 'port'] as const) {
    if (byAddress[name] === undefined)
      throw new UsageError(`say --to NAME, or --aet, --host and --port: --${name} is missing`);
  }
  const { DestinationSettings: schema } = await import('../delivery/destinations.ts');
  const parsed = schema.safeParse({
    kind: 'dimse-scu',
    host,
    port: Number(port),
    called_ae_title: aet,
    ...(callingAet !== undefined && { calling_ae_title: callingAet }),
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UsageError(`${OPTION_OF[String(issue?.path[0])] ?? 'the destination'}: ${issue?.message}`);
}

const OPTION_OF: Readonly<Record<string, string>> = {
  host: '--host',
  port: '--port',
  called_ae_title: '--aet',
  calling_ae_title: '--calling-aet',
};

async function namedDestination(name: string): Promise<DestinationSettings> {
  const { loadSettings } = await import('../config/config.ts');
  const { destinations } = loadSettings();
  const settings = Object.hasOwn(destinations, name) ? destinations[name] : undefined;
  if (settings) return settings;
  const known = Object.keys(destinations).join(', ') || 'none';
  throw new UsageError(`there is no destination "${name}" in the settings: there are ${known}`);
}
