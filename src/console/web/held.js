// What is held: counted by reason, listed in pages, each with its attempts; retried and discarded after a preview.
import { $, act, ask, duration, emptyRow, make } from './page.js';

const PAGE_ENTRIES = 50;
/** Counting all that is held costs the spool more than a look at a page of it: a twentieth of its time at most. */
const COUNT_EVERY_MS = 10_000;
const COUNT_SHARE = 20;
const COLUMNS = 6;

const filter = { destination: '', code: '' };
/** Pages that were left behind, by the entry before which each began; the first began nowhere. */
const behind = [];
let before;
let counted = { nextMs: Number.NEGATIVE_INFINITY, held: -1 };
/** Attempts of the tasks that are opened, by task. */
const opened = new Map();
let pending;

for (const name of ['destination', 'code']) {
  $(`held-${name}`).addEventListener('change', async ({ target }) => {
    filter[name] = target.value;
    toNewest();
    await refreshList();
  });
}
$('held-older').addEventListener('click', () =>
  turn(() => behind.push(before), $('held-older').dataset.before),
);
$('held-newer').addEventListener('click', () => turn(() => {}, behind.pop()));
for (const action of ['retry', 'discard']) {
  $(`held-${action}`).addEventListener('click', () => askFirst(action, matching(), 'all that match'));
}
$('confirm-no').addEventListener('click', () => $('confirm').close());
$('confirm-yes').addEventListener('click', confirmed);

/** Shows what is held now. */
export async function refreshHeld(status) {
  const held = status.tasks
    .filter(({ state }) => state === 'held')
    .reduce((sum, { count }) => sum + count, 0);
  const startMs = performance.now();
  if (held !== counted.held && (startMs > counted.nextMs || counted.held <= 0 || held === 0)) {
    counted = { nextMs: startMs + COUNT_EVERY_MS, held };
    showGroups(await ask('/api/held/groups'));
    const tookMs = performance.now() - startMs;
    counted.nextMs = performance.now() + Math.max(COUNT_EVERY_MS, COUNT_SHARE * tookMs);
  }
  await refreshList();
}

async function refreshList() {
  const query = new URLSearchParams({ limit: PAGE_ENTRIES, ...matching() });
  if (before !== undefined) query.set('before', before);
  const { entries, nextBefore } = await ask(`/api/held?${query}`);
  const now = Date.now();
  const rows = entries.flatMap((entry) => entry.tasks.flatMap((task) => heldRows(entry, task, now)));
  $('held').replaceChildren(...(rows.length > 0 ? rows : [emptyRow(COLUMNS, 'Nothing.')]));
  $('held-older').hidden = nextBefore === undefined;
  $('held-older').dataset.before = nextBefore ?? '';
  $('held-newer').hidden = before === undefined;
  for (const action of ['retry', 'discard']) $(`held-${action}`).hidden = rows.length === 0;
}

function toNewest() {
  before = undefined;
  behind.length = 0;
}

async function turn(leave, to) {
  leave();
  before = to;
  await refreshList();
}

/** The filter, as far as it is set. */
function matching() {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== ''));
}

function showGroups({ count, groups }) {
  $('held-count').textContent =
    count > 0 ? `${count.toLocaleString()} ${count === 1 ? 'task' : 'tasks'}` : '';
  $('held-groups').replaceChildren(...groups.slice(0, 10).map(groupItem));
  for (const name of ['destination', 'code']) {
    const values = [...new Set(groups.map((group) => group[name]).filter(Boolean))].sort();
    if (filter[name] && !values.includes(filter[name])) values.push(filter[name]);
    const options = ['', ...values].map((value) => {
      const option = make('option', { value }, value || `every ${name}`);
      option.selected = value === filter[name];
      return option;
    });
    $(`held-${name}`).replaceChildren(...options);
  }
}

function groupItem(group) {
  const now = Date.now();
  const age = (time) => duration(now - Date.parse(time));
  const since =
    group.count === 1 ? `for ${age(group.oldestAt)}` : `for ${age(group.newestAt)} to ${age(group.oldestAt)}`;
  const code = [group.code, group.status].filter(Boolean).join(' ');
  return make(
    'li',
    {},
    make('strong', {}, group.count.toLocaleString()),
    ` ${placeOf(group)}: ${group.reason ?? ''} `,
    make('small', {}, `${code}, ${since}`),
  );
}

