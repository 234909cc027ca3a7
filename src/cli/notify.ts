import { parseArgs } from 'node:util';
import { GatewayError } from '../errors.ts';
import { type Command, UsageError } from './command.ts';

/** `slidegate notify`: whether notices arrive. */
export const notify: Command = {
  name: 'notify',
  summary: 'Sends a test notice to the channels of the settings.',
  usage: `Usage: slidegate notify test [<channel...>]

Sends one notice to each channel named, or to every channel under \`notify:\` of the settings, from this machine and
as this user; the gateway need not run. Exit code 1 when one of them does not take it.`,

  async run(args) {
    const { positionals } = parseArgs({ args: [...args], options: {}, allowPositionals: true });
    const [action, ...named] = positionals;
    if (action !== 'test') throw new UsageError('say what to do: test');
    const { loadSettings } = await import('../config/config.ts');
    const { sendTestNotice } = await import('../notices/notices.ts');
    const { ownTimeZone } = await import('../time-zone.ts');
    const settings = loadSettings();
    const channels = named.length > 0 ? named : Object.keys(settings.notify);
    if (channels.length === 0) {
      console.error('slidegate: The settings name no channel under notify: nobody is told anything.');
      return 1;
    }
    let failed = 0;
    for (const channel of channels) {
      try {
        await sendTestNotice(settings.notify, channel, settings.time_zone ?? ownTimeZone());
        console.log(`${channel}: sent`);
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        failed += 1;
        console.error(`${channel}: ${error.message}`);
      }
    }
    return failed === 0 ? 0 : 1;
  },
};
