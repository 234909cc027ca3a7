import { parseArgs } from 'node:util';
import { loadSettings } from '../config/config.ts';
import type { Command } from './command.ts';

/** `slidegate conformance`: the DICOM conformance statement of this configuration. */
export const conformance: Command = {
  name: 'conformance',
  summary: 'Prints the DICOM conformance statement of this configuration.',
  usage: `Usage: slidegate conformance [--json]

  --json     one JSON object instead of Markdown`,

  async run(args) {
    const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean' } } });
    const { conformanceOf } = await import('./conformance-statement.ts');
    const statement = conformanceOf(loadSettings());
    if (values.json) {
      console.log(JSON.stringify(statement));
    } else {
      const { conformancePage } = await import('./conformance-page.ts');
      console.log(conformancePage(statement));
    }
    return 0;
  },
};
