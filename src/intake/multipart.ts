/**
 * # Multipart bodies
 *
 * Cuts a `multipart/related` body into its parts while it arrives. RFC 2046 5.1.1, RFC 2387.
 *
 * Invariants:
 * - Bytes of a part are passed on as views of the chunk that they came in, except for the few around a chunk's end
 *   that might be the start of a delimiter. Memory does not grow with a part, nor with the chunks.
 * - A part has ended only when its delimiter is here: a body that breaks off ends no part.
 * - What the first delimiter line ends with, CRLF or a bare LF as some clients write, is what delimiters start with
 *   from then on, so that tolerance cannot cut a part short.
 *
 * Deliberately absent: transfer encodings, nested multiparts, and any meaning of headers. Pure.
 */
import { RequestError } from './errors.ts';

export type MultipartEvent =
  /** A part begins. Names in lower case; a header that comes twice has its first value. */
  | { readonly type: 'part'; readonly headers: ReadonlyMap<string, string> }
  /** Valid until the next event is asked for. */
  | { readonly type: 'bytes'; readonly bytes: Uint8Array }
  | { readonly type: 'part-end' };

/** Before the first delimiter; MIME allows a text there, for readers that know no MIME. */
const PREAMBLE_BYTES_MAX = 16 * 1024;
/** All headers of one part. */
const HEADER_BYTES_MAX = 16 * 1024;
/** White space that may stand behind a delimiter. */
const PADDING_MAX = 256;
/** RFC 2046 says 70. */
const BOUNDARY_MAX = 200;

const [CR, LF, DASH, SPACE, TAB] = [0x0d, 0x0a, 0x2d, 0x20, 0x09];

/** What a delimiter turned out to be: where its line ends, `undecided` until more is here. */
type Line =
  | { readonly end: number; readonly closes: boolean; readonly newline: string }
  | 'undecided'
  | 'none';

export class MultipartReader {
  readonly #dashBoundary: Buffer;
  /** With the line break in front of it; known from the first delimiter on. */
  #delimiter = Buffer.alloc(0);
  #state: 'preamble' | 'headers' | 'first-bytes' | 'bytes' | 'epilogue' = 'preamble';
  /** What is here and not decided. */
  #kept: Buffer = Buffer.alloc(0);

  /**
   * @param boundary as the Content-Type has it
   * @throws {RequestError} when that is no boundary
   */
  constructor(boundary: string) {
    if (boundary === '' || boundary.length > BOUNDARY_MAX || /[^\x20-\x7e]/.test(boundary)) {
      throw malformed(`its boundary must be 1 to ${BOUNDARY_MAX} printable ASCII characters`);
    }
    this.#dashBoundary = Buffer.from(`--${boundary}`, 'latin1');
  }

  /** Whether the last delimiter has come; what follows is ignored. */
  get isClosed(): boolean {
    return this.#state === 'epilogue';
  }

