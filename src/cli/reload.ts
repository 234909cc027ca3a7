import { parseArgs } from 'node:util';
import type { Command } from './command.ts';
import { ask, consoleUrl, URL_USAGE, urlOption } from './running-gateway.ts';

/** Lanes whose settings have changed finish first what they have in hand. */
const ANSWER_LIMIT_MS = 600_000;

/** `slidegate reload`: what SIGHUP does, with an answer. */
export const reload: Command = {
  name: 'reload',
  summary: 'Has the running gateway read settings, rules and certificates again.',
  usage: `Usage: slidegate reload [options]

  --json               one JSON object instead of text
${URL_USAGE}

The gateway reads the files that it was started with. Sources, destinations, rules and certificates are put in force
together; inputs, ports and the rest take a restart, and are named. When anything is wrong, every problem is listed,
nothing is changed, and the exit code is 1.`,

  async run(args) {
    const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean' }, ...urlOption } });
    const answer = await ask<Answer>(await consoleUrl(values.url), '/api/reload', {}, ANSWER_LIMIT_MS);
    console.log(values.json ? JSON.stringify(answer) : describe(answer));
    return 0;
  },
};

interface Answer {
  readonly reloaded: readonly string[];
  readonly needRestart: readonly string[];
}

function describe({ reloaded, needRestart }: Answer): string {
  const restart = needRestart.length > 0 ? `; needs a restart: ${needRestart.join(', ')}` : '';
  return `Reloaded: ${reloaded.join(', ')}${restart}`;
}
