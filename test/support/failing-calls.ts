/**
 * Step module of a disk on which the n-th call fails, counted over all threads of a spool: it stands in for the
 * functions of Node that create, write, sync, rename and link files, and that write rows. Calls that only read, or
 * that free space, never fail.
 *
 * A test says which call by {@link FailingCalls}, before the spool is opened.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { StatementSync } from 'node:sqlite';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

const KEY = 'slidegate-test-failing-calls';
const COUNTDOWN = 0;
const MODE = 1;
const FAILED = 2;
const ONCE = 1;
const FROM_THEN_ON = 2;

/** The plan, in memory that all threads share. */
export class FailingCalls {
  readonly #plan = new Int32Array(new SharedArrayBuffer(12));

  /** Of the threads that are started from now on, and of this one when it opens a spool with this module. */
  constructor() {
    setEnvironmentData(KEY, this.#plan as unknown as NodeJS.ReadOnlyDict<string>);
  }

  /** The n-th call from now fails, counted from 1; with `forGood` all later ones too, until {@link mend}. */
  breakAt(n: number, { forGood }: { readonly forGood: boolean }): void {
    Atomics.store(this.#plan, FAILED, 0);
    Atomics.store(this.#plan, MODE, forGood ? FROM_THEN_ON : ONCE);
    Atomics.store(this.#plan, COUNTDOWN, n);
  }

  mend(): void {
    Atomics.store(this.#plan, MODE, 0);
  }

  /** How many calls have failed since the last {@link breakAt}. */
  get failed(): number {
    return Atomics.load(this.#plan, FAILED);
  }
}

/** Nothing happens at the steps themselves. */
export function step(_name: string): void {}

const plan = getEnvironmentData(KEY) as unknown as Int32Array | undefined;

/** @throws {Error} when it is the turn of this call to fail */
function mayFail(error: () => Error): void {
  if (plan === undefined) return;
  const mode = Atomics.load(plan, MODE);
  if (mode === 0) return;
  const left = Atomics.sub(plan, COUNTDOWN, 1) - 1;
  if (left > 0 || (left < 0 && mode === ONCE)) return;
  Atomics.add(plan, FAILED, 1);
  throw error();
}

function noSpace(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC', errno: -28 });
}

function databaseFull(): Error {
  return Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 });
}

/** Replaces a function by one that may fail instead. */
function breakable<Owner extends object>(
  owner: Owner,
  name: keyof Owner,
  concerns: (args: readonly unknown[]) => boolean = () => true,
): void {
  const works = owner[name] as (...args: unknown[]) => unknown;
  const breaks = function breaks(this: unknown, ...args: unknown[]): unknown {
    if (concerns(args)) mayFail(noSpace);
    return works.apply(this, args);
  };
  owner[name] = breaks as Owner[typeof name];
}

/** Opening fails for want of space only where it makes a file. */
const creates = ([, flags]: readonly unknown[]): boolean => typeof flags === 'string' && /^[wa]/.test(flags);

if (plan !== undefined) {
  for (const name of ['writevSync', 'fdatasyncSync', 'fsyncSync'] as const) breakable(fs, name);
  breakable(fs, 'openSync', creates);
  const { promises } = fs;
  for (const name of ['rename', 'link'] as const) {
    const works = promises[name];
    promises[name] = async (from, to) => {
      mayFail(noSpace);
      return works(from, to);
    };
  }
  const { open } = promises;
  promises.open = async (path, flags, mode) => {
    if (creates([path, flags])) mayFail(noSpace);
    return open(path, flags, mode);
  };
  const handle = await open('/dev/null');
  const prototype = Object.getPrototypeOf(handle) as fs.promises.FileHandle;
  for (const name of ['datasync', 'sync'] as const) {
    const works = prototype[name];
    prototype[name] = async function breaks(this: fs.promises.FileHandle) {
      mayFail(noSpace);
      return works.call(this);
    };
  }
  await handle.close();
  syncBuiltinESMExports();

  const { run } = StatementSync.prototype;
  StatementSync.prototype.run = function breaks(this: StatementSync, ...rest: Parameters<typeof run>) {
    if (/^(COMMIT|INSERT)/i.test(this.sourceSQL.trim())) mayFail(databaseFull);
    return run.apply(this, rest);
  } as typeof run;
}
