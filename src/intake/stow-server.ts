/**
 * # STOW-RS service
 *
 * The HTTP side of the input: who may come in, how many at a time, and in which words they are answered. PS3.18 10.5.
 *
 * Invariants:
 * - A request is answered only when what it brought is durable, or known not to be.
 * - A client that stalls, lies about its length or goes away costs its own place only, and that for a bounded time.
 *
 * Deliberately absent: any look into the body, and resources other than `studies`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { statusDigits } from '../dimse/status.ts';
import type { Spool } from '../spool/spool.ts';
import {
  httpRequestRefused,
  stowAnswered,
  stowBrokeOff,
  stowPartSettled,
} from '../telemetry/input-events.ts';
import { inputFailed, instanceReceived, receptionFailed } from '../telemetry/intake-events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { AdmissionControl } from './admission-control.ts';
import { RequestError } from './errors.ts';
import type { IncomingRequest } from './http-listener.ts';
import type { Part10Outcome } from './part10-reception.ts';
import { requestBody } from './request-body.ts';
import { type Refusal, readStoreRequest, type StoreRequest } from './stow-request.ts';
import { httpStatusOf, jsonOf, RESPONSE_MEDIA_TYPES, xmlOf } from './stow-response.ts';
import { storeInstances } from './stow-transaction.ts';

export interface StowServiceOptions {
  readonly input: string;
  readonly spool: Spool;
  readonly telemetry: Telemetry;
  readonly basePath: string;
  readonly callingAeTitle: string;
  readonly calledAeTitle: string;
  readonly admission: Pick<AdmissionControl, 'acceptsUnknownSopClasses' | 'otherContentOf' | 'paceInstance'>;
  readonly requestsMax: number;
  readonly bytesMax: number;
  readonly partsMax: number;
  readonly idleMs: number;
  readonly requestMs: number;
  /** As whom a caller comes in, or why not. */
  admit(incoming: IncomingRequest): Promise<{ readonly source: string } | Refusal>;
}

/** How long a refused client may go on sending before its connection is cut: it may listen only when it has sent all. */
const DRAIN_MS = 30_000;
const RETRY_AFTER = { 'retry-after': '30' };
const BUSY: Refusal = {
  httpStatus: 503,
  text: 'Too many requests at the same time.',
  headers: { 'retry-after': '1' },
};
const STOPPING: Refusal = {
  httpStatus: 503,
  text: 'The gateway stops.',
  headers: { ...RETRY_AFTER, connection: 'close' },
};
const NO_ROOM: Refusal = {
  httpStatus: 503,
  text: 'The gateway takes no instances at the moment: its disk is full or fails.',
  headers: RETRY_AFTER,
};
const NO_PARTS: Refusal = { httpStatus: 400, text: 'The body must hold at least one instance.' };

const HTTP_STATUS_OF = { MULTIPART_MALFORMED: 400, REQUEST_TOO_LARGE: 413, REQUEST_STALLED: 408 } as const;

export class StowService {
  readonly #options: StowServiceOptions;
  readonly #inHand = new Set<Promise<void>>();
  #isStopping = false;

  constructor(options: StowServiceOptions) {
    this.#options = options;
  }

  /** Takes one request; its answer is under way when it returns. */
  handle(incoming: IncomingRequest): void {
    const { request, response } = incoming;
    request.on('error', () => {}); // A client that goes away; whoever reads the body hears of it.
    const isBusy = this.#inHand.size >= this.#options.requestsMax;
    if (this.#isStopping || isBusy) {
      this.#refuse(incoming, this.#isStopping ? STOPPING : BUSY);
      return;
    }
    const work = this.#serve(incoming).catch((error: unknown) => {
      inputFailed(this.#options.telemetry, { input: this.#options.input, error });
      if (!response.headersSent) response.writeHead(500, { connection: 'close' }).end();
    });
    this.#inHand.add(work);
    void work.finally(() => this.#inHand.delete(work));
  }

