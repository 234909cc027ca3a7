/**
 * Kills a spool at every step of custody, again and again, while everything that a gateway does with a spool is done
 * with it at once, and looks at what is left. Fault case 7.
 *
 * Accepted is what reception has returned of; that and what an operator or a stage was told must hold afterwards,
 * read from the database, and byte for byte from the files. Step by step in turn, at the first time that a step comes
 * and later ones. 50 seeded kills; FULL=1 makes it 500. SLIDEGATE_TEST_SEED=n repeats a run.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { STEP_NAMES } from '../../src/spool/steps.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { auditFiles, auditLedger } from '../support/spool-audit.ts';
import { openTemporarySpool } from '../support/temporary-spool.ts';

const KILLS = process.env.FULL === '1' ? 500 : 50;
const SEED = Number(process.env.SLIDEGATE_TEST_SEED ?? 20_260_101);
const VICTIM = fileURLToPath(new URL('../support/spool-victim.ts', import.meta.url));

/** What all victims of one directory have been promised. */
class Promised {
  /** SHA-256 of the latest data set, by SOP Instance UID. */
  readonly accepted = new Map<string, string>();
  /** Task ids. */
  readonly settled = new Set<number>();
  /** Entry ids. */
  readonly discarded = new Set<number>();
  readonly erased = new Set<number>();
  /** Keys of records. */
  readonly kept = new Set<string>();
}

test(`spool loses nothing it has accepted in ${KILLS} kills at every step`, async (t) => {
  const random = seededRandom(SEED);
  let promised = new Promised();
  /** Kills by step. */
  const died = new Map<string, number>();
  let directory = newDirectory();
  let kills = 0;
  for (let run = 0; kills < KILLS; run += 1) {
    t.true(run < KILLS * 2, `only ${kills} of ${run} victims died`);
    const step = STEP_NAMES[run % STEP_NAMES.length] as string;
    // A victim opens few segments, and does everything else more often.
    const countMax = step === 'segment-created' ? 4 : 12;
    const count = died.has(step) ? 1 + Math.floor(random() * countMax) : 1;

    const { lines, signal } = await runVictim(directory, run, `${step}:${count}`);

    if (signal === 'SIGKILL') {
      kills += 1;
      died.set(step, (died.get(step) ?? 0) + 1);
    }
    t.deepEqual(
      lines.filter((line) => line.startsWith('torn')),
      [],
    );
    note(promised, lines);
    await reopen(directory);
    const title = `after ${step}:${count} in run ${run}, seed ${SEED}`;
    t.deepEqual(
      [...auditLedger(directory), ...auditFiles(directory), ...brokenPromises(directory, promised)],
      [],
      title,
    );
    if (run % 10 === 9) {
      rmSync(directory, { recursive: true });
      directory = newDirectory();
      promised = new Promised();
    }
  }
  rmSync(directory, { recursive: true });
  t.log([...died].map(([step, count]) => `${step} ${count}`).join(', '));
  t.deepEqual([...died.keys()].sort(), [...STEP_NAMES].sort());
  t.true(
    Math.min(...died.values()) >= Math.floor(KILLS / STEP_NAMES.length / 2),
    'every step has had its share',
  );
});

function newDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'slidegate-kills-'));
}

async function runVictim(directory: string, run: number, killAt: string) {
  const child = spawn(process.execPath, [VICTIM, directory, String(run)], {
    env: { ...process.env, SLIDEGATE_TEST_KILL_AT: killAt },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.on('exit', (_code, by) => resolve(by)));
  const output = await text(child.stdout);
  const signal = await ended;
  // The last line may be cut off by the kill: then nobody has read the promise either.
  return { lines: output.split('\n').slice(0, -1), signal };
}

function note(promised: Promised, lines: readonly string[]): void {
  for (const line of lines) {
    const [word, name = '', sha256 = ''] = line.split(' ');
    if (word === 'accepted') promised.accepted.set(name, sha256);
    if (word === 'settled') promised.settled.add(Number(name));
    if (word === 'discarded') promised.discarded.add(Number(name));
    if (word === 'erased') promised.erased.add(Number(name));
    if (word === 'kept') promised.kept.add(name);
  }
}

/** Starts once, so that recovery has run. */
async function reopen(directory: string): Promise<void> {
  const { spool } = await openTemporarySpool({ directory });
  await spool.close();
}

function brokenPromises(directory: string, promised: Promised): string[] {
  using db = new DatabaseSync(join(directory, 'ledger.sqlite'), { readOnly: true });
  const column = (sql: string) =>
    new Set(
      db
        .prepare(sql)
        .all()
        .map(({ value }) => value as string | number),
    );
  const here = column("SELECT sop_instance_uid || ' ' || lower(hex(sha256)) AS value FROM entry");
  const open = column('SELECT task_id AS value FROM task WHERE settled_at_ms IS NULL');
  const discarded = column('SELECT entry_id AS value FROM entry WHERE discarded_count > 0');
  const bare = column('SELECT entry_id AS value FROM entry WHERE keeps >= 2');
  const records = column("SELECT key AS value FROM record WHERE collection = 'victim'");
  // One that was discarded is no reason not to take it again.
  const twice = column(
    `SELECT sop_instance_uid AS value FROM entry WHERE discarded_count = 0
     GROUP BY sop_instance_uid, sha256 HAVING count(*) > 1`,
  );
  const missing = <Key>(kind: string, keys: Iterable<Key>, isKept: (key: Key) => boolean) =>
    [...keys].filter((key) => !isKept(key)).map((key) => `${kind}: ${key}`);
  return [
    ...missing('lost', promised.accepted, ([uid, sha256]) => here.has(`${uid} ${sha256}`)),
    ...missing('to be done again', promised.settled, (taskId) => !open.has(taskId)),
    ...missing('discarded in vain', promised.discarded, (entryId) => discarded.has(entryId)),
    ...missing('erased in vain', promised.erased, (entryId) => bare.has(entryId)),
    ...missing('record lost', promised.kept, (key) => records.has(key)),
    ...[...twice].map((uid) => `two entries of ${uid}`),
  ];
}
