import ava from 'ava';
import fc from 'fast-check';
import { RequestError } from '../../src/intake/errors.ts';
import { MultipartReader } from '../../src/intake/multipart.ts';

const test = ava;

interface Part {
  readonly headers: Record<string, string>;
  readonly bytes: Buffer;
}

/** Reads a body that comes in these chunks; parts whose end never came are left out. */
function read(boundary: string, chunks: readonly Uint8Array[]): { parts: Part[]; isClosed: boolean } {
  const reader = new MultipartReader(boundary);
  const parts: Part[] = [];
  let headers: Record<string, string> = {};
  let pieces: Buffer[] = [];
  for (const chunk of chunks) {
    const own = Buffer.from(chunk);
    for (const event of reader.read(own)) {
      if (event.type === 'part') [headers, pieces] = [Object.fromEntries(event.headers), []];
      else if (event.type === 'bytes') pieces.push(Buffer.from(event.bytes));
      else parts.push({ headers, bytes: Buffer.concat(pieces) });
    }
    own.fill(0xee); // The chunk is the socket's again: nothing kept may point into it.
  }
  return { parts, isClosed: reader.isClosed };
}

/** Cuts bytes at the given places, whatever they are. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1))), bytes.length].sort(
    (a, b) => a - b,
  );
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

const text = (...lines: string[]) => Buffer.from(lines.join('\r\n'), 'latin1');

test('parts come out whole, with their headers, whatever the chunks', (t) => {
  const body = text(
    'a preamble for old readers',
    '--b',
    'Content-Type: application/dicom',
    'X-Folded: one',
    '  two',
    '',
    'first',
    '--b  ',
    '',
    'sec\r\nond',
    '--b--',
    'an epilogue with --b in it',
    '--b',
    '',
  );
  const expected = [
    { headers: { 'content-type': 'application/dicom', 'x-folded': 'one two' }, bytes: Buffer.from('first') },
    { headers: {}, bytes: Buffer.from('sec\r\nond') },
  ];

  t.deepEqual(read('b', [body]), { parts: expected, isClosed: true });
  t.deepEqual(
    read(
      'b',
      [...body].map((byte) => Uint8Array.of(byte)),
    ),
    { parts: expected, isClosed: true },
  );
});

test('a client that ends its lines with LF alone is understood, and its parts keep every CR', (t) => {
  const body = Buffer.from('--b\nContent-Type: application/dicom\n\nab\r\n--b\n\nc\r\r\n--b--');

  t.deepEqual(
    read('b', [body]).parts.map(({ bytes }) => bytes.toString()),
    ['ab\r', 'c\r\r'],
  );
});

test('LF alone cuts no part short where the first delimiter ended with CRLF', (t) => {
  const body = Buffer.from('--b\r\n\r\none\n--b\ntwo\r\n--b--');

  t.deepEqual(
    read('b', [body]).parts.map(({ bytes }) => bytes.toString()),
    ['one\n--b\ntwo'],
  );
});

test('a boundary that goes on otherwise is data', (t) => {
  const body = text('--b', '', '--bx', '--b-', '--b -', '--b--');

  t.deepEqual(
    read('b', [body]).parts.map(({ bytes }) => bytes.toString()),
    ['--bx\r\n--b-\r\n--b -'],
  );
});

test('a part without bytes is one, with one line break in front of its delimiter or two', (t) => {
  const body = text('--b', '', '--b', '', '', '--b', 'A: 1', '', '', '--b--');

  t.deepEqual(
    read('b', [body]).parts.map(({ bytes }) => bytes.length),
    [0, 0, 0],
  );
});

test('a body that breaks off ends no part', (t) => {
  const body = text('--b', '', 'one', '--b', '', 'two', '--b--');
  const beforeLast = body.length - '\r\n--b--'.length;

  for (let end = body.indexOf('two'); end < body.length; end += 1) {
    const { parts, isClosed } = read('b', [body.subarray(0, end)]);
    t.is(parts.length, 1, `${end} of ${body.length}, data until ${beforeLast}`);
    t.false(isClosed);
  }
});

test('no more than the bounds is gathered of a preamble, of headers, of a boundary', (t) => {
  const rejects = (boundary: string, ...chunks: Uint8Array[]) =>
    t.throws(() => read(boundary, chunks), { instanceOf: RequestError, code: 'MULTIPART_MALFORMED' });

  rejects('b', Buffer.alloc(20_000, 'x'));
  rejects('b', ...Array.from({ length: 20 }, () => Buffer.alloc(1000, 'x')));
  rejects('b', text('--b', `A: ${'x'.repeat(20_000)}`));
  rejects(
    'b',
    text('--b', ...Array.from({ length: 3000 }, (_, index) => `A${index}: 1`), '', 'data', '--b--'),
  );
  rejects('b', text('--b', 'no colon', '', 'data'));
  rejects('');
  rejects('x'.repeat(201));
  rejects('a\r\nb');
});

const boundaries = fc.oneof(
  fc
    .string({ minLength: 1, maxLength: 70, unit: fc.constantFrom(..."-ab'()+_,./:=?0 ") })
    .map((one) => `${one}x`),
  fc.constantFrom('-', '--', 'b', 'x-x'),
);
/** Bytes that hold much of what delimiters are made of. */
const contents = (boundary: string) =>
  fc
    .array(
      fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc.constantFrom(
          '\r',
          '\n',
          '\r\n',
          '-',
          '--',
          boundary,
          `--${boundary}`,
          `\r\n--${boundary}`,
          `\n--${boundary}--`,
        ),
        fc.nat({ max: boundary.length + 4 }).map((length) => `\r\n--${boundary}`.slice(0, length)),
      ),
      { maxLength: 12 },
    )
    .map((pieces) => Buffer.concat(pieces.map((piece) => Buffer.from(piece as string))))
    // A client chooses a boundary that no part holds; also not at its start, behind the empty line.
    .filter((bytes) => !`\r\n${bytes.toString('latin1')}\r\n`.includes(`\r\n--${boundary}`));

