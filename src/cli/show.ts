import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { EntryAnswer } from '../console/console.ts';
import { sopClassName } from '../dicom/sop-class.ts';
import { transferSyntaxOf } from '../dicom/transfer-syntax.ts';
import type { Explanation } from '../rules/explanation.ts';
import { type Command, UsageError } from './command.ts';
import { placeOf } from './held.ts';
import { ask, consoleUrl, URL_USAGE, urlOption } from './running-gateway.ts';
import { counted, formatBytes, table } from './text.ts';

const PAGE_ENTRIES = 500;
/** Attempts of a task that are shown as text, latest first; `--json` has all that are on record. */
const ATTEMPTS_SHOWN = 5;

const options = {
  json: { type: 'boolean' },
  ...urlOption,
} as const satisfies ParseArgsConfig['options'];

/** `slidegate show`: what became of an instance or a study. */
export const show: Command = {
  name: 'show',
  summary: 'Shows what became of an instance or a study.',
  usage: `Usage: slidegate show <entry | SOP Instance UID | Study Instance UID>... [options]

  --json               one JSON object instead of text
${URL_USAGE}

Of an entry or an instance: when and from where it came, what the rules decided, and each task with its attempts.
Of a study: a line for each entry. Nothing names a patient. Exit code 1 when something of it is not here.`,

  async run(args) {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    if (positionals.length === 0) throw new UsageError('say what: an entry, or a UID');
    const names = positionals.map(readName);
    const base = await consoleUrl(values.url);
    const found: Found[] = [];
    for (const name of names) found.push(await find(base, name));
    console.log(values.json ? JSON.stringify({ found }) : found.map((one) => describe(one)).join('\n\n'));
    return found.every(({ entries }) => entries.length > 0) ? 0 : 1;
  },
};

type Name = { readonly entryId: number } | { readonly uid: string };

function readName(text: string): Name {
  if (/^[1-9][0-9]{0,14}$/.test(text)) return { entryId: Number(text) };
  if (/^[0-9]+(\.[0-9]+)+$/.test(text) && text.length <= 64) return { uid: text };
  throw new UsageError(`"${text}" is neither an entry nor a UID`);
}

interface Found {
  /** As it was asked for. */
  readonly asked: string;
  readonly as: 'entry' | 'instance' | 'study' | 'nothing';
  /** Newest first; those of a study come without attempts. */
  readonly entries: readonly EntryAnswer[];
}

async function find(base: URL, name: Name): Promise<Found> {
  if ('entryId' in name) {
    const entries = await entriesOf(base, [name.entryId]);
    return { asked: String(name.entryId), as: entries.length > 0 ? 'entry' : 'nothing', entries };
  }
  const asked = name.uid;
  const versions = await listed(base, { instance: asked });
  if (versions.length > 0) {
    const entryIds = versions.map(({ entryId }) => entryId);
    return { asked, as: 'instance', entries: await entriesOf(base, entryIds) };
  }
  const entries = await listed(base, { study: asked });
  return { asked, as: entries.length > 0 ? 'study' : 'nothing', entries };
}

/** With their attempts. What is not there is left out. */
async function entriesOf(base: URL, entryIds: readonly number[]): Promise<readonly EntryAnswer[]> {
  const entries: EntryAnswer[] = [];
  for (const entryId of entryIds) {
    const { entries: page } = await ask<{ entries: EntryAnswer[] }>(base, `/api/entries?entry=${entryId}`);
    entries.push(...page);
  }
  return entries;
}

async function listed(base: URL, filter: Readonly<Record<string, string>>): Promise<readonly EntryAnswer[]> {
  const entries: EntryAnswer[] = [];
  let before: number | undefined;
  do {
    const query = new URLSearchParams({ ...filter, limit: String(PAGE_ENTRIES) });
    if (before !== undefined) query.set('before', String(before));
    const page = await ask<{ entries: EntryAnswer[]; nextBefore?: number }>(base, `/api/entries?${query}`);
    entries.push(...page.entries);
    before = page.nextBefore;
  } while (before !== undefined);
  return entries;
}

function describe({ asked, as, entries }: Found): string {
  if (as === 'study') return describeStudy(asked, entries);
  if (as === 'nothing') return `Nothing is known of ${asked}: it never came, or its row is no longer kept.`;
  return entries.map(describeEntry).join('\n\n');
}

