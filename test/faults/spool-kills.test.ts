import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { STEP_NAMES } from '../../src/spool/steps.ts';
import { auditFiles, auditLedger } from '../support/spool-audit.ts';
import { openTemporarySpool } from '../support/temporary-spool.ts';

const KILLS = process.env.FULL === '1' ? 200 : 50;
const SEED = Number(process.env.SLIDEGATE_TEST_SEED ?? 20_260_101);
const VICTIM = fileURLToPath(new URL('../support/spool-victim.ts', import.meta.url));

/** What all victims of one directory have been promised. */
interface Promised {
  /** SHA-256 of the data set, by SOP Instance UID. */
  readonly accepted: Map<string, string>;
  readonly settled: Set<number>;
}

test(`spool loses nothing it has accepted in ${KILLS} kills at every step`, async (t) => {
  const random = seeded(SEED);
  const promised: Promised = { accepted: new Map(), settled: new Set() };
  const died = new Set<string>();
  let directory = newDirectory();
  let kills = 0;
  for (let run = 0; kills < KILLS; run += 1) {
    t.true(run < KILLS * 2, `only ${kills} of ${run} victims died`);
    const step = STEP_NAMES[run % STEP_NAMES.length] as string;
    const count = died.has(step) ? 1 + Math.floor(random() * 12) : 1;

    const { lines, signal } = await runVictim(directory, run, `${step}:${count}`);

    if (signal === 'SIGKILL') {
      kills += 1;
      died.add(step);
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
      promised.accepted.clear();
      promised.settled.clear();
    }
  }
  rmSync(directory, { recursive: true });
  t.deepEqual([...died].sort(), [...STEP_NAMES].sort());
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

function note({ accepted, settled }: Promised, lines: readonly string[]): void {
  for (const line of lines) {
    const [word, name = '', sha256 = ''] = line.split(' ');
    if (word === 'accepted') accepted.set(name, sha256);
    if (word === 'settled') settled.add(Number(name));
  }
}

/** Starts once, so that recovery has run. */
async function reopen(directory: string): Promise<void> {
  const { spool } = await openTemporarySpool({ directory });
  await spool.close();
}

function brokenPromises(directory: string, { accepted, settled }: Promised): string[] {
  using db = new DatabaseSync(join(directory, 'ledger.sqlite'), { readOnly: true });
  const rows = db.prepare('SELECT sop_instance_uid AS uid, hex(sha256) AS sha256 FROM entry').all();
  const kept = new Map(rows.map(({ uid, sha256 }) => [uid as string, (sha256 as string).toLowerCase()]));
  const open = new Set(
    db
      .prepare('SELECT task_id FROM task WHERE settled_at_ms IS NULL')
      .all()
      .map(({ task_id }) => task_id),
  );
  const twice = rows.length - kept.size;
  return [
    ...[...accepted].filter(([uid, sha256]) => kept.get(uid) !== sha256).map(([uid]) => `lost: ${uid}`),
    ...[...settled].filter((taskId) => open.has(taskId)).map((taskId) => `to be done again: ${taskId}`),
    ...(twice > 0 ? [`${twice} instances have two entries`] : []),
  ];
}

/** Mulberry32: the same kills for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
