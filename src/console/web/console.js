// The console's page: asks /api when something changed, and shows the answer. Text only ever enters the page as
// text, never as markup, for reasons come from peers.

const POLL_MS = 5000;
const HELD_SHOWN = 50;
const WARN_AFTER_MS = 15 * 60_000;

const $ = (id) => document.getElementById(id);
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
    const [status, held] = await Promise.all([
      ask('/api/status'),
      ask(`/api/entries?state=held&limit=${HELD_SHOWN}`),
    ]);
    show(status, held.entries);
  } catch {
    setPill($('readiness'), 'No answer', 'bad');
  } finally {
    asking = false;
  }
  if (askAgain) await refresh();
}

async function ask(path, options) {
  const response = await fetch(path, options);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer;
}

function show(status, held) {
  const now = Date.parse(status.now);
  $('version').textContent = status.version;
  setPill($('readiness'), status.ready ? 'Ready' : 'Not ready', status.ready ? 'good' : 'bad');
  $('freshness').textContent = `As of ${new Date(now).toLocaleTimeString()}`;
  $('problems').hidden = status.problems.length === 0;
  $('problems').replaceChildren(...status.problems.map((problem) => make('li', {}, problem)));
  // Without a spool there is nothing more to show: the problems say so.
  if (status.accepted === undefined) return;
  showCounts(status);
  $('destinations').replaceChildren(...status.destinations.map((one) => destinationRow(one, now)));
  if (status.destinations.length === 0)
    $('destinations').replaceChildren(emptyRow(7, 'None in the settings.'));
  showHeld(status, held, now);
  showNode(status, now);
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
  const diverting = { skip: ', deliveries are skipped', failover: ', another takes over' };
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
    make(
      'td',
      { class: 'reason' },
      failure ? failure.reason : '–',
      ' ',
      make('small', {}, failure?.code ?? ''),
    ),
  );
}

function showHeld(status, entries, now) {
  const tasks = entries.flatMap((entry) =>
    entry.tasks.filter(({ state }) => state === 'held').map((task) => ({ entry, task })),
  );
  const total = status.held + status.produced.held;
  $('held-count').textContent = total > entries.length ? `${entries.length} newest of ${total} entries` : '';
  $('held').replaceChildren(...tasks.map(({ entry, task }) => heldRow(entry, task, now)));
  if (tasks.length === 0) $('held').replaceChildren(emptyRow(6, 'Nothing.'));
}

function heldRow(entry, task, now) {
  const narrow = task.destination ? ` --destination ${task.destination}` : '';
  const retry = make('button', { type: 'button' }, 'Retry');
  retry.addEventListener('click', () => retryTask(entry, task));
  const code = [task.code, task.status].filter(Boolean).join(' ');
  return make(
    'tr',
    {},
    make('th', { scope: 'row', title: entry.sopInstanceUid }, `${entry.entryId}`),
    make('td', { class: 'nowrap' }, task.destination ? `delivery to ${task.destination}` : task.stage),
    make('td', { class: 'reason' }, task.reason ?? '', ' ', make('small', {}, code)),
    make('td', { class: 'nowrap' }, duration(now - Date.parse(task.updatedAt))),
    make('td', { class: 'nowrap' }, make('code', {}, `npx slidegate retry ${entry.entryId}${narrow}`)),
    make('td', {}, retry),
  );
}

async function retryTask(entry, task) {
  const selection = {
    entryIds: [entry.entryId],
    kind: task.destination ? `delivery:${task.destination}` : task.stage,
  };
  try {
    const { count } = await ask('/api/tasks/retry', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-slidegate': '1' },
      body: JSON.stringify({ selection, by: 'console' }),
    });
    const what = count === 1 ? '1 task waits' : `${count} tasks wait`;
    $('acted').textContent = `Entry ${entry.entryId}: ${what} again.`;
  } catch (error) {
    $('acted').textContent = `Entry ${entry.entryId}: ${error.message}`;
  }
  await refresh();
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

function emptyRow(columns, text) {
  return make('tr', {}, make('td', { colspan: columns, class: 'empty' }, text));
}

function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}

function setPill(element, text, tone) {
  element.textContent = text;
  element.className = `pill ${tone}`;
}

function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

function bytes(count) {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  return `${(count / 1000 ** power).toFixed(power > 0 ? 1 : 0)} ${units[power]}`;
}
