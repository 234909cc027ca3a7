import { once } from 'node:events';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { EntryAnswer, StatusAnswer } from '../console/console.ts';
import { type Command, UsageError } from './command.ts';
import {
  askHeldGroups,
  describeGroups,
  HELD_COLUMNS,
  type HeldFilter,
  type HeldGroups,
  heldEntries,
  heldLines,
} from './held.ts';
import { ask, consoleUrl, readSince, URL_USAGE, urlOption } from './running-gateway.ts';
import { counted, formatBytes, formatDuration, table } from './text.ts';

type DestinationView = StatusAnswer['destinations'][number];

const HELD_SHOWN = 20;
const GROUPS_SHOWN = 10;

/** `slidegate status`: what the console's page shows, for a terminal or a program. */
export const status: Command = {
  name: 'status',
  summary: 'Shows queue, destinations and held entries of the running gateway.',
  usage: `Usage: slidegate status [options]
       slidegate status --held [options]

  --json               one JSON object instead of text
  --held               lists every held task: one line each, columns parted by tabs, newest first
  --destination NAME   with --held: only what is for this destination
  --code CODE          with --held: only what is held with this code
  --status STATUS      with --held: only what was answered with this status, such as A900
  --since TIME         with --held: only what is held since then: 2h for two hours ago, or an ISO time
${URL_USAGE}

Exit code 1 while the gateway is not ready; with --held only when it does not answer.`,

  async run(args) {
    const { values } = parseArgs({ args: [...args], options });
    const { held, json, url, ...stated } = values;
    if (!held && Object.keys(stated).length > 0) throw new UsageError('filters are for --held');
    const base = await consoleUrl(url);
    if (held) return listHeld(base, stated, json === true);
    const [answer, groups, { entries }] = await Promise.all([
      ask<StatusAnswer>(base, '/api/status'),
      askHeldGroups(base, {}),
      ask<{ entries: EntryAnswer[] }>(base, `/api/held?limit=${HELD_SHOWN}`),
    ]).catch(async (error: unknown) => {
      // Of a spool that does not answer, at least that is said.
      const alone = await ask<StatusAnswer>(base, '/api/status');
      if (alone.ready) throw error;
      return [alone, { count: 0, groups: [] }, { entries: [] }] as const;
    });
    console.log(
      json
        ? JSON.stringify({ ...answer, heldTasks: groups, heldEntries: entries })
        : describe(answer, groups, base),
    );
    return answer.ready ? 0 : 1;
  },
};

const options = {
  json: { type: 'boolean' },
  held: { type: 'boolean' },
  destination: { type: 'string' },
  code: { type: 'string' },
  status: { type: 'string' },
  since: { type: 'string' },
  ...urlOption,
} as const satisfies ParseArgsConfig['options'];

async function listHeld(base: URL, { since, ...filter }: HeldFilter, json: boolean): Promise<number> {
  const pages = heldEntries(base, { ...filter, ...(since !== undefined && { since: readSince(since) }) });
  if (!json) console.log(HELD_COLUMNS);
  // Written as it comes: a list of a million is never held as a whole.
  let parted = '{"heldEntries":[';
  for await (const entries of pages) {
    if (!json) for (const line of heldLines(entries)) console.log(line);
    else if (entries.length > 0) {
      const text = parted + entries.map((entry) => JSON.stringify(entry)).join(',');
      if (!process.stdout.write(text)) await once(process.stdout, 'drain');
      parted = ',';
    }
  }
  if (json) console.log(parted === ',' ? ']}' : '{"heldEntries":[]}');
  return 0;
}

function describe(answer: StatusAnswer, held: HeldGroups, base: URL): string {
  const { version, ready, now, startedAt, problems, reloadFailed } = answer;
  const up = formatDuration(Date.parse(now) - Date.parse(startedAt));
  const lines = [
    `Slidegate ${version} is ${ready ? 'ready' : 'not ready'}, up ${up} (${base.origin})`,
    ...problems.map((problem) => `! ${problem}`),
    ...(reloadFailed
      ? [
          `! The reload at ${toSeconds(reloadFailed.at)} failed, and the configuration before is in force: ${firstLine(reloadFailed.message)}`,
        ]
      : []),
    '',
    ...describeCounts(answer),
    '',
    ...describeDestinations(answer),
    ...describeHeld(answer, held),
  ];
  return lines.join('\n');
}

