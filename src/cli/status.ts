import { parseArgs } from 'node:util';
import type { EntryAnswer, StatusAnswer } from '../console/console.ts';
import type { Command } from './command.ts';
import { ask, consoleUrl, URL_USAGE, urlOption } from './running-gateway.ts';
import { formatBytes, formatDuration, table } from './text.ts';

const HELD_SHOWN = 20;

/** `slidegate status`: what the console's page shows, for a terminal or a program. */
export const status: Command = {
  name: 'status',
  summary: 'Shows queue, destinations and held entries of the running gateway.',
  usage: `Usage: slidegate status [options]

  --json               one JSON object instead of text
${URL_USAGE}

Exit code 1 while the gateway is not ready.`,

  async run(args) {
    const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean' }, ...urlOption } });
    const base = await consoleUrl(values.url);
    const [answer, { entries: held }] = await Promise.all([
      ask<StatusAnswer>(base, '/api/status'),
      ask<{ entries: EntryAnswer[] }>(base, `/api/entries?state=held&limit=${HELD_SHOWN}`),
    ]);
    console.log(
      values.json ? JSON.stringify({ ...answer, heldEntries: held }) : describe(answer, held, base),
    );
    return answer.ready ? 0 : 1;
  },
};

function describe(answer: StatusAnswer, held: readonly EntryAnswer[], base: URL): string {
  const { version, ready, now, startedAt, problems } = answer;
  const up = formatDuration(Date.parse(now) - Date.parse(startedAt));
  const lines = [
    `Slidegate ${version} is ${ready ? 'ready' : 'not ready'}, up ${up} (${base.origin})`,
    ...problems.map((problem) => `! ${problem}`),
    '',
    ...describeCounts(answer),
    '',
    ...describeDestinations(answer),
    ...describeHeld(answer, held),
  ];
  return lines.join('\n');
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
  const rows = destinations.map((one) => [
    one.name,
    stateOf(one),
    String(one.waiting),
    String(one.sending),
    String(one.held),
    one.oldestWaitingAt ? formatDuration(Date.parse(now) - Date.parse(one.oldestWaitingAt)) : '-',
    one.lastFailure ? `${one.lastFailure.code}: ${one.lastFailure.reason}` : '-',
  ]);
  const reported = destinations.filter(({ reportOnly }) => reportOnly).map(({ name }) => name);
  return [
    table(['DESTINATION', 'STATE', 'WAITING', 'SENDING', 'HELD', 'OLDEST', 'LAST FAILURE'], rows),
    ...(reported.length > 0
      ? ['', `NOTHING IS SENT to ${reported.join(', ')}: what would be is only reported (mode, report_only).`]
      : []),
  ];
}

function stateOf({ state, reportOnly, opensAt, diverting }: StatusAnswer['destinations'][number]): string {
  if (reportOnly) return 'REPORT ONLY';
  if (diverting) return `${state}, ${diverting === 'skip' ? 'skipping' : 'failing over'}`;
  return opensAt === undefined ? state : `${state} until ${opensAt}`;
}

function describeHeld(answer: StatusAnswer, held: readonly EntryAnswer[]): readonly string[] {
  const now = Date.parse(answer.now);
  const rows = held.flatMap(({ entryId, tasks }) =>
    tasks
      .filter(({ state }) => state === 'held')
      .map((task) => [
        String(entryId),
        task.destination ? `delivery to ${task.destination}` : task.stage,
        formatDuration(now - Date.parse(task.updatedAt)),
        [task.code, task.status, task.reason].filter(Boolean).join(' '),
      ]),
  );
  if (rows.length === 0) return [];
  const total = (answer.held ?? 0) + (answer.produced?.held ?? 0);
  const title = total > held.length ? `Held, ${held.length} newest of ${total} entries:` : 'Held:';
  return [
    '',
    title,
    table(['ENTRY', 'STAGE', 'SINCE', 'REASON'], rows),
    '',
    'slidegate retry <entry...> tries again; slidegate discard <entry...> gives up.',
  ];
}
