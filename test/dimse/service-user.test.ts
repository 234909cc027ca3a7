import { randomBytes } from 'node:crypto';
import net from 'node:net';
import ava, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import {
  AssociationAbortedError,
  AssociationClosedError,
  AssociationRejectedError,
  ConnectionFailedError,
  DataSetSourceError,
  NoPresentationContextError,
  PeerPduTooSmallError,
  PeerProtocolError,
  PeerTimeoutError,
} from '../../src/dimse/errors.ts';
import {
  type AssociationOutcome,
  type AssociationTarget,
  type DataSetSource,
  openAssociation,
  type RequestedContext,
} from '../../src/dimse/service-user.ts';
import type { GatewayError } from '../../src/errors.ts';
import {
  abort,
  associateAccept,
  CT_IMAGE_STORAGE,
  commandSet,
  EXPLICIT_LE,
  IMPLICIT_LE,
  pData,
  pdu,
  pdv,
  RELEASE_REQUEST,
  RELEASE_RESPONSE,
  readCommandSet,
  VERIFICATION,
} from '../support/raw-pdu.ts';
import { acceptRawPeers, type RawPeer } from '../support/raw-peer.ts';
import { startRecordingProvider } from '../support/recording-provider.ts';

const test = ava.serial;

const CONTEXTS: readonly RequestedContext[] = [
  { abstractSyntaxUid: CT_IMAGE_STORAGE, transferSyntaxUids: [EXPLICIT_LE] },
  { abstractSyntaxUid: VERIFICATION, transferSyntaxUids: [IMPLICIT_LE] },
];
const CT = { sopClassUid: CT_IMAGE_STORAGE, sopInstanceUid: '1.2.826.0.1.1', transferSyntaxUid: EXPLICIT_LE };

function target(port: number, overrides: Partial<AssociationTarget> = {}): AssociationTarget {
  return {
    host: '127.0.0.1',
    port,
    calledAeTitle: 'PACS',
    callingAeTitle: 'SLIDEGATE',
    connectTimeoutMs: 5000,
    associationTimeoutMs: 5000,
    responseTimeoutMs: 5000,
    maxPduLengthBytes: 131_072,
    ...overrides,
  };
}

function sourceOf(bytes: Uint8Array): DataSetSource {
  return {
    lengthBytes: bytes.length,
    async read(into, position) {
      const part = bytes.subarray(position, position + into.length);
      into.set(part);
      return part.length;
    },
  };
}

/** An acceptor that follows a script; what it wants is in `serve`. */
async function startScript(t: ExecutionContext, serve: (peer: RawPeer) => Promise<void>): Promise<number> {
  const { port, close } = await acceptRawPeers(serve);
  t.teardown(close);
  return port;
}

/** Accepts both contexts, then follows the script. */
function startAcceptor(
  t: ExecutionContext,
  serve: (peer: RawPeer) => Promise<void>,
  maxPduLength?: number,
): Promise<number> {
  return startScript(t, async (peer) => {
    await peer.next();
    await peer.send(
      associateAccept(
        [
          { id: 1, transferSyntax: EXPLICIT_LE },
          { id: 3, transferSyntax: IMPLICIT_LE },
        ],
        maxPduLength,
      ),
    );
    await serve(peer);
  });
}

/** Reads one request and its data set; a Message ID of 0 means that the peer has closed. */
async function takeRequest(peer: RawPeer): Promise<{ messageId: number; fragments: Buffer[] }> {
  let messageId = 0;
  let hasDataSet = false;
  const fragments: Buffer[] = [];
  for (;;) {
    const next = await peer.next();
    if (next === undefined) return { messageId: 0, fragments };
    const control = next.body.readUInt8(5);
    if (control & 1) {
      const command = readCommandSet(next.body.subarray(6));
      messageId = command.get(0x0110)?.readUInt16LE(0) ?? 0;
      hasDataSet = command.get(0x0800)?.readUInt16LE(0) !== 0x0101;
    } else fragments.push(next.body.subarray(6));
    if (!hasDataSet || (!(control & 1) && control & 2)) return { messageId, fragments };
  }
}

function storeResponse(messageId: number, status: number, ...more: (readonly [number, string])[]): Buffer {
  const elements = [
    [0x0100, 0x8001],
    [0x0120, messageId],
    [0x0800, 0x0101],
    [0x0900, status],
    ...more,
  ] as const;
  return pData(pdv(1, 'command', true, commandSet(...elements)));
}