/** `2026-01-31 08:00:00Z`, of an ISO time. */
function toSeconds(time: string): string {
  return `${time.slice(0, 19).replace('T', ' ')}Z`;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

function describeCounts(answer: StatusAnswer): readonly string[] {
  const { accepted, delivered, pending, held, discarded, produced, storage, inputs } = answer;
  const listening = inputs.map(({ name, kind, place }) => `${name} (${kind} on ${place})`);
  const lines = [`Inputs     ${listening.join(', ') || 'none'}`];
  if (!produced || !storage) return lines; // The spool does not answer; the problems say so.
  lines.push(
    `Instances  ${accepted} accepted = ${delivered} delivered + ${pending} pending + ${held} held + ${discarded} discarded`,
  );
  if (produced.total > 0) {
    lines.push(
      `Produced   ${produced.total}, of which ${produced.delivered} delivered, ${produced.held} held`,
    );
  }
  lines.push(
    `Storage    ${formatBytes(storage.freeBytes)} free, ${formatBytes(storage.usedBytes)} in the spool`,
  );
  return lines;
}

function describeDestinations({ destinations, now }: StatusAnswer): readonly string[] {
  if (destinations.length === 0) return ['No destinations.'];
  const nowMs = Date.parse(now);
  const age = (time: string | undefined) =>
    time === undefined ? '-' : formatDuration(nowMs - Date.parse(time));
  const isAsked = destinations.some(({ awaitingCommitment }) => awaitingCommitment !== undefined);
  const rows = destinations.map((one) => [
    one.name,
    stateOf(one, nowMs),
    String(one.waiting),
    String(one.sending),
    String(one.held),
    age(one.oldestWaitingAt),
    ...(isAsked ? [describeAwaiting(one, age(one.oldestAwaitingCommitmentAt))] : []),
    one.lastFailure ? `${one.lastFailure.code}: ${one.lastFailure.reason}` : '-',
  ]);
  const columns = ['DESTINATION', 'STATE', 'WAITING', 'SENDING', 'HELD', 'OLDEST'];
  const reported = destinations.filter(({ reportOnly }) => reportOnly).map(({ name }) => name);
  return [
    table([...columns, ...(isAsked ? ['AWAITING COMMITMENT'] : []), 'LAST FAILURE'], rows),
    ...(reported.length > 0
      ? ['', `NOTHING IS SENT to ${reported.join(', ')}: what would be is only reported (mode, report_only).`]
      : []),
  ];
}

/** `-` where it need not commit. */
function describeAwaiting({ awaitingCommitment }: DestinationView, oldest: string): string {
  if (awaitingCommitment === undefined) return '-';
  return awaitingCommitment === 0 ? '0' : `${awaitingCommitment}, for up to ${oldest}`;
}

function stateOf(destination: DestinationView, nowMs: number): string {
  const { state, reportOnly, opensAt, nextProbeAt, diverting, divertingTo } = destination;
  if (reportOnly) return 'REPORT ONLY';
  const until = (time: string | undefined, what: string) => {
    const leftMs = time === undefined ? 0 : Date.parse(time) - nowMs;
    return leftMs > 0 ? [`${what} in ${formatDuration(leftMs)}`] : [];
  };
  return [
    state,
    ...(state === 'suspended' ? until(nextProbeAt, 'next try') : []),
    ...(state === 'closed' ? until(opensAt, 'opens') : []),
    ...(diverting === 'skip' ? ['skipping'] : []),
    ...(diverting === 'failover' ? [`failing over to ${divertingTo ?? 'another'}`] : []),
  ].join(', ');
}

function describeHeld(answer: StatusAnswer, { count, groups }: HeldGroups): readonly string[] {
  if (count === 0) return [];
  const shown = groups.slice(0, GROUPS_SHOWN);
  const left = groups.length - shown.length;
  return [
    '',
    `${counted(count, 'task')} held:`,
    describeGroups(shown, Date.parse(answer.now)),
    ...(left > 0 ? [`and ${counted(left, 'further reason')}.`] : []),
    '',
    'slidegate status --held lists each; slidegate retry --destination NAME tries again; slidegate discard gives up.',
  ];
}
