/**
 * What a program asks of the operating system's files, call by call, as strace(1) sees it: also what SQLite and Node
 * do by themselves. Tests that cut the power replay it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** One system call of one thread. Lines of the trace are the clock: a call is under way from `entered` to `left`. */
export interface SystemCall {
  /** Number of the process: threads share one, and with it the file descriptors. */
  readonly process: number;
  readonly name: string;
  readonly args: string;
  /** Negative when it failed. */
  readonly result: number;
  readonly entered: number;
  readonly left: number;
}

const FILE_CALLS = [
  'open,openat,creat,close,dup,dup2,dup3,write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,sync_file_range',
  'rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,ftruncate,truncate,fallocate',
  'copy_file_range,sendfile,clone,clone3,fork,vfork',
].join(',');
/** Longer than anything that is written at once. */
const BYTES_PER_CALL_MAX = 8 * 1024 * 1024;

/**
 * Runs a program of Node under strace, with a channel for messages as fork() has it.
 *
 * @param traceFile where the trace is written; complete when the process has gone
 */
export function spawnTraced(
  entry: string,
  options: { readonly traceFile: string; readonly env: Readonly<Record<string, string>> },
): ChildProcess {
  const strace = ['-f', '--seccomp-bpf', '-qq', '-xx', '-s', String(BYTES_PER_CALL_MAX)];
  return spawn(
    'strace',
    [
      ...strace,
      '-e',
      `trace=${FILE_CALLS}`,
      '-e',
      'signal=none',
      '-o',
      options.traceFile,
      process.execPath,
      entry,
    ],
    {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // What goes to the disk by a ring would not be seen.
      env: { ...process.env, ...options.env, UV_USE_IO_URING: '0' },
    },
  );
}

/** The calls that returned, in the order in which they were entered. */
export async function readTrace(traceFile: string): Promise<SystemCall[]> {
  const calls: SystemCall[] = [];
  const unfinished = new Map<number, { text: string; entered: number }>();
  /** By thread, the thread that made it. A thread may be seen before the call that made it has returned. */
  const makers = new Map<number, number>();
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(traceFile, 'latin1') })) {
    line += 1;
    const space = text.indexOf(' ');
    const thread = Number(text.slice(0, space));
    const rest = text.slice(space).trimStart();
    if (rest.endsWith('<unfinished ...>')) {
      const begun = rest.slice(0, -'<unfinished ...>'.length).trimEnd();
      unfinished.set(thread, { text: begun, entered: line });
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>/.exec(rest);
    const begun = resumed && unfinished.get(thread);
    const whole = begun ? begun.text + rest.slice(resumed[0].length) : rest;
    const call = /^(\w+)\(/.exec(whole);
    const end = whole.lastIndexOf(')');
    const result = Number(/^\) *= (-?\d+)/.exec(whole.slice(end))?.[1] ?? Number.NaN);
    if (call === null || Number.isNaN(result)) continue; // An exit, or a call that never returned.
    const name = call[1] as string;
    const args = whole.slice(call[0].length, end);
    if (name.startsWith('clone') && args.includes('CLONE_THREAD')) makers.set(result, thread);
    calls.push({ process: thread, name, args, result, entered: begun?.entered ?? line, left: line });
  }
  const processOf = (thread: number): number => {
    const maker = makers.get(thread);
    return maker === undefined ? thread : processOf(maker);
  };
  return calls
    .map((call) => ({ ...call, process: processOf(call.process) }))
    .sort((a, b) => a.entered - b.entered);
}

/** The file descriptor that a call is about: its first argument. */
export function descriptorOf({ args }: SystemCall): number {
  return Number.parseInt(args, 10);
}

/** Every text or run of bytes among the arguments, in order. */
export function bytesOf({ args, name }: SystemCall): Buffer[] {
  const found: Buffer[] = [];
  for (const [, hex = '', cutOff] of args.matchAll(/"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/g)) {
    if (cutOff !== undefined) throw new Error(`The trace of ${name} is cut off`);
    found.push(Buffer.from(hex.replaceAll('\\x', ''), 'hex'));
  }
  return found;
}

/** Paths among the arguments. */
export function pathsOf(call: SystemCall): string[] {
  return bytesOf(call).map((bytes) => bytes.toString());
}

/** The last argument, where it is a number. */
export function lastNumberOf({ args }: SystemCall): number {
  return Number(args.slice(args.lastIndexOf(',') + 1));
}
