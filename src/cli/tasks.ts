/** `slidegate retry | hold | discard`: what the console's buttons do, for a terminal or a script. */
import { userInfo } from 'node:os';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { GroupAnswer } from '../console/console.ts';
import { type Command, UsageError } from './command.ts';
import { describeGroups } from './held.ts';
import { ask, consoleUrl, readSince, URL_USAGE, urlOption } from './running-gateway.ts';
import { counted } from './text.ts';

type Action = 'retry' | 'hold' | 'discard';

const options = {
  destination: { type: 'string' },
  reason: { type: 'string' },
  since: { type: 'string' },
  code: { type: 'string' },
  status: { type: 'string' },
  preview: { type: 'boolean' },
  yes: { type: 'boolean' },
  erase: { type: 'boolean' },
  json: { type: 'boolean' },
  ...urlOption,
} as const satisfies ParseArgsConfig['options'];

const COMMON_USAGE = `  --code CODE          only tasks that failed last with this code, as \`slidegate status\` shows it
  --status STATUS      only deliveries that were answered last with this status, such as A900
  --since TIME         only tasks that came to stand so after that time: 2h for two hours ago, or an ISO time
  --preview            only says which tasks are meant: how many, for which destination, why, and since when
  --json               one JSON object instead of text
${URL_USAGE}

An entry has a task for each destination that has not taken it yet, or one for the stage that it has reached.`;

export const retry: Command = {
  name: 'retry',
  summary: 'Lets held tasks wait again, at once.',
  usage: `Usage: slidegate retry [<entry...>] [options]

  --destination NAME   only deliveries to this destination
  --reason TEXT        only tasks held for a reason that contains this text
${COMMON_USAGE}`,
  run: (args) => act('retry', args),
};

export const hold: Command = {
  name: 'hold',
  summary: 'Holds open tasks until they are retried or discarded.',
  usage: `Usage: slidegate hold [<entry...>] [options]

  --destination NAME   only deliveries to this destination
  --reason TEXT        why, kept with the task
${COMMON_USAGE}`,
  run: (args) => act('hold', args),
};

export const discard: Command = {
  name: 'discard',
  summary: 'Gives open tasks up for good; says first what that would do.',
  usage: `Usage: slidegate discard [<entry...>] [options]

  --yes                does it; without, it only says how many tasks are meant
  --erase              for privacy: bytes and headers of these entries leave the disk at once, with all that was made
                       of them, unless they have other tasks; also of entries that are done, when they are named
  --destination NAME   only deliveries to this destination
  --reason TEXT        why, kept with the task
${COMMON_USAGE}`,
  run: (args) => act('discard', args),
};

async function act(action: Action, args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  if (values.yes && action !== 'discard')
    throw new UsageError(`--yes is for discard: ${action} needs no consent`);
  if (values.erase && action !== 'discard') throw new UsageError('--erase is for discard');
  const entryIds = positionals.map(readEntryId);
  const selection = {
    ...(entryIds.length > 0 && { entryIds }),
    ...(values.destination !== undefined && { destination: values.destination }),
    ...(values.since !== undefined && { since: readSince(values.since) }),
    ...(values.code !== undefined && { code: values.code }),
    ...(values.status !== undefined && { status: values.status }),
    ...(action === 'retry' && values.reason !== undefined && { reasonContains: values.reason }),
  };
  if (Object.keys(selection).length === 0)
    throw new UsageError('say which tasks: entries, --destination, --code …');

  const preview = values.preview === true || (action === 'discard' && values.yes !== true);
  const reason = action === 'retry' ? undefined : values.reason;
  const answer = await ask<Answer>(await consoleUrl(values.url), `/api/tasks/${action}`, {
    selection,
    preview,
    by: userInfo().username,
    ...(reason !== undefined && { reason }),
    ...(values.erase && { erase: true }),
  });
  const text = values.json
    ? JSON.stringify({ ...answer, action, preview })
    : describe(action, answer, preview);
  console.log(text);
  return preview || answer.count > 0 || (answer.erased?.count ?? 0) > 0 ? 0 : 1;
}

interface Answer {
  readonly count: number;
  /** Only of a discard that erases; of many, the first are named. */
  readonly erased?: { readonly count: number; readonly entryIds: readonly number[] };
  /** Of a preview. */
  readonly groups?: readonly GroupAnswer[];
  /** Why nothing could be done about entries that were named. */
  readonly notes?: readonly string[];
}

function describe(action: Action, answer: Answer, preview: boolean): string {
  const { count, erased, groups = [], notes = [] } = answer;
  if (count === 0 && (erased?.count ?? 0) === 0)
    return [`Nothing to ${erased ? 'erase' : action}: no task matches.`, ...notes].join('\n');
  const again = preview ? 'tried again' : 'again on the way';
  const done = { retry: again, hold: 'held', discard: 'discarded' }[action];
  const is = preview ? ' would be' : '';
  const said = [
    `${counted(count, 'task')}${is} ${done}.`,
    ...(erased ? [describeErased(erased, is)] : []),
    ...(preview
      ? [action === 'discard' ? 'Nothing was changed; --yes does it.' : 'Nothing was changed.']
      : []),
  ].join(' ');
  return groups.length > 0 ? `${said}\n\n${describeGroups(groups, Date.now())}` : said;
}

function describeErased({ count, entryIds }: NonNullable<Answer['erased']>, is: string): string {
  if (count === 0) return `No entry${is} erased: each has other tasks.`;
  const named = count > entryIds.length ? '' : `: ${entryIds.join(', ')}`;
  return `${count === 1 ? '1 entry' : `${count} entries`}${is} erased${named}.`;
}

function readEntryId(text: string): number {
  const id = Number(text);
  if (Number.isSafeInteger(id) && id > 0) return id;
  throw new UsageError(`"${text}" is no entry: entries are numbers, as \`slidegate status\` shows them`);
}
