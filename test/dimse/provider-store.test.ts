import { randomBytes } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import type { StoreAnswer, StoreSink } from '../../src/dimse/provider-options.ts';
import {
  associateRequest,
  CT_IMAGE_STORAGE,
  commandSet,
  EXPLICIT_LE,
  echoCommand,
  echoRequest,
  pData,
  pdv,
  RELEASE_REQUEST,
  readCommandSet,
  storeCommand,
  storeRequest,
  VERIFICATION,
} from '../support/raw-pdu.ts';
import { startRecordingProvider } from '../support/recording-provider.ts';

const STORED = '8001H of 1: 0000H';

test('C-STORE reaches its sink byte for byte, and is answered when the sink is done', async (t) => {
  const { stores, events, associate } = await startRecordingProvider(t);
  const peer = await associate({ calling: 'CT1' });
  const dataSet = randomBytes(300_001);

  await peer.send(
    storeRequest(
      1,
      dataSet.subarray(0, 100_000),
      dataSet.subarray(100_000, 200_003),
      dataSet.subarray(200_003),
    ),
  );

  t.is(await peer.nextWords(), STORED);
  t.deepEqual(stores[0]?.dataSet, dataSet);
  t.deepEqual(stores[0]?.request, {
    association: {
      callingAeTitle: 'CT1',
      calledAeTitle: 'SLIDEGATE',
      peerAddress: '127.0.0.1',
      source: 'unknown',
    },
    sopClassUid: CT_IMAGE_STORAGE,
    sopInstanceUid: '1.2.826.0.1.1',
    transferSyntaxUid: EXPLICIT_LE,
    messageId: 1,
    priority: 0,
  });
  const answered = await events.next('store-answered');
  t.is(answered.dataSetBytes, dataSet.length);
  t.true(answered.isSent);
});

test('a message cut into any PDVs, PDUs and writes reaches its sink byte for byte', async (t) => {
  const { stores, associate } = await startRecordingProvider(t);
  const peer = await associate();
  let messageId = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.uint8Array({ maxLength: 900 }), { minLength: 1, maxLength: 4 }), {
        minLength: 1,
        maxLength: 6,
      }),
      fc.array(fc.nat(), { maxLength: 5 }),
      async (pdus, cuts) => {
        messageId = (messageId % 0xffff) + 1;
        const last = pdus.length - 1;
        const bytes = Buffer.concat([
          pData(pdv(1, 'command', true, storeCommand(messageId))),
          ...pdus.map((fragments, index) =>
            pData(
              ...fragments.map((f, at) => pdv(1, 'data', index === last && at === fragments.length - 1, f)),
            ),
          ),
        ]);
        const places = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];

        for (let at = 1; at < places.length; at += 1)
          await peer.send(bytes.subarray(places[at - 1], places[at]));

        t.is(await peer.nextWords(), `8001H of ${messageId}: 0000H`);
        t.deepEqual(stores.at(-1)?.dataSet, Buffer.concat(pdus.flat()));
      },
    ),
    { numRuns: 100 },
  );
});

test('command set and data set may share a PDU, with fragments of no bytes between', async (t) => {
  const { stores, associate } = await startRecordingProvider(t);
  const peer = await associate();
  const command = storeCommand(1);

  await peer.send(
    pData(
      pdv(1, 'command', false, command.subarray(0, 21)),
      pdv(1, 'command', false, Buffer.alloc(0)),
      pdv(1, 'command', false, command.subarray(21)),
      pdv(1, 'command', true, Buffer.alloc(0)),
      pdv(1, 'data', false, Buffer.alloc(0)),
      pdv(1, 'data', false, Buffer.from('odd')),
      pdv(1, 'data', true, Buffer.alloc(0)),
    ),
  );

  t.is(await peer.nextWords(), STORED);
  t.is(stores[0]?.dataSet.toString(), 'odd');
});

test('an empty data set reaches its sink as one', async (t) => {
  const { stores, associate } = await startRecordingProvider(t);
  const peer = await associate();
  await peer.send(storeRequest(1, Buffer.alloc(0)));
  t.is(await peer.nextWords(), STORED);
  t.is(stores[0]?.fate, 'complete');
  t.is(stores[0]?.dataSet.length, 0);
});

