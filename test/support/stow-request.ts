import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { part10Of, type SmallInstance } from './small-instance.ts';

/** What a STOW-RS client of this test got. */
export interface StowReply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** SOP Instance UIDs, and reasons by SOP Instance UID. */
  readonly stored: readonly string[];
  readonly failed: Readonly<Record<string, number>>;
  readonly otherFailures: readonly number[];
}

export const BOUNDARY = 'boundary-of-this-test';
export const MULTIPART = `multipart/related; type="application/dicom"; boundary=${BOUNDARY}`;

/** A multipart body as clients write it. */
export function multipartOf(
  files: readonly Uint8Array[],
  contentType = 'application/dicom',
): Buffer<ArrayBuffer> {
  const parts = files.flatMap((file) => [
    Buffer.from(`--${BOUNDARY}\r\nContent-Type: ${contentType}\r\n\r\n`),
    file,
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)]);
}

export function multipartOfInstances(...instances: readonly SmallInstance[]): Buffer<ArrayBuffer> {
  return multipartOf(instances.map(part10Of));
}

/** Sends one request and reads the report. */
export async function postStudies(
  base: string,
  body: NonNullable<NonNullable<Parameters<typeof fetch>[1]>['body']>,
  options: { readonly headers?: Record<string, string>; readonly path?: string } = {},
): Promise<StowReply> {
  const response = await fetch(`${base}${options.path ?? '/studies'}`, {
    method: 'POST',
    body,
    headers: { 'content-type': MULTIPART, accept: 'application/dicom+json', ...options.headers },
    ...(body instanceof ReadableStream && { duplex: 'half' }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, ...reportOf(text) };
}

type JsonItem = Record<string, { Value?: unknown[] }>;

function reportOf(text: string): Pick<StowReply, 'stored' | 'failed' | 'otherFailures'> {
  const report = text.startsWith('{') ? (JSON.parse(text) as Record<string, { Value?: JsonItem[] }>) : {};
  const items = (tag: string) => report[tag]?.Value ?? [];
  const value = (item: JsonItem, tag: string) => item[tag]?.Value?.[0];
  return {
    stored: items('00081199').map((item) => value(item, '00081155') as string),
    failed: Object.fromEntries(
      items('00081198').map((item) => [value(item, '00081155'), value(item, '00081197')]),
    ),
    otherFailures: items('0008119A').map((item) => value(item, '00081197') as number),
  };
}

/** A client that writes what it likes, when it likes. */
export class RawHttpClient {
  readonly socket: Socket;
  #received = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      this.#received += chunk.toString('latin1');
    });
    socket.on('error', () => {}); // A reset by the server shows as the end.
  }

  static async connect(port: number): Promise<RawHttpClient> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new RawHttpClient(socket);
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The head of a store request, with these headers beside the usual ones. */
  writeHead(...headers: readonly string[]): void {
    const lines = ['POST /dicom-web/studies HTTP/1.1', 'Host: x', `Content-Type: ${MULTIPART}`, ...headers];
    this.write(`${lines.join('\r\n')}\r\n\r\n`);
  }

  /** Everything that came, once it matches. Rejects when the connection ends before. */
  async received(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#received)) {
      if (this.socket.closed || this.socket.readableEnded) throw new Error(`Ended with: ${this.#received}`);
      await Promise.race([once(this.socket, 'data'), once(this.socket, 'close')]);
    }
    return this.#received;
  }

  /** Everything that came until the server ended the connection. */
  async ended(): Promise<string> {
    if (!this.socket.closed) await new Promise((resolve) => this.socket.once('close', resolve));
    return this.#received;
  }
}