  /** Refuses what is new from now on, and resolves when what has begun has been answered. */
  async drain(): Promise<void> {
    this.#isStopping = true;
    while (this.#inHand.size > 0) await Promise.all(this.#inHand);
  }

  async #serve(incoming: IncomingRequest): Promise<void> {
    const { admit, spool } = this.#options;
    const caller = await admit(incoming);
    if ('httpStatus' in caller) return this.#refuse(incoming, caller);
    const asked = readStoreRequest(incoming.request, this.#options);
    if ('httpStatus' in asked) return this.#refuse(incoming, asked);
    if (incoming.expectsContinue) {
      // The client waits with its body for our word: the moment to spare both of us a useless one.
      if ((await spool.status()).refusing) return this.#refuse(incoming, NO_ROOM);
      incoming.response.writeContinue();
    }
    await this.#store(incoming, { ...asked, source: caller.source });
  }

  async #store(
    { request, response, peerAddress }: IncomingRequest,
    asked: StoreRequest & { readonly source: string },
  ): Promise<void> {
    const { input, telemetry, admission, bytesMax, idleMs, requestMs } = this.#options;
    const { source } = asked;
    const begunAtMs = performance.now();
    const facts = () => ({ input, source, peerAddress, durationMs: performance.now() - begunAtMs });
    let stored = 0;
    const cutOff = setTimeout(() => request.destroy(), requestMs);
    try {
      const outcomes = await storeInstances(requestBody(request, { idleMs, bytesMax }), asked.layout, {
        ...this.#options,
        source,
        peerAddress,
        acceptUnknownSopClasses: admission.acceptsUnknownSopClasses,
        ...admission.otherContentOf(source),
        paceMs: () => admission.paceInstance(source),
        ...(asked.studyInstanceUid !== undefined && { studyInstanceUid: asked.studyInstanceUid }),
        onPart: (outcome, durationMs) => {
          if (outcome.committed !== undefined) stored += 1;
          this.#tellPart(source, outcome, durationMs);
        },
      });
      const httpStatus = answer(response, outcomes, asked.responseForm);
      stowAnswered(telemetry, { ...facts(), httpStatus, stored, failed: outcomes.length - stored });
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      stowBrokeOff(telemetry, { ...facts(), code: error.code, stored });
      if (error.code === 'REQUEST_ABORTED') response.destroy();
      else {
        const text = `${error.message}. ${stored} instances that came before are stored.`;
        end(request, response, { httpStatus: HTTP_STATUS_OF[error.code], text });
      }
    } finally {
      clearTimeout(cutOff);
    }
  }

  #tellPart(
    source: string,
    { answer, committed, dataSetBytes, error }: Part10Outcome,
    durationMs: number,
  ): void {
    const { telemetry } = this.#options;
    const status = statusDigits(answer.status);
    const reason = answer.errorComment === undefined ? {} : { reason: answer.errorComment };
    if (committed) instanceReceived(telemetry, { source, dataSetBytes, ...committed });
    // That there is no room is told once by the spool, not with every instance.
    else if (error !== undefined && (error as { code?: unknown }).code !== 'SPOOL_REFUSING') {
      receptionFailed(telemetry, { source, error });
    }
    stowPartSettled(telemetry, { source, status, ...reason, durationMs });
  }

  #refuse({ request, response, peerAddress }: IncomingRequest, refusal: Refusal): void {
    const { input, telemetry } = this.#options;
    const { httpStatus, text: reason } = refusal;
    httpRequestRefused(telemetry, { input, peerAddress, httpStatus, reason });
    end(request, response, refusal);
  }
}

/** @returns the HTTP status */
function answer(
  response: ServerResponse,
  outcomes: readonly Part10Outcome[],
  form: StoreRequest['responseForm'],
): number {
  const httpStatus = outcomes.length === 0 ? NO_PARTS.httpStatus : httpStatusOf(outcomes);
  if (outcomes.length === 0) sendText(response, NO_PARTS);
  else if (httpStatus === 503) sendText(response, NO_ROOM);
  else {
    const text = form === 'json' ? jsonOf(outcomes) : xmlOf(outcomes);
    send(response, httpStatus, text, { 'content-type': RESPONSE_MEDIA_TYPES[form][0] });
  }
  return httpStatus;
}

/** Answers before the body has come, and lets the client send a while: one that is cut off may never read the answer. */
function end(request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
  sendText(response, refusal);
  const timer = setTimeout(() => request.destroy(), DRAIN_MS);
  request.on('close', () => clearTimeout(timer));
  request.resume();
}

function sendText(response: ServerResponse, { httpStatus, text, headers }: Refusal): void {
  send(response, httpStatus, `${text}\n`, { 'content-type': 'text/plain; charset=utf-8', ...headers });
}

function send(
  response: ServerResponse,
  httpStatus: number,
  text: string,
  headers: Readonly<Record<string, string>>,
): void {
  const body = Buffer.from(text, 'utf8');
  const always = { 'content-length': String(body.length), 'cache-control': 'no-store' };
  response.writeHead(httpStatus, { ...always, ...headers }).end(body);
}
