import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConsoleSettings } from '../../src/console/config.ts';
import {
  type Console,
  type ConsolePorts,
  type ConsoleView,
  startConsole,
} from '../../src/console/console.ts';
import { SpoolSettings } from '../../src/spool/config.ts';
import { openSpool, type Spool } from '../../src/spool/spool.ts';
import { createTelemetry, type Telemetry } from '../../src/telemetry/telemetry.ts';
import { smallInstance } from './small-instance.ts';

export interface TestConsole {
  readonly spool: Spool;
  readonly telemetry: Telemetry;
  readonly console: Console;
  /** Takes one instance into custody, as intake would. */
  accept(sopInstanceUid: string): Promise<number>;
  /** Plans deliveries for the entry that waits for its rules, as rules would. */
  plan(destinations: readonly string[]): Promise<void>;
  /** Holds one delivery to `destination`, as its lane would. */
  holdDelivery(
    destination: string,
    failure: { code: string; message: string; status?: number },
  ): Promise<void>;
  ask(path: string, options?: AskOptions): Promise<Answer>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Instead of the console's port. */
  readonly port?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** Parsed when asked for. */
  json<T = Record<string, unknown>>(): T;
}

/** A console on a spool of its own, over real HTTP on a free port. */
export async function startTestConsole(
  options: {
    console?: Record<string, unknown>;
    view?: Partial<ConsoleView>;
    ports?: Partial<ConsolePorts>;
  } = {},
): Promise<TestConsole> {
  const folder = await mkdtemp(join(tmpdir(), 'console-'));
  const telemetry = createTelemetry({ level: 'silent' });
  const spool = await openSpool(SpoolSettings.parse({ directory: folder, watermark_free_bytes: 0 }), {
    telemetry,
  });
  const view: ConsoleView = {
    console: ConsoleSettings.parse({ port: 0, ...options.console }),
    metrics: {},
    inputs: {},
    ...options.view,
  };
  const reload: ConsolePorts['reload'] = { run: async () => ({ needRestart: [] }), failure: () => undefined };
  const ports = { spool, telemetry, lanes: () => [], inputs: () => [], reload, ...options.ports };
  const closeSpool = async () => {
    await spool.close();
    await rm(folder, { recursive: true, force: true });
  };
  const web = await startConsole(view, ports).catch(async (error: unknown) => {
    await closeSpool();
    throw error;
  });
  const claimOne = async (kind: 'rules' | `delivery:${string}`) => {
    const [claim] = await spool.claim({ kind, limit: 1 }, AbortSignal.timeout(5000));
    if (claim === undefined) throw new Error(`There is no task ${kind}`);
    return claim;
  };
  return {
    spool,
    telemetry,
    console: web,
    async accept(sopInstanceUid) {
      const { fileMeta, dataSet, ...facts } = smallInstance({ sopInstanceUid });
      const arrival = {
        ...facts,
        fileMeta,
        source: 'ct1',
        callingAeTitle: 'CT1',
        calledAeTitle: 'SLIDEGATE',
      };
      const reception = spool.receive({ ...arrival, peerAddress: '127.0.0.1' });
      reception.write(dataSet);
      return (await reception.commit()).entryId;
    },
    async plan(destinations) {
      const tasks = destinations.map((name) => ({
        kind: `delivery:${name}` as const,
        payload: { rule: 'otherwise' },
      }));
      await spool.complete([
        { claim: await claimOne('rules'), tasks, outcome: 'planned', explanation: { rule: 'otherwise' } },
      ]);
    },
    async holdDelivery(destination, failure) {
      await spool.fail([
        { claim: await claimOne(`delivery:${destination}`), disposition: 'hold', ...failure },
      ]);
    },
    ask: (path, asked) => ask(web.port, path, asked),
    async [Symbol.asyncDispose]() {
      await web.stop();
      await closeSpool();
    },
  };
}

/** A request with exactly these headers: `fetch` would not let a test choose Host. */
function ask(
  consolePort: number,
  path: string,
  { method = 'GET', headers = {}, body, port }: AskOptions = {},
): Promise<Answer> {
  const content = body === undefined ? undefined : JSON.stringify(body);
  const type = content === undefined ? {} : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port: port ?? consolePort, path, method, headers: { ...type, ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json: () => JSON.parse(text),
          });
        });
      },
    );
    sent.on('error', reject);
    sent.end(content);
  });
}
