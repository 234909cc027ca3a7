import test from 'ava';
import fc from 'fast-check';
import { PduFormatError } from '../../src/dimse/errors.ts';
import { ASSOCIATION_PDU_BYTES_MAX, PduReader } from '../../src/dimse/pdu-reader.ts';
import { pData, pdu, pdv } from '../support/raw-pdu.ts';

const MAX = 4096;

/** What the reader found, fragments put together. */
type Found =
  | { readonly pdu: number; readonly body: string }
  | {
      readonly context: number;
      readonly isCommand: boolean;
      readonly isLast: boolean;
      readonly bytes: string;
    };

class Recorder {
  readonly found: Found[] = [];
  dataPdus = 0;
  #fragment: Buffer[] = [];

  associationPdu(type: number, body: Buffer): void {
    this.found.push({ pdu: type, body: body.toString('hex') });
  }
  dataPduStart(): void {
    this.dataPdus += 1;
  }
  fragmentBytes(_context: number, _isCommand: boolean, bytes: Buffer): void {
    this.#fragment.push(Buffer.from(bytes));
  }
  fragmentEnd(context: number, isCommand: boolean, isLast: boolean): void {
    this.found.push({
      context,
      isCommand,
      isLast,
      bytes: Buffer.concat(this.#fragment.splice(0)).toString('hex'),
    });
  }
}

function read(parts: readonly Uint8Array[], dataPduBytesMax = MAX): Recorder {
  const recorder = new Recorder();
  const reader = new PduReader(recorder, dataPduBytesMax);
  for (const part of parts) {
    const copy = Buffer.from(part);
    reader.feed(copy);
    copy.fill(0xee); // As the shared read buffer is, after the call.
  }
  return recorder;
}

const fragment = fc.record({
  context: fc.integer({ min: 0, max: 255 }),
  isCommand: fc.boolean(),
  isLast: fc.boolean(),
  bytes: fc.uint8Array({ maxLength: 300 }),
});
const dataPdu = fc.array(fragment, { minLength: 1, maxLength: 4 }).map((fragments) => ({
  bytes: pData(
    ...fragments.map(({ context, isCommand, isLast, bytes }) =>
      pdv(context, isCommand ? 'command' : 'data', isLast, bytes),
    ),
  ),
  found: fragments.map(
    ({ context, isCommand, isLast, bytes }): Found => ({
      context,
      isCommand,
      isLast,
      bytes: Buffer.from(bytes).toString('hex'),
    }),
  ),
}));
const shortPdu = fc
  .tuple(fc.constantFrom(3, 5, 6, 7), fc.uint8Array({ minLength: 4, maxLength: 4 }))
  .map(([type, body]) => ({
    bytes: pdu(type, body),
    found: [{ pdu: type, body: Buffer.from(body).toString('hex') }] as Found[],
  }));
const associatePdu = fc
  .tuple(fc.constantFrom(1, 2), fc.uint8Array({ minLength: 4, maxLength: 500 }))
  .map(([type, body]) => ({
    bytes: pdu(type, body),
    found: [{ pdu: type, body: Buffer.from(body).toString('hex') }] as Found[],
  }));

/** Cuts bytes at the given places, in any order and number. */
function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [...new Set([0, ...places.map((place) => place % (bytes.length + 1)), bytes.length])].sort(
    (a, b) => a - b,
  );
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end));
}

test('reader finds the same PDUs however the bytes are cut', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(dataPdu, shortPdu, associatePdu), { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(), { maxLength: 40 }),
      (pdus, places) => {
        const bytes = Buffer.concat(pdus.map((one) => one.bytes));

        const { found } = read(cutAt(bytes, places));

        t.deepEqual(
          found,
          pdus.flatMap((one) => one.found),
        );
      },
    ),
  );
  t.pass();
});

test('reader finds the same PDUs when every byte comes alone', (t) => {
  const bytes = Buffer.concat([
    pdu(1, Buffer.alloc(70, 1)),
    pData(pdv(1, 'command', true, Buffer.from('abc')), pdv(1, 'data', false, Buffer.alloc(0))),
    pData(pdv(1, 'data', true, Buffer.from('defg'))),
    pdu(5, Buffer.alloc(4)),
  ]);

  const alone = read([...bytes].map((byte) => Uint8Array.of(byte)));

  t.deepEqual(alone.found, read([bytes]).found);
  t.is(alone.dataPdus, 2);
});

