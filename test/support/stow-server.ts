import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { readFileMeta } from '../../src/dicom/file-meta.ts';

/** An instance that came whole. */
export interface StoredByStow {
  readonly sopInstanceUid: string;
  readonly part10File: Buffer;
  readonly headers: IncomingMessage['headers'];
  /** Counted from 1, in order of their opening. */
  readonly connection: number;
}

export interface StowAnswer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

export interface StowServer {
  readonly port: number;
  readonly url: string;
  readonly stored: readonly StoredByStow[];
  /** Requests whose body came whole, and those that did not. */
  readonly requests: { whole: number; cutOff: number };
  readonly connections: number;
  /** What is answered to an instance; a report that it is stored unless told otherwise. `socket` may be misused. */
  answer: (
    instance: StoredByStow,
    socket: Socket,
  ) => StowAnswer | undefined | Promise<StowAnswer | undefined>;
  /** What is answered before a body is read, if anything is. */
  answerAtOnce: (request: IncomingMessage, socket: Socket) => StowAnswer | 'wait' | undefined;
  /** What is answered to anything but a store request. */
  answerSearch: (request: IncomingMessage) => StowAnswer;
  stop(): Promise<void>;
}

/** A DICOMweb server that answers as it is told. It reads multipart by the standard, and not with code of ours. */
export async function startStowServer(options: { readonly tls?: ServerOptions } = {}): Promise<StowServer> {
  const stored: StoredByStow[] = [];
  const requests = { whole: 0, cutOff: 0 };
  const numbers = new WeakMap<Socket, number>();
  let connections = 0;

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.method !== 'POST') return reply(response, server.answerSearch(request));
    const early = server.answerAtOnce(request, request.socket);
    if (early === 'wait') return;
    if (early) return reply(response, early);
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      requests.cutOff += 1;
      return;
    }
    requests.whole += 1;
    const part10File = onlyPart(Buffer.concat(chunks), request.headers['content-type'] ?? '');
    const instance: StoredByStow = {
      sopInstanceUid: readFileMeta(part10File).sopInstanceUid ?? '',
      part10File,
      headers: request.headers,
      connection: numbers.get(request.socket) ?? 0,
    };
    const answer = await server.answer(instance, request.socket);
    if (!answer) return;
    if (answer.status < 300) stored.push(instance);
    reply(response, answer);
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse) => void handle(request, response);
  const http = options.tls ? createSecureServer(options.tls, onRequest) : createServer(onRequest);
  http.on(options.tls ? 'secureConnection' : 'connection', (socket: Socket) => {
    connections += 1;
    numbers.set(socket, connections);
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  const { port } = http.address() as AddressInfo;

  const server: StowServer = {
    port,
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}/dicom-web`,
    stored,
    requests,
    get connections() {
      return connections;
    },
    answer: ({ sopInstanceUid }) => storedReport(sopInstanceUid),
    answerAtOnce: () => undefined,
    answerSearch: () => ({ status: 204 }),
    async stop() {
      const closed = new Promise((resolve) => http.close(resolve));
      http.closeAllConnections();
      await closed;
    },
  };
  return server;
}

/** `200`, the instance stored; with a Warning Reason if there is one. */
export function storedReport(sopInstanceUid: string, warning?: number): StowAnswer {
  const item = {
    '00081155': { vr: 'UI', Value: [sopInstanceUid] },
    ...(warning !== undefined && { '00081196': { vr: 'US', Value: [warning] } }),
  };
  return jsonReport(200, { '00081199': { vr: 'SQ', Value: [item] } });
}

/** The instance failed. */
export function failedReport(status: number, sopInstanceUid: string, reason: number): StowAnswer {
  const item = {
    '00081155': { vr: 'UI', Value: [sopInstanceUid] },
    '00081197': { vr: 'US', Value: [reason] },
  };
  return jsonReport(status, { '00081198': { vr: 'SQ', Value: [item] } });
}

export function jsonReport(status: number, report: unknown): StowAnswer {
  return { status, headers: { 'content-type': 'application/dicom+json' }, body: JSON.stringify(report) };
}

function reply(response: ServerResponse, { status, headers, body }: StowAnswer): void {
  response.writeHead(status, headers).end(body);
}

/** RFC 2046 5.1.1: the delimiter is a line of its own, and the line feed before it belongs to it. */
function onlyPart(body: Buffer, contentType: string): Buffer {
  const boundary = /multipart\/related;.*type="application\/dicom".*boundary="?([^";]+)"?/.exec(
    contentType,
  )?.[1];
  if (!boundary) throw new Error(`not multipart/related of application/dicom: ${contentType}`);
  const start = `--${boundary}\r\n`;
  const end = Buffer.from(`\r\n--${boundary}--\r\n`);
  const head = body.subarray(0, body.indexOf('\r\n\r\n') + 4).toString('latin1');
  if (!head.startsWith(start) || !/\r\nContent-Type: application\/dicom\r\n/i.test(head))
    throw new Error(head);
  if (!body.subarray(-end.length).equals(end)) throw new Error('the body does not end with the boundary');
  return body.subarray(head.length, -end.length);
}
