import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface WebReceiver {
  readonly url: string;
  readonly posts: { readonly headers: IncomingHttpHeaders; readonly body: string }[];
  /** What it answers from now on. */
  status: number;
  /** Resolves once so many posts have come. */
  received(count: number): Promise<void>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** An HTTP server that remembers what is posted to it. */
export async function startWebReceiver(): Promise<WebReceiver> {
  const waiting = new Set<() => void>();
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request.setEncoding('utf8')) body += piece;
    receiver.posts.push({ headers: request.headers, body });
    response.writeHead(receiver.status, receiver.status === 302 ? { location: '/elsewhere' } : {}).end('{}');
    for (const look of waiting) look();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = async () => {
    if (!server.listening) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const receiver: WebReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    posts: [],
    status: 200,
    received: (count) =>
      new Promise((resolve) => {
        const look = () => {
          if (receiver.posts.length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    stop,
    [Symbol.asyncDispose]: stop,
  };
  return receiver;
}