async function failure<E extends GatewayError>(
  t: ExecutionContext,
  promise: Promise<unknown>,
  type: abstract new (...args: never[]) => E,
): Promise<E> {
  const error = await t.throwsAsync(promise);
  t.true(error instanceof type, `${error?.name}: ${error?.message}`);
  return error as E;
}

test('C-ECHO and C-STORE are answered, and the association is released', async (t) => {
  const { port, stores, events } = await startRecordingProvider(t);
  const user = await openAssociation(target(port), CONTEXTS);
  const dataSet = randomBytes(100_000);
  const ends: AssociationOutcome[] = [];
  user.onClose((end) => ends.push(end));

  t.true(user.isOpen);
  t.deepEqual(user.acceptedTransferSyntaxes(CT_IMAGE_STORAGE), [EXPLICIT_LE]);
  t.deepEqual(user.acceptedTransferSyntaxes('1.2.3'), []);
  t.deepEqual(await user.echo(), { status: 0 });
  t.deepEqual(await user.store(CT, sourceOf(dataSet)), { status: 0 });
  t.deepEqual(await user.echo(), { status: 0 });
  await user.release();

  t.false(user.isOpen);
  t.deepEqual(ends, [{ result: 'released', reason: 'released' }]);
  t.deepEqual(stores[0]?.dataSet, dataSet);
  t.is((await events.next('association-ended')).end.how, 'released');
});

test('a data set of any length reaches a peer of any PDU length byte for byte', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.nat(5000), fc.nat(3_000_000)),
      fc.oneof(fc.integer({ min: 1024, max: 5000 }), fc.integer({ min: 1024, max: 3_000_000 })),
      fc.integer({ min: 1, max: 2_000_000 }),
      async (lengthBytes, maxPduLengthBytes, readBytesMax) => {
        const { port, stores, provider } = await startRecordingProvider(t, { maxPduLengthBytes });
        const dataSet = randomBytes(lengthBytes);
        const short: DataSetSource = {
          lengthBytes,
          read: (into, position) => sourceOf(dataSet).read(into.subarray(0, readBytesMax), position),
        };
        const user = await openAssociation(target(port), CONTEXTS);
        t.deepEqual(await user.store(CT, short), { status: 0 });
        t.true(stores[0]?.dataSet.equals(dataSet));
        await user.release();
        await provider.stop({ drainMs: 0 });
      },
    ),
    { numRuns: 25 },
  );
});

test('fragments are even but the last, and fill the PDUs that the peer takes', async (t) => {
  const taken = Promise.withResolvers<number[]>();
  const port = await startAcceptor(
    t,
    async (peer) => {
      const { messageId, fragments } = await takeRequest(peer);
      taken.resolve(fragments.map((bytes) => bytes.length));
      await peer.send(storeResponse(messageId, 0));
    },
    2049,
  );
  const user = await openAssociation(target(port), CONTEXTS);
  await user.store(CT, sourceOf(Buffer.alloc(5001)));
  t.deepEqual(await taken.promise, [2042, 2042, 917]);
  user.abort();
});

test('a small instance goes in one write with its command set', async (t) => {
  const firstRead = Promise.withResolvers<number>();
  const port = await startAcceptor(t, async (peer) => {
    peer.socket.once('data', (bytes) => firstRead.resolve(bytes.length));
    const { messageId } = await takeRequest(peer);
    await peer.send(storeResponse(messageId, 0));
  });
  const user = await openAssociation(target(port), CONTEXTS);
  await user.store(CT, sourceOf(Buffer.alloc(2000)));
  t.true((await firstRead.promise) > 2000);
  user.abort();
});