test('pipelined C-STOREs are all stored, and answered in their order whichever is done first', async (t) => {
  const turns = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const { stores, associate } = await startRecordingProvider(t, {
    answer: async ({ request }) => {
      await turns[request.messageId - 1]?.promise;
      return { status: 0 };
    },
  });
  const peer = await associate({ userItems: [] });
  const dataSets = turns.map(() => randomBytes(60_000));

  await peer.send(
    ...dataSets.map((dataSet, index) => storeRequest(index + 1, dataSet, dataSet)),
    echoRequest(6),
  );
  for (const turn of turns.reverse()) turn.resolve();

  for (const messageId of [1, 2, 3, 4, 5]) t.is(await peer.nextWords(), `8001H of ${messageId}: 0000H`);
  t.is(await peer.nextWords(), '8030H of 6: 0000H');
  t.deepEqual(
    stores.map((store) => store.dataSet),
    dataSets.map((dataSet) => Buffer.concat([dataSet, dataSet])),
  );
});

test('a peer that pipelines without end is held back while responses are due', async (t) => {
  const gate = Promise.withResolvers<void>();
  const { stores, associate } = await startRecordingProvider(t, {
    answer: async () => {
      await gate.promise;
      return { status: 0 };
    },
  });
  const peer = await associate();
  const count = 300;

  const sent = peer.send(
    ...Array.from({ length: count }, (_, index) => storeRequest(index + 1, Buffer.alloc(50_000))),
  );
  await Promise.race([sent, heldBack(() => stores.length, 64)]);

  t.true(stores.length < count, `${stores.length} of ${count} were begun`);
  gate.resolve();
  for (let messageId = 1; messageId <= count; messageId += 1) {
    t.is(await peer.nextWords(), `8001H of ${messageId}: 0000H`);
  }
});

