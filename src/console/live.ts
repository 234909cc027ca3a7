/** Server-sent events: tells pages that something changed, so that they ask again. */
import type { Request, Response } from 'express';
import type { Spool } from '../spool/spool.ts';

/** Pages ask again at most this often, however much happens. */
const QUIET_MS = 500;
/** Proxies cut off what stays silent. */
const HEARTBEAT_MS = 15_000;
const LISTENERS_MAX = 50;

/** The open streams of `GET /api/live`. Says only *that* something changed: the API says what. */
export class LiveUpdates {
  readonly #spool: Pick<Spool, 'subscribe'>;
  readonly #responses = new Set<Response>();
  readonly #heartbeat: NodeJS.Timeout;
  /** While somebody listens: telling costs the spool something. */
  #unsubscribe: (() => void) | undefined;
  #pending: NodeJS.Timeout | undefined;

  constructor(spool: Pick<Spool, 'subscribe'>) {
    this.#spool = spool;
    this.#heartbeat = setInterval(() => this.#write(': still here\n\n'), HEARTBEAT_MS).unref();
  }

  /** Answers 503 when too many pages listen already; they then poll. */
  open(request: Request, response: Response): void {
    if (this.#responses.size >= LISTENERS_MAX) {
      response
        .status(503)
        .json({ error: { code: 'CONSOLE_BUSY', message: 'Too many pages listen already' } });
      return;
    }
    this.#responses.add(response);
    request.on('close', () => this.#left(response));
    this.#unsubscribe ??= this.#spool.subscribe(() => {
      this.#pending ??= setTimeout(() => this.#tell(), QUIET_MS);
    });
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write('retry: 2000\n\n');
  }

  stop(): void {
    clearInterval(this.#heartbeat);
    for (const response of this.#responses) {
      response.end();
      this.#left(response);
    }
  }

  #left(response: Response): void {
    this.#responses.delete(response);
    if (this.#responses.size > 0) return;
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    clearTimeout(this.#pending);
    this.#pending = undefined;
  }

  #tell(): void {
    this.#pending = undefined;
    this.#write('event: changed\ndata: {}\n\n');
  }

  /** A page that does not read is let go rather than buffered for. */
  #write(text: string): void {
    for (const response of this.#responses) {
      if (!response.write(text) && response.writableLength > 65_536) response.destroy();
    }
  }
}