test('a data set is read in blocks of 1 MiB at most, no more than two ahead of a peer that takes none', async (t) => {
  const gate = Promise.withResolvers<void>();
  const port = await startAcceptor(
    t,
    async (peer) => {
      peer.socket.pause();
      await gate.promise;
      peer.socket.resume();
      const { messageId } = await takeRequest(peer);
      await peer.send(storeResponse(messageId, 0));
    },
    0,
  );
  const lengthBytes = 64 * 1024 * 1024;
  let readBytes = 0;
  let largest = 0;
  const source: DataSetSource = {
    lengthBytes,
    async read(into) {
      largest = Math.max(largest, into.length);
      readBytes += into.length;
      return into.length;
    },
  };
  const user = await openAssociation(target(port), CONTEXTS);

  const stored = user.store(CT, source);
  for (let before = 0; before === 0 || before !== readBytes; ) {
    before = readBytes;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  t.true(readBytes < lengthBytes / 2, `${readBytes} bytes were read ahead`);
  gate.resolve();

  t.deepEqual(await stored, { status: 0 });
  t.is(readBytes, lengthBytes);
  t.true(largest <= 1024 * 1024);
  user.abort();
});

test('status and comment of a response are passed on, each response its own', async (t) => {
  const port = await startAcceptor(t, async (peer) => {
    const first = await takeRequest(peer);
    await peer.send(storeResponse(first.messageId, 0xa700, [0x0902, 'disk full ']));
    const second = await takeRequest(peer);
    await peer.send(storeResponse(second.messageId, 0));
  });
  const user = await openAssociation(target(port), CONTEXTS);
  t.deepEqual(await user.store(CT, sourceOf(Buffer.alloc(10))), {
    status: 0xa700,
    errorComment: 'disk full',
  });
  t.deepEqual(await user.store(CT, sourceOf(Buffer.alloc(10))), { status: 0 });
  user.abort();
});

test('a response that comes before the data set is complete counts when it is', async (t) => {
  const port = await startAcceptor(t, async (peer) => {
    await peer.next(); // The command set.
    await peer.send(storeResponse(1, 0xa700));
  });
  const user = await openAssociation(target(port), CONTEXTS);
  t.deepEqual(await user.store(CT, sourceOf(Buffer.alloc(3_000_000))), { status: 0xa700 });
  t.true(user.isOpen);
  user.abort();
});

test('a success that comes before the data set is complete is not believed', async (t) => {
  const port = await startAcceptor(t, async (peer) => {
    await peer.next(); // The command set.
    await peer.send(storeResponse(1, 0));
  });
  const user = await openAssociation(target(port), CONTEXTS);
  const error = await failure(t, user.store(CT, sourceOf(Buffer.alloc(30_000_000))), PeerProtocolError);
  t.is(error.disposition, 'unclear');
  t.false(user.isOpen);
});

test('an instance without an accepted context is held, and the association goes on', async (t) => {
  const { port } = await startRecordingProvider(t, { acceptsAbstractSyntax: (uid) => uid === VERIFICATION });
  const user = await openAssociation(target(port), CONTEXTS);
  const error = await failure(t, user.store(CT, sourceOf(Buffer.alloc(10))), NoPresentationContextError);
  t.is(error.disposition, 'hold');
  t.deepEqual(await user.echo(), { status: 0 });
  await user.release();
});

test('a transfer syntax that was not proposed is not taken for accepted', async (t) => {
  const port = await startScript(t, async (peer) => {
    await peer.next();
    await peer.send(
      associateAccept([
        { id: 1, transferSyntax: '1.2.840.10008.1.2.4.50' },
        { id: 77, transferSyntax: EXPLICIT_LE },
      ]),
    );
  });
  const user = await openAssociation(target(port), CONTEXTS);
  t.deepEqual(user.acceptedTransferSyntaxes(CT_IMAGE_STORAGE), []);
  user.abort();
});

test('128 contexts are proposed and used by their own ids', async (t) => {
  const { port, stores } = await startRecordingProvider(t);
  const contexts = Array.from({ length: 128 }, (_, index) => ({
    abstractSyntaxUid: `${CT_IMAGE_STORAGE}.${index}`,
    transferSyntaxUids: [EXPLICIT_LE],
  }));
  const user = await openAssociation(target(port), contexts);
  const sopClassUid = `${CT_IMAGE_STORAGE}.127`;
  await user.store({ ...CT, sopClassUid }, sourceOf(Buffer.alloc(4)));
  t.is(stores[0]?.request.sopClassUid, sopClassUid);
  await user.release();
  await t.throwsAsync(openAssociation(target(port), [...contexts, ...contexts]), { code: 'ERR_ASSERTION' });
});

// Opening.

test('a port that nobody listens on is retried', async (t) => {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const error = await failure(t, openAssociation(target(port), CONTEXTS), ConnectionFailedError);
  t.is(error.disposition, 'retry');
  t.regex(error.message, /ECONNREFUSED/);
});

test('a rejection for good is held, one for now is retried', async (t) => {
  for (const [result, disposition] of [
    [1, 'hold'],
    [2, 'retry'],
  ] as const) {
    const port = await startScript(t, async (peer) => {
      await peer.next();
      await peer.send(pdu(3, Buffer.from([0, result, 1, 7])));
    });
    const error = await failure(t, openAssociation(target(port), CONTEXTS), AssociationRejectedError);
    t.is(error.disposition, disposition);
    t.deepEqual(error.rejection, { result, source: 1, reason: 7 });
  }
});

test('a peer that accepts the connection and never answers is given up', async (t) => {
  const port = await startScript(t, async () => {});
  const opening = openAssociation(target(port, { associationTimeoutMs: 100 }), CONTEXTS);
  const error = await failure(t, opening, PeerTimeoutError);
  t.is(error.disposition, 'retry');
});

test('an answer that trickles in is given up as well', async (t) => {
  const port = await startScript(t, async (peer) => {
    await peer.next();
    const bytes = associateAccept([{ id: 1, transferSyntax: EXPLICIT_LE }]);
    for (const byte of bytes) {
      await peer.send(Uint8Array.of(byte));
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
  });
  const opening = openAssociation(target(port, { associationTimeoutMs: 150 }), CONTEXTS);
  await failure(t, opening, PeerTimeoutError);
});

for (const [what, answer, type] of [
  ['closes', undefined, AssociationClosedError],
  ['aborts', abort(2, 1), AssociationAbortedError],
  ['answers with garbage', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), PeerProtocolError],
  ['answers with a cut-off A-ASSOCIATE-AC', pdu(2, Buffer.alloc(20)), PeerProtocolError],
  ['answers with A-RELEASE-RP', RELEASE_RESPONSE, PeerProtocolError],
  ['answers with data', storeResponse(1, 0), PeerProtocolError],
] as const) {
  test(`a peer that ${what} instead of accepting is retried`, async (t) => {
    const port = await startScript(t, async (peer) => {
      await peer.next();
      if (answer === undefined) peer.socket.destroy();
      else await peer.send(answer);
    });
    const error = await failure<GatewayError>(t, openAssociation(target(port), CONTEXTS), type);
    t.is(error.disposition, 'retry');
  });
}

for (const maxPduLength of [1, 6, 1023]) {
  test(`a peer that takes PDUs of ${maxPduLength} bytes is held, and no loop is entered`, async (t) => {
    const words = Promise.withResolvers<string>();
    const port = await startAcceptor(t, async (peer) => words.resolve(await peer.nextWords()), maxPduLength);
    const error = await failure(t, openAssociation(target(port), CONTEXTS), PeerPduTooSmallError);
    t.is(error.disposition, 'hold');
    t.is(await words.promise, 'A-ABORT 0/0');
  });
}

test('opening is given up when the signal aborts, before and while', async (t) => {
  const reason = new Error('stopping');
  await t.throwsAsync(openAssociation(target(1), CONTEXTS, AbortSignal.abort(reason)), { is: reason });

  const controller = new AbortController();
  const port = await startScript(t, async (peer) => {
    await peer.next();
    controller.abort(reason);
  });
  await t.throwsAsync(openAssociation(target(port), CONTEXTS, controller.signal), { is: reason });
});

test('the signal has no say over an association that is open', async (t) => {
  const { port } = await startRecordingProvider(t);
  const controller = new AbortController();
  const user = await openAssociation(target(port), CONTEXTS, controller.signal);
  controller.abort();
  t.deepEqual(await user.echo(), { status: 0 });
  await user.release();
});

// What peers do to a C-STORE.

const AFTER_THE_REQUEST: Record<
  string,
  readonly [Buffer | undefined, abstract new (...args: never[]) => GatewayError]
> = {
  'A-ABORT': [abort(2, 0), AssociationAbortedError],
  'a closed connection': [undefined, AssociationClosedError],
  'A-RELEASE-RQ': [RELEASE_REQUEST, AssociationClosedError],
  'a response to another message': [storeResponse(9, 0), PeerProtocolError],
  'a response to another operation': [
    pData(pdv(1, 'command', true, commandSet([0x0100, 0x8030], [0x0120, 1], [0x0800, 0x0101], [0x0900, 0]))),
    PeerProtocolError,
  ],
  'a response without a status': [
    pData(pdv(1, 'command', true, commandSet([0x0100, 0x8001], [0x0120, 1], [0x0800, 0x0101]))),
    PeerProtocolError,
  ],
  'a response that announces a data set': [
    pData(pdv(1, 'command', true, commandSet([0x0100, 0x8001], [0x0120, 1], [0x0800, 1], [0x0900, 0]))),
    PeerProtocolError,
  ],
  'a request of its own': [
    pData(pdv(1, 'command', true, commandSet([0x0100, 0x0100], [0x0110, 1], [0x0800, 0x0101]))),
    PeerProtocolError,
  ],
  'a response on a context that was not accepted': [
    pData(pdv(5, 'command', true, commandSet([0x0100, 0x8001], [0x0120, 1], [0x0800, 0x0101], [0x0900, 0]))),
    PeerProtocolError,
  ],
  garbage: [Buffer.from('garbage'), PeerProtocolError],
};

for (const [what, [answer, type]] of Object.entries(AFTER_THE_REQUEST)) {
  test(`${what} instead of a response leaves it unclear whether the instance was taken`, async (t) => {
    const port = await startAcceptor(t, async (peer) => {
      await takeRequest(peer);
      if (answer === undefined) peer.socket.destroy();
      else await peer.send(answer);
    });
    const user = await openAssociation(target(port), CONTEXTS);
    const error = await failure(t, user.store(CT, sourceOf(Buffer.alloc(100))), type);
    t.is(error.disposition, 'unclear');
    t.false(user.isOpen);
    const after = await failure(t, user.store(CT, sourceOf(Buffer.alloc(100))), Error as never);
    t.is((after as GatewayError).disposition, 'retry');
  });
}

for (const [what, answer] of [
  ['aborts', abort(0, 0)],
  ['closes', undefined],
] as const) {
  test(`a peer that ${what} amid the data set leaves it unclear, and the reading ends`, async (t) => {
    const port = await startAcceptor(t, async (peer) => {
      await peer.next();
      if (answer !== undefined) await peer.send(answer);
      peer.socket.destroy();
    });
    let reads = 0;
    const endless: DataSetSource = {
      lengthBytes: 2 ** 40,
      async read(into) {
        reads += 1;
        return into.length;
      },
    };
    const user = await openAssociation(target(port), CONTEXTS);
    const error = await failure(t, user.store(CT, endless), Error as never);
    t.is((error as GatewayError).disposition, 'unclear');
    const readsThen = reads;
    await new Promise((resolve) => setTimeout(resolve, 50));
    t.is(reads, readsThen);
  });
}

test('a response that does not come in time leaves it unclear, and the association is aborted', async (t) => {
  const words = Promise.withResolvers<string>();
  const port = await startAcceptor(t, async (peer) => {
    await takeRequest(peer);
    words.resolve(await peer.nextWords());
  });
  const user = await openAssociation(target(port, { responseTimeoutMs: 100 }), CONTEXTS);
  const error = await failure(t, user.store(CT, sourceOf(Buffer.alloc(100))), PeerTimeoutError);
  t.is(error.disposition, 'unclear');
  t.is(await words.promise, 'A-ABORT 0/0');
});

test('an echo that is not answered in time is retried', async (t) => {
  const port = await startAcceptor(t, async () => {});
  const user = await openAssociation(target(port, { responseTimeoutMs: 100 }), CONTEXTS);
  const error = await failure(t, user.echo(), PeerTimeoutError);
  t.is(error.disposition, 'retry');
});

test('a peer that takes no more of the data set is given up in time', async (t) => {
  const port = await startAcceptor(t, async (peer) => {
    peer.socket.pause();
  });
  const endless: DataSetSource = { lengthBytes: 2 ** 40, read: async (into) => into.length };
  const user = await openAssociation(target(port, { pduTimeoutMs: 200 }), CONTEXTS);
  const error = await failure(t, user.store(CT, endless), PeerTimeoutError);
  t.is(error.disposition, 'unclear');
});

test('a response that takes longer than a block may is waited for', async (t) => {
  const port = await startAcceptor(t, async (peer) => {
    const { messageId } = await takeRequest(peer);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await peer.send(storeResponse(messageId, 0));
  });
  const user = await openAssociation(target(port, { pduTimeoutMs: 100 }), CONTEXTS);
  t.deepEqual(await user.store(CT, sourceOf(Buffer.alloc(100))), { status: 0 });
  user.abort();
});

// The source of the data set.

test('a source that fails before anything was sent leaves the association open', async (t) => {
  const { port } = await startRecordingProvider(t);
  const user = await openAssociation(target(port), CONTEXTS);
  const cause = new Error('EIO');
  const error = await failure(
    t,
    user.store(CT, { lengthBytes: 10, read: () => Promise.reject(cause) }),
    DataSetSourceError,
  );
  t.is(error.cause, cause);
  t.is(error.disposition, 'retry');
  t.deepEqual(await user.store(CT, sourceOf(Buffer.alloc(10))), { status: 0 });
  await user.release();
});

test('a source that ends early amid the data set aborts, and the peer keeps nothing', async (t) => {
  const { port, stores, events } = await startRecordingProvider(t);
  const user = await openAssociation(target(port), CONTEXTS);
  const short = { ...sourceOf(Buffer.alloc(1_500_000)), lengthBytes: 3_000_000 };
  const error = await failure(t, user.store(CT, short), DataSetSourceError);
  t.is(error.disposition, 'hold');
  t.false(user.isOpen);
  await events.next('store-discarded');
  t.is(stores[0]?.fate, 'aborted-by-peer');
});

// The end.

test('a release that is not answered ends all the same', async (t) => {
  const port = await startAcceptor(t, async () => {});
  const user = await openAssociation(target(port, { associationTimeoutMs: 100 }), CONTEXTS);
  await user.release();
  t.false(user.isOpen);
});

test('a release that collides with the release of the peer ends on both sides', async (t) => {
  const words: string[] = [];
  const done = Promise.withResolvers<void>();
  const port = await startAcceptor(t, async (peer) => {
    words.push(await peer.nextWords());
    await peer.send(RELEASE_REQUEST);
    words.push(await peer.nextWords());
    await peer.send(RELEASE_RESPONSE);
    words.push(await peer.nextWords());
    done.resolve();
  });
  const user = await openAssociation(target(port), CONTEXTS);
  await user.release();
  await done.promise;
  t.deepEqual(words, ['A-RELEASE-RQ', 'A-RELEASE-RP', 'closed']);
});

test('a peer that releases an association at rest is answered, and the end is told', async (t) => {
  const words = Promise.withResolvers<string>();
  const port = await startAcceptor(t, async (peer) => {
    await peer.send(RELEASE_REQUEST);
    words.resolve(await peer.nextWords());
    peer.socket.destroy();
  });
  const user = await openAssociation(target(port), CONTEXTS);
  const end = await new Promise<AssociationOutcome>((resolve) => user.onClose(resolve));
  t.is(await words.promise, 'A-RELEASE-RP');
  t.deepEqual(end, { result: 'released', reason: 'released' });
  t.false(user.isOpen);
  await user.release();
});

test('abort() settles what is under way', async (t) => {
  const gate = Promise.withResolvers<void>();
  const port = await startAcceptor(t, async (peer) => {
    await takeRequest(peer);
    gate.resolve();
  });
  const user = await openAssociation(target(port), CONTEXTS);
  const stored = user.store(CT, sourceOf(Buffer.alloc(10)));
  await gate.promise;
  user.abort();
  const error = await failure(t, stored, AssociationAbortedError);
  t.is(error.disposition, 'unclear');
});

test('each request has a Message ID of its own', async (t) => {
  const seen: number[] = [];
  const port = await startAcceptor(t, async (peer) => {
    for (let count = 0; count < 3; count += 1) {
      const { messageId } = await takeRequest(peer);
      seen.push(messageId);
      await peer.send(storeResponse(messageId, 0));
    }
  });
  const user = await openAssociation(target(port), CONTEXTS);
  for (let count = 0; count < 3; count += 1) await user.store(CT, sourceOf(Buffer.alloc(2)));
  t.deepEqual(seen, [1, 2, 3]);
  user.abort();
});
