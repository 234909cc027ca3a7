import { parseArgs } from 'node:util';
import { type Command, UsageError } from './command.ts';

type Bench = (log: (line: string) => void) => Promise<object>;

/** Every benchmark. To add one: write its file, then add its line here. */
const benches: Readonly<Record<string, Bench>> = {
  route: async (log) => (await import('./bench-route.ts')).benchRoute({ log }),
  convert: async (log) => (await import('./bench-convert.ts')).benchConvert({ log }),
  rules: async () => (await import('./bench-rules.ts')).benchRules(),
};

export const bench: Command = {
  name: 'bench',
  summary: 'Measures the gateway, beside other software where it is installed.',
  usage: `Usage: slidegate bench <${Object.keys(benches).join('|')}> [--json]

Progress goes to standard error; the last thing on standard output is one JSON object.`,
  async run(args) {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false } },
    });
    const [name] = positionals;
    const measure = name !== undefined && Object.hasOwn(benches, name) ? benches[name] : undefined;
    if (measure === undefined || positionals.length !== 1) {
      throw new UsageError(`bench takes one of ${Object.keys(benches).join(', ')}`);
    }
    const result = await measure((line) => process.stderr.write(`${line}\n`));
    console.log(JSON.stringify(result, null, values.json ? undefined : 2));
    return 0;
  },
};
