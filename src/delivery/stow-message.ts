/** The body of a store request with one instance: multipart/related of one part. PS3.18 8.6.1.2, 10.5.1; RFC 2387. */
import { randomUUID } from 'node:crypto';
import { type Part10Source, readFully } from './part10-source.ts';

export interface StowMessage {
  readonly contentType: string;
  readonly lengthBytes: number;
  /** Makes the body; each call makes it anew. Small ones whole, others in blocks as they are taken. */
  body(): Promise<Buffer> | AsyncIterable<Uint8Array>;
}

const BLOCK_BYTES = 256 * 1024;

export function stowMessage(source: Part10Source & { readonly blockBytesMax?: number }): StowMessage {
  const blockBytes = Math.min(BLOCK_BYTES, source.blockBytesMax ?? BLOCK_BYTES);
  const boundary = `slidegate-${randomUUID()}`;
  const before = Buffer.from(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`, 'latin1');
  const after = Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1');
  const lengthBytes = before.byteLength + source.sizeBytes + after.byteLength;
  return {
    contentType: `multipart/related; type="application/dicom"; boundary="${boundary}"`,
    lengthBytes,
    body: () =>
      lengthBytes <= blockBytes
        ? whole(source, before, after)
        : blocks(source, { before, after, blockBytes }),
  };
}

/** One write, one packet train: nothing waits for an acknowledgement in between. */
async function whole(source: Part10Source, before: Buffer, after: Buffer): Promise<Buffer> {
  const body = Buffer.allocUnsafe(before.byteLength + source.sizeBytes + after.byteLength);
  before.copy(body);
  await readFully(source, body.subarray(before.byteLength, before.byteLength + source.sizeBytes), 0);
  after.copy(body, before.byteLength + source.sizeBytes);
  return body;
}

async function* blocks(
  source: Part10Source,
  { before, after, blockBytes }: { before: Buffer; after: Buffer; blockBytes: number },
): AsyncGenerator<Uint8Array> {
  yield before;
  for (let position = 0; position < source.sizeBytes; ) {
    // Fresh for each: nobody says when the socket has let go of one.
    const block = Buffer.allocUnsafeSlow(Math.min(blockBytes, source.sizeBytes - position));
    await readFully(source, block, position);
    position += block.byteLength;
    yield block;
  }
  yield after;
}