/** Resolves when the count has come so far, and then stood still for a while. */
async function heldBack(count: () => number, atLeast: number): Promise<void> {
  for (let before = -1; before !== count() || before < atLeast; ) {
    before = count();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A sink that is full after each write, and takes more when it is told. */
class SlowSink implements StoreSink {
  readonly chunks: Buffer[] = [];
  heldBytes = 0;
  #resume: (() => void) | undefined;

  write(bytes: Uint8Array): boolean {
    this.chunks.push(Buffer.from(bytes));
    this.heldBytes += bytes.length;
    return false;
  }
  onWritable(resume: () => void): void {
    this.#resume = resume;
    setImmediate(() => this.takeMore());
  }
  takeMore(): void {
    this.heldBytes = 0;
    this.#resume?.();
  }
  async end(): Promise<StoreAnswer> {
    return { status: 0 };
  }
  discard(): void {}
}

test('several PDVs in one PDU reach a slow sink in their order, none lost', async (t) => {
  const sink = new SlowSink();
  const { associate } = await startRecordingProvider(t, { store: () => sink });
  const peer = await associate();
  const pdus = Array.from({ length: 60 }, (_, index) =>
    [0, 1, 2].map((part) => Buffer.alloc(40_000, 3 * index + part)),
  );

  await peer.send(
    pData(pdv(1, 'command', true, storeCommand(1))),
    ...pdus.map((parts, index) =>
      pData(...parts.map((part, at) => pdv(1, 'data', index === pdus.length - 1 && at === 2, part))),
    ),
  );

  t.is(await peer.nextWords(), STORED);
  t.true(Buffer.concat(sink.chunks).equals(Buffer.concat(pdus.flat())));
});

test('a sink that is full stops the reading, so that no more than one read is held for it', async (t) => {
  let heldBytesMax = 0;
  const sink = new (class extends SlowSink {
    override write(bytes: Uint8Array): boolean {
      super.write(bytes);
      this.chunks.length = 0;
      heldBytesMax = Math.max(heldBytesMax, this.heldBytes);
      return false;
    }
  })();
  const { associate } = await startRecordingProvider(t, { store: () => sink });
  const peer = await associate();
  const fragment = Buffer.alloc(100_000);

  await peer.send(storeRequest(1, ...Array.from({ length: 200 }, () => fragment)));

  t.is(await peer.nextWords(), STORED);
  t.true(heldBytesMax <= 512 * 1024, `${heldBytesMax} bytes were written while the sink was full`);
});

test('a sink that is full, and done before it takes more, does not keep the association waiting', async (t) => {
  const sink: StoreSink = {
    write: () => false,
    onWritable() {},
    end: async () => ({ status: 0 }),
    discard() {},
  };
  const { associate } = await startRecordingProvider(t, { store: () => sink });
  const peer = await associate();
  await peer.send(storeRequest(1, Buffer.alloc(1000)));
  t.is(await peer.nextWords(), STORED);
  await peer.send(echoRequest(2));
  t.is(await peer.nextWords(), '8030H of 2: 0000H');
});

test('a refusal drains the data set, and the status follows its last fragment', async (t) => {
  const { associate } = await startRecordingProvider(t, {
    store: () => ({ refuse: { status: 0xa700, errorComment: 'Out of resources' } }),
  });
  const peer = await associate();

  await peer.send(storeRequest(1, Buffer.alloc(100_000), Buffer.alloc(100_000)), echoRequest(2));

  const response = await peer.next();
  t.is(
    readCommandSet(response?.body.subarray(6) as Buffer)
      .get(0x0902)
      ?.toString(),
    'Out of resources',
  );
  t.is(await peer.nextWords(), '8030H of 2: 0000H');
});

const boom = (): never => {
  throw new Error('PatientName=DOE^JOHN');
};
const quiet: StoreSink = {
  write: () => true,
  onWritable: (resume) => resume(),
  end: async () => ({ status: 0 }),
  discard() {},
};

for (const [what, store] of [
  ['store()', boom],
  ['write()', () => ({ ...quiet, write: boom })],
  ['onWritable()', () => ({ ...quiet, write: () => false, onWritable: boom })],
  ['end()', () => ({ ...quiet, end: boom })],
  ['end() that rejects', () => ({ ...quiet, end: async () => boom() })],
  ['end() by way of a status that is none', () => ({ ...quiet, end: async () => ({ status: 70_000 }) })],
  ['end() by way of no answer', () => ({ ...quiet, end: async () => undefined as unknown as StoreAnswer })],
  ['store() by way of a refusal that is none', () => ({ refuse: {} as StoreAnswer })],
] as const) {
  test(`a handler that throws in ${what} costs 0110H without a word of the error, and the association goes on`, async (t) => {
    const { events, associate } = await startRecordingProvider(t, { store });
    const peer = await associate();

    await peer.send(storeRequest(1, Buffer.alloc(1000), Buffer.alloc(1000)), echoRequest(2));

    const response = await peer.next();
    const command = readCommandSet(response?.body.subarray(6) as Buffer);
    t.is(command.get(0x0900)?.readUInt16LE(0), 0x0110);
    t.is(command.get(0x0902)?.toString().trim(), 'Internal failure');
    t.is(await peer.nextWords(), '8030H of 2: 0000H');
    t.is(events.ofType('handler-failed').length, 1);
  });
}

test('a handler that throws in discard() ends nothing else', async (t) => {
  const { events, echo, associate } = await startRecordingProvider(t, {
    store: () => ({ ...quiet, discard: boom }),
  });
  const peer = await associate();
  await peer.send(storeRequest(1, Buffer.alloc(10)).subarray(0, -5));
  await peer.close();
  await events.next('store-discarded');
  t.is(events.ofType('handler-failed').length, 1);
  t.is((await echo()).length, 2);
});

test('a listener that throws ends nothing', async (t) => {
  const { associate, stores } = await startRecordingProvider(t, { onEvent: boom });
  const peer = await associate();
  await peer.send(storeRequest(1, Buffer.alloc(10)), RELEASE_REQUEST);
  t.is(await peer.nextWords(), STORED);
  t.is(await peer.nextWords(), 'A-RELEASE-RP');
  t.is(stores[0]?.fate, 'complete');
});

test('an error comment of one response is not in the next', async (t) => {
  const { associate } = await startRecordingProvider(t, {
    answer: ({ request }) =>
      request.messageId === 1 ? { status: 0xa700, errorComment: 'disk full' } : { status: 0 },
  });
  const peer = await associate();
  await peer.send(storeRequest(1, Buffer.alloc(10)), storeRequest(2, Buffer.alloc(10)));
  t.is(await peer.nextWords(), '8001H of 1: A700H');
  const second = await peer.next();
  t.false(readCommandSet(second?.body.subarray(6) as Buffer).has(0x0902));
});

for (const [what, command, answer] of [
  ['no data set', storeCommand(1, '1.2.3', { dataSetType: 0x0101 }), '8001H of 1: C000H'],
  [
    'another SOP class than its context',
    storeCommand(1, '1.2.3', { sopClassUid: '1.2.3' }),
    '8001H of 1: 0122H',
  ],
  [
    'no SOP Instance UID',
    commandSet([0x0002, CT_IMAGE_STORAGE], [0x0100, 1], [0x0110, 1], [0x0800, 0]),
    '8001H of 1: 0117H',
  ],
  [
    'no SOP Class UID',
    commandSet([0x0100, 1], [0x0110, 1], [0x0800, 0], [0x1000, '1.2.3']),
    '8001H of 1: 0122H',
  ],
  [
    'a SOP Class UID of 30 000 characters',
    storeCommand(1, '1.2.3', { sopClassUid: '1.2'.repeat(10_000) }),
    '8001H of 1: 0122H',
  ],
] as const) {
  test(`C-STORE with ${what} is answered ${answer.slice(-5)} and reaches no sink`, async (t) => {
    const { stores, associate } = await startRecordingProvider(t);
    const peer = await associate();
    const hasDataSet = !answer.includes('C000');
    await peer.send(
      pData(pdv(1, 'command', true, command)),
      ...(hasDataSet ? [pData(pdv(1, 'data', true, Buffer.alloc(10)))] : []),
      echoRequest(2),
    );
    t.is(await peer.nextWords(), answer);
    t.is(await peer.nextWords(), '8030H of 2: 0000H');
    t.deepEqual(stores, []);
  });
}

for (const [name, field] of [
  ['C-GET', 0x0010],
  ['C-FIND', 0x0020],
  ['C-MOVE', 0x0021],
  ['N-EVENT-REPORT', 0x0100],
  ['N-GET', 0x0110],
  ['N-SET', 0x0120],
  ['N-ACTION', 0x0130],
  ['N-CREATE', 0x0140],
  ['N-DELETE', 0x0150],
  ['an operation that does not exist', 0x7777],
] as const) {
  test(`${name} is answered with 0211H, with and without a data set`, async (t) => {
    const { events, associate } = await startRecordingProvider(t);
    const peer = await associate();
    const command = (messageId: number, dataSetType: number) =>
      pdv(
        1,
        'command',
        true,
        commandSet(
          [0x0003, '1.2.3'],
          [0x0100, field],
          [0x0110, messageId],
          [0x0800, dataSetType],
          [0x1001, '1.2.4'],
        ),
      );

    await peer.send(
      pData(command(1, 0x0101)),
      pData(command(2, 1)),
      pData(pdv(1, 'data', true, Buffer.alloc(99))),
    );

    const response = `${(field | 0x8000).toString(16).toUpperCase()}H`;
    t.is(await peer.nextWords(), `${response} of 1: 0211H`);
    t.is(await peer.nextWords(), `${response} of 2: 0211H`);
    t.deepEqual(
      events.ofType('operation-refused').map(({ commandField }) => commandField),
      [field, field],
    );
  });
}

test('C-CANCEL of what was long answered is passed over', async (t) => {
  const { associate } = await startRecordingProvider(t);
  const peer = await associate();
  const cancel = commandSet([0x0100, 0x0fff], [0x0120, 1], [0x0800, 0x0101]);
  await peer.send(pData(pdv(1, 'command', true, cancel)), echoRequest(2));
  t.is(await peer.nextWords(), '8030H of 2: 0000H');
});

test('C-ECHO is answered as often as it comes, each in one write', async (t) => {
  const { associate } = await startRecordingProvider(t);
  const peer = await associate();
  for (const messageId of [1, 2, 0xffff]) {
    await peer.send(echoRequest(messageId));
    const response = await peer.next();
    const command = readCommandSet(response?.body.subarray(6) as Buffer);
    t.is(command.get(0x0002)?.toString().replace(/\0$/, ''), VERIFICATION);
    t.is(command.get(0x0120)?.readUInt16LE(0), messageId);
    t.is(command.get(0x0900)?.readUInt16LE(0), 0);
  }
});

test('release waits for the responses that are due, then is answered', async (t) => {
  const gate = Promise.withResolvers<void>();
  const { events, associate } = await startRecordingProvider(t, {
    answer: async () => {
      await gate.promise;
      return { status: 0 };
    },
  });
  const peer = await associate();

  await peer.send(storeRequest(1, Buffer.alloc(100)), RELEASE_REQUEST);
  gate.resolve();

  t.is(await peer.nextWords(), STORED);
  t.is(await peer.nextWords(), 'A-RELEASE-RP');
  await peer.close();
  t.is((await events.next('association-ended')).end.how, 'released');
});

test('an instance whose peer has gone before the answer is kept, and told as not answered', async (t) => {
  const gate = Promise.withResolvers<void>();
  const { stores, events, associate } = await startRecordingProvider(t, {
    answer: async () => {
      await gate.promise;
      return { status: 0 };
    },
  });
  const peer = await associate();
  await peer.send(storeRequest(1, Buffer.alloc(100)), echoRequest(2));
  await peer.close();
  await events.next('association-ended');

  gate.resolve();

  t.false((await events.next('store-answered')).isSent);
  t.is(stores[0]?.fate, 'complete');
});

test('data that comes with A-ASSOCIATE-RQ in one segment is served', async (t) => {
  const { connect } = await startRecordingProvider(t);
  const peer = await connect();
  await peer.send(associateRequest(), pData(pdv(3, 'command', true, echoCommand(1))), RELEASE_REQUEST);
  t.is(await peer.nextWords(), 'A-ASSOCIATE-AC');
  t.is(await peer.nextWords(), '8030H of 1: 0000H');
  t.is(await peer.nextWords(), 'A-RELEASE-RP');
});
