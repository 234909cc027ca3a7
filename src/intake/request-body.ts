import type { IncomingMessage } from 'node:http';
import { RequestError } from './errors.ts';

/**
 * The bytes of a request, as they come; each chunk is gone when the next is asked for. The request may be read no further when it throws, but still be answered.
 *
 * @param limits `idleMs` counts only while we wait for the client, never while it waits for us
 * @throws {RequestError} when nothing comes for too long, too much comes, or the client goes away
 */
export async function* requestBody(
  request: IncomingMessage,
  limits: { readonly idleMs: number; readonly bytesMax: number },
): AsyncGenerator<Uint8Array, void> {
  let bytes = 0;
  for (;;) {
    const chunk: Buffer | null = request.read();
    if (chunk !== null) {
      bytes += chunk.length;
      if (bytes > limits.bytesMax) throw tooLarge(limits.bytesMax);
      yield chunk;
      release(chunk);
      continue;
    }
    if (request.readableEnded) return;
    if (request.destroyed) throw aborted();
    await untilReadable(request, limits.idleMs);
  }
}

export function tooLarge(bytesMax: number): RequestError {
  return new RequestError('REQUEST_TOO_LARGE', `Cannot take the request as it must be <= ${bytesMax} bytes`);
}

function aborted(): RequestError {
  return new RequestError('REQUEST_ABORTED', 'Cannot read the request to its end: its connection was closed');
}

function untilReadable(request: IncomingMessage, idleMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      settle(
        new RequestError(
          'REQUEST_STALLED',
          `Cannot read the request to its end: nothing came for ${idleMs} ms`,
        ),
      );
    }, idleMs);
    const onReadable = () => settle();
    const onGone = () => settle(request.readableEnded ? undefined : aborted());
    function settle(error?: RequestError): void {
      clearTimeout(timer);
      request.off('readable', onReadable).off('end', onReadable).off('error', onGone).off('close', onGone);
      if (error === undefined) resolve();
      else reject(error);
    }
    request.on('readable', onReadable).on('end', onReadable).on('error', onGone).on('close', onGone);
  });
}

/**
 * Gives the memory of a chunk back at once. It lies outside of the collector's heap, which lets tens of megabytes
 * gather there before it looks.
 */
function release(chunk: Buffer): void {
  const { buffer } = chunk;
  // A small one may share its memory with others.
  if (chunk.byteLength < 16384 || chunk.byteLength !== buffer.byteLength) return;
  (buffer as ArrayBuffer).transfer(0);
}
