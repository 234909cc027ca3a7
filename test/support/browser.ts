import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../src/cli/free-port.ts';
import { startPeer } from '../../src/cli/peer-process.ts';

const WAIT_LIMIT_MS = 20_000;

/** A page in a headless Chromium, spoken to over its DevTools protocol. */
export interface BrowserPage {
  /** Value of an expression in the page. */
  evaluate<T>(expression: string): Promise<T>;
  /** Resolves once an expression in the page holds. */
  until(expression: string): Promise<void>;
  /** What the page has complained about: errors, and what its security policy has kept from loading. */
  readonly complaints: readonly string[];
  [Symbol.asyncDispose](): Promise<void>;
}

export async function openPage(url: string): Promise<BrowserPage> {
  const profile = await mkdtemp(join(tmpdir(), 'chromium-'));
  const port = await freePort();
  const quiet = [
    'no-first-run',
    'disable-background-networking',
    'disable-component-update',
    'disable-sync',
    'disable-quic',
  ];
  const options = [
    'headless',
    'no-sandbox',
    'disable-gpu',
    ...quiet,
    `user-data-dir=${profile}`,
    `remote-debugging-port=${port}`,
  ];
  const chromium = await startPeer('chromium', [...options.map((option) => `--${option}`), 'about:blank'], {
    port,
  });
  const close = async () => {
    await chromium.stop();
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  try {
    const target = await fetch(`http://127.0.0.1:${port}/json/new?about:blank`, { method: 'PUT' });
    const { webSocketDebuggerUrl } = (await target.json()) as { webSocketDebuggerUrl: string };
    const devTools = await DevTools.connect(webSocketDebuggerUrl);
    await devTools.call('Log.enable');
    await devTools.call('Runtime.enable');
    await devTools.call('Page.navigate', { url });
    const evaluate = async <T>(expression: string): Promise<T> => {
      const answer = await devTools.call('Runtime.evaluate', {
        expression,
        awaitPromise: true,
        returnByValue: true,
      });
      const { result, exceptionDetails } = answer as {
        result: { value: T };
        exceptionDetails?: { text: string };
      };
      if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.text}`);
      return result.value;
    };
    return {
      evaluate,
      complaints: devTools.complaints,
      async until(expression) {
        const limit = Date.now() + WAIT_LIMIT_MS;
        while (!(await evaluate(`Boolean(${expression})`))) {
          if (Date.now() > limit) throw new Error(`In the page it never came true that ${expression}`);
          await delay(50);
        }
      },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

class DevTools {
  readonly complaints: string[] = [];
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: unknown) => void>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#receive(String(data)));
  }

  static async connect(url: string): Promise<DevTools> {
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve, { once: true });
      socket.addEventListener('error', reject, { once: true });
    });
    return new DevTools(socket);
  }

  call(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const id = ++this.#lastId;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  #receive(text: string): void {
    const message = JSON.parse(text) as { id?: number; result?: unknown; method?: string; params?: unknown };
    if (message.id !== undefined) {
      this.#waiting.get(message.id)?.(message.result);
      this.#waiting.delete(message.id);
    } else if (message.method === 'Log.entryAdded' || message.method === 'Runtime.exceptionThrown') {
      this.complaints.push(JSON.stringify(message.params));
    }
  }
}
