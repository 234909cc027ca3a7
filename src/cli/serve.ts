import { parseArgs } from 'node:util';
import { loadSettings } from '../config/config.ts';
import type { Gateway } from '../gateway.ts';
import type { Command } from './command.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
/** Under `npm start` one Ctrl-C arrives twice: from the terminal, and passed on by npm. That is no second one. */
const ECHO_MS = 500;

/** `slidegate serve`: the gateway, until a signal stops it. */
export const serve: Command = {
  name: 'serve',
  summary: 'Runs the gateway until SIGTERM or Ctrl-C.',
  usage: `Usage: slidegate serve

Settings: config/default.yaml, then the file named in SLIDEGATE_CONFIG, then NODE_CONFIG (JSON).

The first SIGTERM or SIGINT stops it in order: nothing more is accepted, what is in hand is finished, for
\`drain_limit\` at most. A second one ends it at once; what was acknowledged is on disk either way.

SIGHUP, as \`slidegate reload\`, reads settings, rules and certificates again: sources, destinations and rules are
put in force together, or not at all when something is wrong. Inputs, ports and the rest take a restart.`,

  async run(args) {
    parseArgs({ args: [...args], options: {} });
    // Also one that comes while the gateway still starts: by default it would end the process.
    const { promise: started, resolve: onStarted } = Promise.withResolvers<Gateway>();
    process.on('SIGHUP', () => void started.then((gateway) => gateway.reread()));
    const settings = loadSettings();
    const signalled = firstSignal();
    const { startGateway } = await import('../gateway.ts');
    const gateway = await startGateway(settings, { readSettings: () => loadSettings() });
    const inputs = gateway.inputs.map(({ name, place }) => `${name} on ${place}`);
    const { host, port } = gateway.console;
    console.log(`Slidegate accepts ${inputs.join(', ') || 'nothing'}; console on http://${host}:${port}`);
    onStarted(gateway);
    const isAsked = await Promise.race([signalled.then(() => true), gateway.failed.then(() => false)]);
    await gateway.stop(isAsked ? await signalled : await gateway.failed);
    return isAsked ? 0 : 1; // Whoever supervises it starts it anew, and recovery puts right what was in hand.
  },
};

/** Resolves with the first signal, also one that comes while the gateway still starts; a second ends the process. */
function firstSignal(): Promise<string> {
  return new Promise((resolve) => {
    let firstAtMs: number | undefined;
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        if (firstAtMs !== undefined && performance.now() - firstAtMs > ECHO_MS) process.exit(1);
        firstAtMs ??= performance.now();
        resolve(signal);
      });
    }
  });
}