test('any parts come out as they went in, in any chunks', (t) => {
  const bodies = boundaries.chain((boundary) =>
    fc.record({
      boundary: fc.constant(boundary),
      parts: fc.array(contents(boundary), { minLength: 1, maxLength: 5 }),
      places: fc.array(fc.nat(), { maxLength: 30 }),
    }),
  );
  fc.assert(
    fc.property(bodies, ({ boundary, parts, places }) => {
      const body = Buffer.concat([
        ...parts.flatMap((bytes) => [text(`--${boundary}`, 'A: 1', '', ''), bytes, text('', '')]),
        text(`--${boundary}--`, ''),
      ]);
      const result = read(boundary, cut(body, places));
      t.true(result.isClosed);
      t.deepEqual(
        result.parts.map(({ bytes }) => bytes.toString('hex')),
        parts.map((bytes) => bytes.toString('hex')),
      );
    }),
    { numRuns: 500 },
  );
});

test('no bytes make it fail otherwise than it says, and chunks change nothing', (t) => {
  const outcome = (chunks: readonly Uint8Array[]) => {
    try {
      return JSON.stringify(read('b', chunks));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return error.code;
    }
  };
  const noise = fc
    .array(
      fc.oneof(
        fc.uint8Array({ maxLength: 20 }),
        fc.constantFrom('\r\n', '--b', '--b--', '\n', ':', '\r\n--b\r\n'),
      ),
      {
        maxLength: 20,
      },
    )
    .map((pieces) => Buffer.concat(pieces.map((piece) => Buffer.from(piece as string))));
  fc.assert(
    fc.property(noise, fc.array(fc.nat(), { maxLength: 20 }), (bytes, places) => {
      t.is(outcome(cut(bytes, places)), outcome([bytes]));
    }),
    { numRuns: 1000 },
  );
});
