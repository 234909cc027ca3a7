// The console's page: asks /api when something changed, and shows the answer.
import { refreshHeld } from './held.js';
import { $, ask, bytes, duration, emptyRow, make, setPill } from './page.js';

const POLL_MS = 5000;
const WARN_AFTER_MS = 15 * 60_000;

let asking = false;
let askAgain = false;

void refresh();
setInterval(refresh, POLL_MS);
const live = new EventSource('/api/live');
live.addEventListener('changed', refresh);

async function refresh() {
  // One request at a time, and one more when something changed meanwhile.
  askAgain = asking;
  if (asking) return;
  asking = true;
  try {
    const status = await ask('/api/status');
    show(status);
    // Without a spool there is nothing more to show: the problems say so.
    if (status.accepted !== undefined) await refreshHeld(status);
  } catch {
    setPill($('readiness'), 'No answer', 'bad');
  } finally {
    asking = false;
  }
  if (askAgain) await refresh();
}

function show(status) {
  const now = Date.parse(status.now);
  $('version').textContent = status.version;
  setPill($('readiness'), status.ready ? 'Ready' : 'Not ready', status.ready ? 'good' : 'bad');
  $('freshness').textContent = `As of ${new Date(now).toLocaleTimeString()}`;
  const problems = [...status.problems, ...reloadProblem(status)];
  $('problems').hidden = problems.length === 0;
  $('problems').replaceChildren(...problems.map((problem) => make('li', {}, problem)));
  if (status.accepted === undefined) return;
  showCounts(status);
  $('destinations').replaceChildren(...status.destinations.map((one) => destinationRow(one, now)));
  if (status.destinations.length === 0)
    $('destinations').replaceChildren(emptyRow(8, 'None in the settings.'));
  showNode(status, now);
}

function reloadProblem({ reloadFailed }) {
  if (!reloadFailed) return [];
  const at = new Date(reloadFailed.at).toLocaleString();
  return [`The reload at ${at} failed, and the configuration before is in force: ${reloadFailed.message}`];
}

function showCounts({ accepted, delivered, pending, held, discarded, produced }) {
  const tiles = [
    ['Accepted', accepted, ''],
    ['Delivered', delivered, 'good'],
    ['Pending', pending, pending > 0 ? 'warn' : ''],
    ['Held', held, held > 0 ? 'bad' : ''],
    ['Discarded', discarded, ''],
  ];
  $('counts').replaceChildren(
    ...tiles.map(([name, count, tone]) =>
      make('div', { class: tone }, make('dt', {}, name), make('dd', {}, count.toLocaleString())),
    ),
  );
  $('balance').textContent =
    produced.total > 0
      ? `Conversions made ${produced.total.toLocaleString()} further instances, ${produced.delivered.toLocaleString()} of them delivered.`
      : '';
}

function destinationRow(destination, now) {
  const waitedMs = destination.oldestWaitingAt ? now - Date.parse(destination.oldestWaitingAt) : 0;
  const nextMs = destination.nextProbeAt ? Date.parse(destination.nextProbeAt) - now : 0;
  const opensMs = destination.opensAt ? Date.parse(destination.opensAt) - now : 0;
  const words = {
    idle: ['Idle', 'good'],
    sending: ['Sending', 'good'],
    suspended: [nextMs > 0 ? `Suspended, next try in ${duration(nextMs)}` : 'Suspended', 'bad'],
    closed: [opensMs > 0 ? `Closed, opens in ${duration(opensMs)}` : 'Closed', 'warn'],
    blocked: ['Not in the settings', 'bad'],
    stopped: ['Stopped', 'warn'],
  };
  const [state, stateTone] = words[destination.state];
  const diverting = {
    skip: ', deliveries are skipped',
    failover: `, ${destination.divertingTo ?? 'another'} takes over`,
  };
  const text = destination.reportOnly
    ? 'NOTHING IS SENT: report only'
    : state + (diverting[destination.diverting] ?? '');
  const tone = destination.reportOnly ? 'bad' : stateTone;
  const failure = destination.lastFailure;
  const late = waitedMs > WARN_AFTER_MS ? 'late' : '';
  const pill = make('span', { class: 'pill' }, text);
  setPill(
    pill,
    text,
    tone === 'good' && destination.state === 'idle' && waitedMs > WARN_AFTER_MS ? 'warn' : tone,
  );
  return make(
    'tr',
    {},
    make(
      'th',
      { scope: 'row', class: 'nowrap' },
      destination.name,
      ' ',
      make('small', {}, destination.kind ?? ''),
    ),
    make('td', {}, pill),
    make('td', { class: 'number' }, destination.waiting.toLocaleString()),
    make('td', { class: 'number' }, destination.sending.toLocaleString()),
    make('td', { class: 'number' }, destination.held.toLocaleString()),
    make('td', { class: `nowrap ${late}` }, waitedMs > 0 ? duration(waitedMs) : '–'),
    make('td', { class: 'nowrap' }, awaiting(destination, now)),
    make(
      'td',
      { class: 'reason' },
      failure ? failure.reason : '–',
      ' ',
      make('small', {}, failure?.code ?? ''),
    ),
  );
}

function awaiting({ awaitingCommitment, oldestAwaitingCommitmentAt: oldestAt }, now) {
  if (!awaitingCommitment) return awaitingCommitment === 0 ? '0' : '–';
  const age = oldestAt ? `, for up to ${duration(now - Date.parse(oldestAt))}` : '';
  return `${awaitingCommitment.toLocaleString()}${age}`;
}

function showNode({ inputs, storage, startedAt, tasks }, now) {
  const open = (stage) =>
    tasks
      .filter(({ kind, state }) => kind === stage && state !== 'held')
      .reduce((sum, task) => sum + task.count, 0);
  const facts = [
    ['Inputs', inputs.map(({ name, kind, place }) => `${name} (${kind}, ${place})`).join(', ') || 'none'],
    ['Free space', `${bytes(storage.freeBytes)}${storage.refusing ? ', under the watermark: refusing' : ''}`],
    ['In the spool', bytes(storage.usedBytes)],
    ['Before the rules', `${open('rules').toLocaleString()} waiting`],
    ['In conversion', `${open('conversion').toLocaleString()} waiting or running`],
    ['Up for', duration(now - Date.parse(startedAt))],
  ];
  $('node').replaceChildren(
    ...facts.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]),
  );
}
