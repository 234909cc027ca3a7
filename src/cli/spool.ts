import { parseArgs } from 'node:util';
import { checkSettings } from '../config/config.ts';
import { type Command, UsageError } from './command.ts';
import { counted } from './text.ts';

/** Deliveries listed one by one; with `--json` all of them are. */
const LISTED_MAX = 1000;

/** `slidegate spool backup | restore | back`: the rows of the spool, as a whole. */
export const spool: Command = {
  name: 'spool',
  summary: 'Backs the rows of the spool up, restores them, or leads them back to an earlier version.',
  usage: `Usage: slidegate spool backup <file>
       slidegate spool restore <file> [--json]
       slidegate spool back --to VERSION

  backup           copies the rows to a file; the gateway may run. Instances themselves are not in it
  restore          puts such a copy in place, with the gateway stopped. What was open when it was made is sent again,
                   and listed; what came later is found on disk at the next start and held
  back             leads the rows back to an earlier version of their schema, with the gateway stopped, so that the
                   version of the gateway that wrote it can go on
    --to VERSION   of the schema; ledger-v1.sqlite among the backups is of version 1
    --json         one JSON object instead of text`,

  async run([verb, ...args]) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { to: { type: 'string' }, json: { type: 'boolean' } },
      allowPositionals: true,
    });
    const { directory } = checkSettings({}).settings.spool;
    const { backUpSpool, goBack, restoreSpool } = await import('../spool/spool.ts');
    if (verb === 'back') {
      const to = Number(values.to);
      if (!Number.isSafeInteger(to) || positionals.length > 0)
        throw new UsageError('say --to VERSION, a number');
      const went = goBack(directory, to);
      console.log(`The spool is of version ${went.to} now. As it was: ${went.backup}`);
      return 0;
    }
    const [file] = positionals;
    if (verb !== 'backup' && verb !== 'restore') {
      throw new UsageError(
        verb === undefined ? 'say backup, restore or back' : `there is no "spool ${verb}"`,
      );
    }
    if (file === undefined || positionals.length > 1) throw new UsageError(`spool ${verb} takes one file`);
    if (verb === 'backup') {
      backUpSpool(directory, file);
      console.log(`The rows of the spool are in ${file}.`);
      return 0;
    }
    const restored = restoreSpool(directory, file);
    console.log(values.json ? JSON.stringify(restored) : describe(restored));
    return 0;
  },
};

function describe({
  again,
  replaced,
}: {
  again: readonly { entryId: number; sopInstanceUid: string; kind: string }[];
  replaced?: string;
}): string {
  const listed = again.slice(0, LISTED_MAX);
  return [
    replaced === undefined ? 'Restored.' : `Restored. The rows that were there: ${replaced}`,
    `${counted(again.length, 'delivery task')} open in the backup, which may be done for the second time:`,
    ...listed.map(({ entryId, sopInstanceUid, kind }) => `  entry ${entryId}  ${kind}  ${sopInstanceUid}`),
    ...(again.length > LISTED_MAX ? [`  and ${again.length - LISTED_MAX} more`] : []),
    'At its next start the gateway looks for instances that came after the backup, and holds them:',
    '`slidegate retry --reason RECOVERED` sends them, `slidegate discard <entry...>` gives them up.',
  ].join('\n');
}
