/** The API of the gateway that runs with the same settings, as the commands ask it. */
import { isWildcard } from '../console/hosts.ts';
import { parseDurationMs } from '../duration.ts';
import { UsageError } from './command.ts';
import { GatewayRefusedError, GatewayUnreachableError } from './errors.ts';

const ANSWER_LIMIT_MS = 30_000;

/** For `parseArgs`: every command that asks a running gateway takes it. */
export const urlOption = { url: { type: 'string' } } as const;

/** For usage texts. */
export const URL_USAGE = '  --url URL            console of another gateway; default: as the settings say';

/** Where the console of the running gateway is: `url` where given, else as the settings say. */
export async function consoleUrl(url: string | undefined): Promise<URL> {
  if (url !== undefined) {
    const parsed = URL.parse(url);
    if (parsed) return parsed;
    throw new GatewayUnreachableError(`Cannot ask "${url}": it must be a URL such as http://127.0.0.1:8080`);
  }
  // The settings of every stage take longer to load than the answer takes to come.
  const { loadSettings } = await import('../config/config.ts');
  const { host, port } = loadSettings().console;
  if (port === 0) {
    throw new GatewayUnreachableError(
      'Cannot tell the port of the console, as console.port is 0: give --url',
    );
  }
  const reachable = isWildcard(host) ? '127.0.0.1' : host;
  return new URL(`http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`);
}

/**
 * Asks the API; `body` makes it a request that changes something.
 *
 * @throws {GatewayUnreachableError} when nothing answers
 * @throws {GatewayRefusedError} with the gateway's own words
 */
export async function ask<Answer>(
  base: URL,
  path: string,
  body?: unknown,
  limitMs = ANSWER_LIMIT_MS,
): Promise<Answer> {
  const url = new URL(path, base);
  let response: Response;
  try {
    response = await fetch(url, {
      signal: AbortSignal.timeout(limitMs),
      ...(body !== undefined && {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-slidegate': '1' },
        body: JSON.stringify(body),
      }),
    });
  } catch (error) {
    const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
    throw new GatewayUnreachableError(
      `Cannot ask the gateway at ${base.origin}: ${cause?.code ?? (error as Error).message}. Is it running, with these settings?`,
      {},
      { cause: error },
    );
  }
  const answer = (await response.json().catch(() => undefined)) as Answer & { error?: { message: string } };
  if (response.ok && answer !== undefined) return answer;
  throw new GatewayRefusedError(
    answer?.error?.message ?? `Cannot read the answer of ${url}: ${response.status}`,
  );
}

/**
 * A time of an option, as the API takes it.
 *
 * @param text `2h` for two hours ago, or an ISO time
 * @throws {UsageError}
 */
export function readSince(text: string): string {
  const agoMs = parseDurationMs(text);
  const atMs = agoMs === undefined ? Date.parse(text) : Date.now() - agoMs;
  if (Number.isNaN(atMs))
    throw new UsageError(`"${text}" is no time: it must be 2h, 3d or 2026-01-31T08:00:00Z`);
  return new Date(atMs).toISOString();
}