function describeStudy(uid: string, entries: readonly EntryAnswer[]): string {
  const counts = new Map<string, number>();
  for (const { state } of entries) counts.set(state, (counts.get(state) ?? 0) + 1);
  const rows = entries.map((entry) => [
    String(entry.entryId),
    entry.state,
    entry.receivedAt,
    entry.parentEntryId === undefined ? entry.source : `made of ${entry.parentEntryId}`,
    sopClassName(entry.sopClassUid),
    entry.tasks.filter(isOpen).map(shortTask).join(', ') || '-',
    entry.sopInstanceUid,
  ]);
  const total = entries.length === 1 ? '1 entry' : `${entries.length} entries`;
  return [
    `Study ${uid}: ${total}: ${[...counts].map(([state, count]) => `${count} ${state}`).join(', ')}`,
    table(['ENTRY', 'STATE', 'RECEIVED', 'FROM', 'SOP CLASS', 'OPEN TASKS', 'SOP INSTANCE UID'], rows),
  ].join('\n');
}

function isOpen({ state }: EntryAnswer['tasks'][number]): boolean {
  return state !== 'done' && state !== 'discarded';
}

function shortTask(task: EntryAnswer['tasks'][number]): string {
  return `${placeOf(task)} ${task.state}${task.code === undefined ? '' : ` (${task.code})`}`;
}

function describeEntry(entry: EntryAnswer): string {
  const { callingAeTitle, calledAeTitle, peerAddress, source, parentEntryId } = entry;
  const from =
    parentEntryId === undefined
      ? `${source} (${callingAeTitle || 'no AE title'} at ${peerAddress}), called as ${calledAeTitle || 'no AE title'}`
      : `entry ${parentEntryId}, which it was made of`;
  const facts = [
    ['SOP Instance UID', entry.sopInstanceUid],
    ['Series Instance UID', entry.seriesInstanceUid],
    ['Study Instance UID', entry.studyInstanceUid],
    ['SOP class', sopClassName(entry.sopClassUid)],
    ['Transfer syntax', transferSyntaxOf(entry.transferSyntaxUid)?.title ?? entry.transferSyntaxUid],
    ['Received', entry.receivedAt],
    ['From', from],
    ['Size', `${formatBytes(entry.sizeBytes)}, ${describeBytes(entry)}`],
    ['Rules', describeRules(entry.explanation as Explanation | undefined)],
  ];
  return [
    `Entry ${entry.entryId} is ${entry.state}`,
    ...facts.map(([name, value]) => `  ${name?.padEnd(20)}${value || '-'}`),
    ...entry.tasks.flatMap(describeTask),
  ].join('\n');
}

function describeBytes({ bytes, erased }: EntryAnswer): string {
  if (erased) return `erased by ${erased.by} at ${erased.at}: ${erased.reason}`;
  return bytes === 'kept' ? 'kept' : 'no longer kept';
}

/** Who decided what, in a line; `slidegate rules explain` tells more. */
function describeRules(explanation: Partial<Explanation> | undefined): string {
  if (explanation === undefined) return '-';
  const { conversion, deliveries = [], matched = [], decidedBy } = explanation;
  const parts = deliveries.map(({ destination, rule }) => `to ${destination} by "${rule}"`);
  if (conversion)
    parts.push(`${conversion.job}, then to ${conversion.to.join(', ')}, by "${conversion.rule}"`);
  if (parts.length > 0) return parts.join('; ');
  return matched.length > 0 ? `matched ${matched.join(', ')}` : `decided by ${decidedBy ?? 'nobody'}`;
}

function describeTask(task: EntryAnswer['tasks'][number]): readonly string[] {
  const { state, updatedAt, dueAt, attempt, code, status, reason, attempts = [] } = task;
  const due = state === 'waiting' && Date.parse(dueAt) > Date.now() ? `, next at ${dueAt}` : '';
  const tries = attempt > 0 ? `, ${counted(attempt, 'attempt')}` : '';
  const why = [code, status, reason].filter(Boolean).join(' ');
  const shown = attempts.slice(0, ATTEMPTS_SHOWN);
  const left = attempts.length - shown.length;
  return [
    `  ${placeOf(task)}: ${state} since ${updatedAt}${tries}${due}${why ? `: ${why}` : ''}`,
    ...shown.map((one) =>
      [`    attempt ${one.attempt} at ${one.startedAt}:`, one.code, one.status, one.message]
        .filter(Boolean)
        .join(' '),
    ),
    ...(left > 0 ? [`    and ${counted(left, 'earlier attempt')}`] : []),
  ];
}