  /**
   * What the next bytes of the body hold. To be read to its end before the next call.
   *
   * @throws {RequestError} when the body is not what it should be; nothing more may be read then
   */
  *read(chunk: Uint8Array): Generator<MultipartEvent, void> {
    let bytes: Buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (this.#kept.length > 0) bytes = Buffer.concat([this.#kept, bytes]);
    let position = 0;
    for (let goesOn = true; goesOn; ) {
      const before = this.#state;
      if (before === 'preamble') position = this.#readPreamble(bytes);
      else if (before === 'headers') position = yield* this.#readHeaders(bytes, position);
      else if (before === 'first-bytes') position = yield* this.#readFirstBytes(bytes, position);
      else if (before === 'bytes') position = yield* this.#readBytes(bytes, position);
      else position = bytes.length;
      goesOn = this.#state !== before;
    }
    // A copy: the chunk is its owner's again.
    this.#kept = position < bytes.length ? Buffer.from(bytes.subarray(position)) : Buffer.alloc(0);
  }

  #readPreamble(bytes: Buffer): number {
    for (let from = 0; ; ) {
      const start = bytes.indexOf(this.#dashBoundary, from);
      if (start < 0) break;
      const line =
        start === 0 || bytes[start - 1] === LF
          ? lineAt(bytes, start + this.#dashBoundary.length)
          : ('none' as const);
      if (line === 'undecided') break;
      if (line !== 'none') {
        this.#delimiter = Buffer.concat([Buffer.from(line.newline, 'latin1'), this.#dashBoundary]);
        this.#state = line.closes ? 'epilogue' : 'headers';
        return line.end;
      }
      from = start + 1;
    }
    if (bytes.length > PREAMBLE_BYTES_MAX) {
      throw malformed(`no delimiter with its boundary is in the first ${PREAMBLE_BYTES_MAX} bytes`);
    }
    return 0;
  }

  *#readHeaders(bytes: Buffer, start: number): Generator<MultipartEvent, number> {
    const end = endOfHeaders(bytes, start);
    if ((end ?? bytes.length) - start > HEADER_BYTES_MAX) {
      throw malformed(`the headers of a part must be <= ${HEADER_BYTES_MAX} bytes`);
    }
    if (end === undefined) return start;
    yield { type: 'part', headers: parseHeaders(bytes.toString('latin1', start, end)) };
    this.#state = 'first-bytes';
    return end;
  }

  /** A part without bytes: the empty line behind its headers may be the line break of the delimiter too. */
  *#readFirstBytes(bytes: Buffer, start: number): Generator<MultipartEvent, number> {
    const begun = bytes.subarray(start, start + this.#dashBoundary.length);
    const mayBeDelimiter = begun.equals(this.#dashBoundary.subarray(0, begun.length));
    if (mayBeDelimiter && begun.length < this.#dashBoundary.length) return start;
    const line = mayBeDelimiter ? lineAt(bytes, start + begun.length) : 'none';
    if (line === 'undecided') return start;
    if (line === 'none') {
      this.#state = 'bytes';
      return start;
    }
    return yield* this.#endPart(line);
  }

  *#readBytes(bytes: Buffer, start: number): Generator<MultipartEvent, number> {
    let position = start;
    for (let from = start; ; ) {
      const found = bytes.indexOf(this.#delimiter, from);
      const line = found < 0 ? 'none' : lineAt(bytes, found + this.#delimiter.length);
      if (found >= 0 && line === 'none') {
        from = found + 1; // Bytes that look like the boundary and go on otherwise.
        continue;
      }
      const end = found < 0 ? bytes.length - partialMatch(bytes, this.#delimiter, from) : found;
      if (end > position) yield { type: 'bytes', bytes: bytes.subarray(position, end) };
      position = Math.max(position, end);
      if (line === 'none' || line === 'undecided') return position;
      return yield* this.#endPart(line);
    }
  }

  *#endPart({ closes, end }: Exclude<Line, string>): Generator<MultipartEvent, number> {
    yield { type: 'part-end' };
    this.#state = closes ? 'epilogue' : 'headers';
    return end;
  }
}

/** What follows a boundary: `--`, or white space and a line break; anything else makes it no delimiter. */
function lineAt(bytes: Buffer, start: number): Line {
  if (bytes[start] === DASH) {
    if (start + 1 === bytes.length) return 'undecided';
    return bytes[start + 1] === DASH ? { end: start + 2, closes: true, newline: '\r\n' } : 'none';
  }
  let position = start;
  while (bytes[position] === SPACE || bytes[position] === TAB) position += 1;
  if (position - start > PADDING_MAX) return 'none';
  if (bytes[position] === LF) return { end: position + 1, closes: false, newline: '\n' };
  if (bytes[position] === CR && bytes[position + 1] === LF) {
    return { end: position + 2, closes: false, newline: '\r\n' };
  }
  const isCut = position === bytes.length || (bytes[position] === CR && position + 1 === bytes.length);
  return isCut ? 'undecided' : 'none';
}

/** How many of the last bytes may be the start of `what`. */
function partialMatch(bytes: Buffer, what: Buffer, from: number): number {
  const first = Math.max(from, bytes.length - what.length + 1);
  for (let start = bytes.indexOf(what[0]!, first); start >= 0; start = bytes.indexOf(what[0]!, start + 1)) {
    const length = bytes.length - start;
    if (bytes.compare(what, 0, length, start, bytes.length) === 0) return length;
  }
  return 0;
}

/** Behind the empty line that ends the headers; undefined when it is not here. */
function endOfHeaders(bytes: Buffer, start: number): number | undefined {
  for (let lineStart = start; ; ) {
    const end = bytes.indexOf(LF, lineStart);
    if (end < 0) return undefined;
    if (end === lineStart || (end === lineStart + 1 && bytes[lineStart] === CR)) return end + 1;
    if (end - start > HEADER_BYTES_MAX) return end;
    lineStart = end + 1;
  }
}

function parseHeaders(text: string): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  const unfolded = text.replace(/\r?\n[ \t]+/g, ' ');
  for (const line of unfolded.split(/\r?\n/)) {
    if (line === '') continue;
    const colon = line.indexOf(':');
    if (colon < 1) throw malformed('a header of a part must be "name: value"');
    const name = line.slice(0, colon).trim().toLowerCase();
    if (!headers.has(name)) headers.set(name, line.slice(colon + 1).trim());
  }
  return headers;
}

function malformed(reason: string): RequestError {
  return new RequestError('MULTIPART_MALFORMED', `Cannot read the multipart body: ${reason}`);
}