function heldRows(entry, task, now) {
  const narrow = task.destination ? ` --destination ${task.destination}` : '';
  const selection = { entryIds: [entry.entryId], kind: kindOf(task) };
  const code = [task.code, task.status].filter(Boolean).join(' ');
  const attempts = opened.get(task.taskId);
  const row = make(
    'tr',
    {},
    make('th', { scope: 'row', title: entry.sopInstanceUid }, `${entry.entryId}`),
    make('td', { class: 'nowrap' }, placeOf(task)),
    make('td', { class: 'reason' }, task.reason ?? '', ' ', make('small', {}, code)),
    make('td', { class: 'nowrap' }, duration(now - Date.parse(task.updatedAt))),
    make('td', { class: 'nowrap' }, make('code', {}, `npx slidegate retry ${entry.entryId}${narrow}`)),
    make(
      'td',
      { class: 'nowrap' },
      button('Retry', () => perform('retry', { selection }, `Entry ${entry.entryId}`)),
      ' ',
      button('Discard…', () => askFirst('discard', selection, `entry ${entry.entryId}`)),
      ' ',
      button(attempts ? 'Hide' : 'Attempts', () => toggleAttempts(entry, task), {
        'aria-expanded': Boolean(attempts),
      }),
    ),
  );
  return attempts ? [row, attemptsRow(attempts)] : [row];
}

async function toggleAttempts(entry, task) {
  if (!opened.delete(task.taskId)) {
    const { tasks } = await ask(`/api/entries/${entry.entryId}`);
    opened.set(task.taskId, tasks.find(({ taskId }) => taskId === task.taskId)?.attempts ?? []);
  }
  await refreshList();
}

function attemptsRow(attempts) {
  const items = attempts.map(({ attempt, startedAt, endedAt, code, status, message }) => {
    const took = duration(Date.parse(endedAt) - Date.parse(startedAt));
    const when = `${new Date(startedAt).toLocaleString()}, ${took}`;
    return make(
      'li',
      { value: attempt },
      `${when}: ${message} `,
      make('small', {}, [code, status].filter(Boolean).join(' ')),
    );
  });
  const list = items.length > 0 ? make('ol', { class: 'attempts' }, ...items) : 'No attempt is on record.';
  return make('tr', { class: 'opened' }, make('td', { colspan: COLUMNS }, list));
}

/** Says first what would happen, and asks for the reason. */
async function askFirst(action, selection, what) {
  try {
    const { count, groups } = await act(action, { selection: onlyHeld(selection), preview: true });
    pending = { action, selection: onlyHeld(selection) };
    $('confirm-title').textContent = `${action === 'retry' ? 'Retry' : 'Discard'} ${what}?`;
    $('confirm-count').textContent = `${count.toLocaleString()} ${count === 1 ? 'task' : 'tasks'}:`;
    $('confirm-groups').replaceChildren(...groups.slice(0, 10).map(groupItem));
    $('confirm-reason').value = '';
    $('confirm-reason').parentElement.hidden = action === 'retry';
    $('confirm').showModal();
  } catch (error) {
    $('acted').textContent = error.message;
  }
}

async function confirmed() {
  const { action, selection } = pending;
  const reason = $('confirm-reason').value.trim();
  if (action === 'discard' && reason === '') {
    $('confirm-reason').focus();
    return;
  }
  $('confirm').close();
  await perform(action, { selection, ...(reason && { reason }) }, 'Done');
}

async function perform(action, body, about) {
  try {
    const { count } = await act(action, body);
    const what = count === 1 ? '1 task' : `${count} tasks`;
    const done = action === 'retry' ? `${count === 1 ? 'waits' : 'wait'} again` : 'discarded';
    $('acted').textContent = `${about}: ${what} ${done}.`;
  } catch (error) {
    $('acted').textContent = `${about}: ${error.message}`;
  }
  counted.nextMs = 0;
  toNewest();
  await refreshList();
}

/** What waits or is being sent is not on this list, and not meant. */
function onlyHeld(selection) {
  return { ...selection, states: ['held'] };
}

function button(text, onClick, attributes = {}) {
  const element = make('button', { type: 'button', ...attributes }, text);
  element.addEventListener('click', onClick);
  return element;
}

function kindOf({ stage, destination }) {
  return destination ? `${stage}:${destination}` : stage;
}

function placeOf({ stage, destination }) {
  if (!destination) return stage;
  return stage === 'delivery' ? `delivery to ${destination}` : `${stage} of ${destination}`;
}
