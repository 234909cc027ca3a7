import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { connect } from 'node:net';

/** DCMTK and Orthanc leave Nagle's algorithm on unless told: 40 ms an instance that are not ours. */
const PEER_ENVIRONMENT = { ...process.env, TCP_NODELAY: '1', PATH: `${process.env.PATH}:/usr/sbin` };

export interface Finished {
  readonly code: number;
  readonly output: string;
}

/** Runs another program to its end. A program that is not installed rejects: tests must fail, not skip. */
export function run(
  command: string,
  args: readonly string[],
  options: { timeoutMs?: number } = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    execFile(
      command,
      [...args],
      { env: PEER_ENVIRONMENT, timeout: options.timeoutMs ?? 120_000, maxBuffer: 64 << 20 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : (error as { code?: number | string }).code;
        if (typeof code === 'string') return reject(new Error(`Cannot run ${command}: ${code}`));
        resolve({ code: code ?? -1, output: `${stdout}${stderr}` });
      },
    );
  });
}

/** True when the program can be started; what it then says to `--version` does not matter. */
export async function isInstalled(command: string): Promise<boolean> {
  try {
    await run(command, ['--version']);
    return true;
  } catch {
    return false;
  }
}

export interface PeerProcess {
  readonly process: ChildProcess;
  output(): string;
  stop(): Promise<void>;
}

/** Starts another program and waits until it accepts connections on `port`. */
export async function startPeer(
  command: string,
  args: readonly string[],
  options: { port: number; cwd?: string; env?: Record<string, string> },
): Promise<PeerProcess> {
  const child = spawn(command, [...args], {
    env: { ...PEER_ENVIRONMENT, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let output = '';
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString('latin1')).slice(-100_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = new Promise<never>((_, reject) => {
    child.once('error', (error) => reject(new Error(`Cannot run ${command}: ${error.message}`)));
    child.once('exit', (code) => reject(new Error(`${command} ended with ${code}: ${output}`)));
  });
  ended.catch(() => {});
  await Promise.race([listening(options.port, 30_000), ended]);
  return {
    process: child,
    output: () => output,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const hard = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await gone;
      clearTimeout(hard);
    },
  };
}

/** Resolves as soon as something accepts a connection on the port of loopback. */
async function listening(port: number, limitMs: number): Promise<void> {
  const until = Date.now() + limitMs;
  while (Date.now() < until) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`Nothing listens on port ${port} after ${limitMs} ms`);
}
