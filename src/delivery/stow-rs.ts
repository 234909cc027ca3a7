/**
 * # STOW-RS
 *
 * Store requests to a DICOMweb server, one instance each, so that every answer is about one. One connection per
 * slot; instances go byte for byte from the spool to the socket. PS3.18 10.5.
 *
 * - Only the server's answer means that it has custody; an answer that does not tell means nothing.
 * - A request that was cut off, by us or by a damaged copy, ends before the length it announced: no server takes it.
 * - What is wrong with the sign-in, the URL or the server keeps instances waiting, and holds none.
 */
import { GatewayError } from '../errors.ts';
import { openClientTls } from '../tls/client-settings.ts';
import { paced } from './bandwidth.ts';
import type {
  DeliveryItem,
  DestinationDeps,
  DestinationKind,
  DestinationSession,
  SendOptions,
} from './destination-kind.ts';
import { DeliveryError } from './errors.ts';
import { HttpAuth } from './http-auth.ts';
import {
  type HttpAnswer,
  HttpConnection,
  type HttpRequest,
  type HttpTarget,
  isClosedByPeer,
} from './http-connection.ts';
import { type Outcome, outcomeOfError, STOPPED } from './outcome.ts';
import { openOutgoing, type PreparedInstance } from './outgoing.ts';
import { HeadBuffers, type HeadedSource } from './part10-source.ts';
import { withEvenLength } from './rewriting.ts';
import { stowMessage } from './stow-message.ts';
import { outcomeOfStow } from './stow-outcome.ts';
import { StowRsSettings } from './stow-rs-settings.ts';

const ACCEPT = 'application/dicom+json, application/dicom+xml;q=0.5';
/** Asks for the study of a UID that nobody has: any answer will do, and it brings no patient's data. */
const PROBE = '/studies?StudyInstanceUID=2.25.0&limit=1';

/** STOW-RS to a DICOMweb server. */
export const stowRs = {
  settings: StowRsSettings,
  open: (settings, deps) => new StowRsSession(settings, deps),
  addressOf({ url }) {
    const { protocol, hostname, port, href } = new URL(url);
    const server = { host: hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80) };
    return { place: href.replace(/\/+$/, ''), setting: 'url', server };
  },
} satisfies DestinationKind<typeof StowRsSettings>;

class StowRsSession implements DestinationSession<PreparedInstance> {
  readonly slots: number;
  readonly #buffers = new HeadBuffers();
  readonly #settings: StowRsSettings;
  readonly #deps: DestinationDeps;
  readonly #target: HttpTarget;
  readonly #basePath: string;
  readonly #auth: HttpAuth;
  readonly #bySlot: readonly HttpConnection[];
  readonly #closing = new AbortController();

  constructor(settings: StowRsSettings, deps: DestinationDeps) {
    this.slots = settings.connections_max;
    this.#settings = settings;
    this.#deps = deps;
    const url = new URL(settings.url);
    this.#basePath = url.pathname.replace(/\/+$/, '');
    this.#target = {
      origin: url,
      ...(url.protocol === 'https:' && { tls: openClientTls(settings.tls, deps) }),
      connectTimeoutMs: settings.connect_timeout,
      answerTimeoutMs: settings.response_timeout,
      keepAliveMs: settings.linger,
    };
    this.#auth = new HttpAuth(settings.auth);
    this.#bySlot = Array.from({ length: this.slots }, () => this.#connection());
  }

  expect(): void {}

  prepare(item: DeliveryItem): Promise<PreparedInstance> {
    return openOutgoing(item, { instances: this.#deps.instances, buffers: this.#buffers });
  }

  async send({ item, source, close }: PreparedInstance, { slot, alone }: SendOptions): Promise<Outcome> {
    const connection = this.#bySlot[slot]!;
    try {
      this.#closing.signal.throwIfAborted();
      if (alone) await connection.renew(); // A fresh one for it, and after it.
      const even = await withEvenLength(source, this.#settings.odd_length);
      const answer = await this.#store(connection, even);
      if (alone) await connection.renew();
      const { sopInstanceUid } = item.entry;
      return outcomeOfStow(answer, {
        sopInstanceUid,
        duplicate: this.#settings.duplicate,
        nowMs: Date.now(),
      });
    } catch (error) {
      if (this.#closing.signal.aborted) return STOPPED;
      if (!(error instanceof GatewayError)) throw error;
      return outcomeOfError(error, 'send');
    } finally {
      await close();
    }
  }

  async echo(): Promise<void> {
    const connection = this.#connection();
    try {
      const { httpStatus } = await this.#signedIn(connection, () => ({
        method: 'GET',
        path: `${this.#basePath}${PROBE}`,
        headers: { accept: ACCEPT },
      }));
      // Whoever may store need not be allowed, or able, to be searched.
      if (httpStatus < 500 && httpStatus !== 401 && httpStatus !== 407) return;
      const answer = `Cannot count the destination as well: it answered ${httpStatus}`;
      const hint = httpStatus < 500 ? '; what `auth` says must be right' : '';
      throw new DeliveryError('ECHO_REFUSED', answer + hint, { httpStatus });
    } finally {
      await connection.renew();
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#target.tls?.material.close();
    await Promise.all(this.#bySlot.map((connection) => connection.renew()));
  }

  #connection(): HttpConnection {
    return new HttpConnection(this.#target, this.#closing.signal);
  }

  async #store(connection: HttpConnection, source: HeadedSource): Promise<HttpAnswer> {
    const makeRequest = async (): Promise<HttpRequest> => {
      const { contentType, lengthBytes, body } = stowMessage(paced(source, this.#deps));
      return {
        method: 'POST',
        path: `${this.#basePath}/studies`,
        headers: { accept: ACCEPT, 'content-type': contentType, 'content-length': String(lengthBytes) },
        body: await body(),
      };
    };
    const connectsBefore = connection.connects;
    try {
      return await this.#signedIn(connection, makeRequest);
    } catch (error) {
      const wasReused = connectsBefore > 0 && connection.connects === connectsBefore;
      // The server may end an idle connection just as it is used again: that is no failure of its.
      if (!wasReused || !isClosedByPeer(error)) throw error;
      await connection.renew();
      return await this.#signedIn(connection, makeRequest);
    }
  }

  /** Sends a request with our credentials; once more where they have changed since they were read. */
  async #signedIn(
    connection: HttpConnection,
    makeRequest: () => HttpRequest | Promise<HttpRequest>,
  ): Promise<HttpAnswer> {
    const authorization = await this.#auth.header();
    const answer = await connection.request(signed(await makeRequest(), authorization));
    if (answer.httpStatus !== 401 || authorization === undefined) return answer;
    const renewed = await this.#auth.header({ anew: true });
    if (renewed === authorization) return answer;
    return connection.request(signed(await makeRequest(), renewed));
  }
}

function signed(request: HttpRequest, authorization: string | undefined): HttpRequest {
  return authorization === undefined
    ? request
    : { ...request, headers: { ...request.headers, authorization } };
}