test('reader hands fragment bytes on as views, without a copy', (t) => {
  const bytes = pData(pdv(1, 'data', false, Buffer.alloc(1000, 7)));
  const views: Buffer[] = [];
  const reader = new PduReader(
    {
      associationPdu() {},
      dataPduStart() {},
      fragmentBytes: (_id, _command, view) => views.push(view),
      fragmentEnd() {},
    },
    MAX,
  );

  reader.feed(bytes);

  t.is(views.length, 1);
  t.is(views[0]?.buffer, bytes.buffer);
  t.is(views[0]?.length, 1000);
});

test('reader throws nothing but PduFormatError, whatever the bytes', (t) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), (parts) => {
      try {
        read(parts);
      } catch (error) {
        t.true(error instanceof PduFormatError);
      }
    }),
  );
  t.pass();
});

test('reader throws nothing but PduFormatError when one byte of a good stream is wrong', (t) => {
  const good = Buffer.concat([
    pData(pdv(1, 'command', true, Buffer.alloc(30)), pdv(1, 'data', true, Buffer.alloc(60))),
    pdu(5, Buffer.alloc(4)),
  ]);
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }), (at, value) => {
      const bad = Buffer.from(good);
      bad[at] = value;
      try {
        read([bad]);
      } catch (error) {
        t.true(error instanceof PduFormatError);
      }
    }),
  );
  t.pass();
});

for (const [what, bytes, abortReason] of [
  ['a type that does not exist', pdu(0x55, Buffer.alloc(4)), 1],
  ['type 0', pdu(0, Buffer.alloc(4)), 1],
  ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n'), 1],
  ['a P-DATA-TF over the agreed length', Buffer.from([4, 0, 0, 0, 0x10, 0x01]), 6],
  ['a P-DATA-TF of 4 GiB', Buffer.from([4, 0, 0xff, 0xff, 0xff, 0xf0]), 6],
  ['a P-DATA-TF without a PDV', pdu(4, Buffer.alloc(0)), 6],
  ['a PDV of length 0', pdu(4, Buffer.from([0, 0, 0, 0, 1, 3])), 6],
  ['a PDV of length 1', pdu(4, Buffer.from([0, 0, 0, 1, 1, 3])), 6],
  ['a PDV longer than its PDU', pdu(4, Buffer.from([0, 0, 1, 0, 1, 3, 9, 9])), 6],
  ['bytes after the last PDV', pdu(4, pdv(1, 'data', true, Buffer.alloc(4)), Buffer.alloc(3)), 6],
  ['an A-RELEASE-RQ of another length', pdu(5, Buffer.alloc(5)), 6],
  ['an A-ABORT of another length', pdu(7, Buffer.alloc(0)), 6],
  ['an A-ASSOCIATE-RQ beyond the bound', Buffer.from([1, 0, 0, 0x10, 0, 1]), 6],
] as const) {
  test(`reader refuses ${what} with abort reason ${abortReason}`, (t) => {
    const error = t.throws(() => read([bytes]), { instanceOf: PduFormatError });
    t.is(error?.abortReason, abortReason);
  });
}

test('reader sees a wrong type in the first byte, before the length is there', (t) => {
  t.throws(() => read([Buffer.from('G')]), { instanceOf: PduFormatError });
});

test('reader takes the largest PDUs that were agreed', (t) => {
  const { found } = read([
    pData(pdv(1, 'data', true, Buffer.alloc(MAX - 6))),
    pdu(1, Buffer.alloc(ASSOCIATION_PDU_BYTES_MAX)),
  ]);
  t.is(found.length, 2);
});

test('reader tells whether it is amid a PDU, and how many it has read', (t) => {
  const reader = new PduReader(new Recorder(), MAX);
  const bytes = pData(pdv(1, 'data', false, Buffer.from('ab')), pdv(1, 'data', true, Buffer.from('cd')));
  t.false(reader.isMidPdu);
  for (let at = 0; at < bytes.length - 1; at += 1) {
    reader.feed(bytes.subarray(at, at + 1));
    t.true(reader.isMidPdu);
    t.is(reader.pdusRead, 0);
  }
  reader.feed(bytes.subarray(-1));
  t.false(reader.isMidPdu);
  t.is(reader.pdusRead, 1);
});

test('reader that was stopped within a call takes nothing more', (t) => {
  const recorder = new Recorder();
  const reader: PduReader = new PduReader(
    {
      associationPdu: (type, body) => {
        recorder.associationPdu(type, body);
        reader.stop();
      },
      dataPduStart() {},
      fragmentBytes() {},
      fragmentEnd() {},
    },
    MAX,
  );

  reader.feed(Buffer.concat([pdu(7, Buffer.alloc(4)), pdu(5, Buffer.alloc(4)), Buffer.from('garbage')]));
  reader.feed(Buffer.from('garbage'));

  t.deepEqual(recorder.found, [{ pdu: 7, body: '00000000' }]);
});
