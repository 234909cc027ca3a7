/** Data sets as they should not be. Fault case 11. */
import { constants, deflateRawSync } from 'node:zlib';
import ava, { type ExecutionContext } from 'ava';
import { spoolReaches, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { RequestorPeer } from '../support/peer.ts';
import { EXPLICIT, el, rawElements } from '../support/raw-elements.ts';
import {
  EXPLICIT_LE,
  IMPLICIT_LE,
  SECONDARY_CAPTURE,
  type SmallInstance,
  smallInstance,
} from '../support/small-instance.ts';
import { auditFiles, auditLedger } from '../support/spool-audit.ts';
import { readInstance } from '../support/temporary-spool.ts';

const DEFLATED = '1.2.840.10008.1.2.1.99';
const MIB = 1024 * 1024;

const test = ava.serial;
let gateway: TestGateway;

ava.before(async () => {
  gateway = await startTestGateway();
});
ava.after.always(() => gateway[Symbol.asyncDispose]());

type Instance = Pick<SmallInstance, 'sopClassUid' | 'sopInstanceUid' | 'transferSyntaxUid' | 'dataSet'>;

/** What is wrong, the data set that has it, and what the reason of the hold must say. */
interface Broken {
  readonly what: string;
  readonly make: (whole: SmallInstance) => Uint8Array;
  readonly reason: RegExp;
  readonly transferSyntaxUid?: string;
}

const AT_AN_OFFSET = /at \([0-9A-F]{4},[0-9A-F]{4}\), offset \d+: /i;

const HELD: readonly Broken[] = [
  {
    what: 'cut off in its header',
    make: ({ dataSet }) => dataSet.subarray(0, 150),
    reason: AT_AN_OFFSET,
  },
  {
    what: 'cut off in its pixel data',
    make: ({ dataSet }) => dataSet.subarray(0, -1000),
    reason: /\(7FE0,0010\), offset \d+: .*run past byte/i,
  },
  {
    what: 'with a value longer than the file',
    make: ({ dataSet }) => withLengthOf(dataSet, [0x10, 0x00, 0x20, 0x00], 0xfffe),
    reason: AT_AN_OFFSET,
  },
  {
    what: 'with a value length that leads into the midst of another',
    make: ({ dataSet }) => withLengthOf(dataSet, [0x10, 0x00, 0x10, 0x00], 3),
    reason: AT_AN_OFFSET,
  },
  {
    what: 'with letters that are no VR',
    make: ({ dataSet }) => withBytesAfter(dataSet, [0x10, 0x00, 0x20, 0x00], [0x01, 0x02]),
    reason: AT_AN_OFFSET,
  },
  {
    what: 'in Implicit VR where Explicit VR was agreed',
    make: ({ sopInstanceUid }) => smallInstance({ sopInstanceUid, transferSyntaxUid: IMPLICIT_LE }).dataSet,
    reason: /offset \d+|UID/,
  },
  {
    what: 'in Explicit VR where Implicit VR was agreed',
    make: ({ sopInstanceUid }) => smallInstance({ sopInstanceUid, transferSyntaxUid: EXPLICIT_LE }).dataSet,
    transferSyntaxUid: IMPLICIT_LE,
    reason: /offset \d+|UID/,
  },
  {
    what: 'of another SOP Instance UID than the command',
    make: () => smallInstance({ sopInstanceUid: '1.2.3.11.999' }).dataSet,
    reason: /SOP Instance UID \(0008,0018\) .* at offset \d+ is "1\.2\.3\.11\.999"; the command says/,
  },
  {
    what: 'of another SOP Class UID than the command',
    make: ({ sopInstanceUid }) =>
      smallInstance({ sopInstanceUid, sopClassUid: '1.2.840.10008.5.1.4.1.1.2' }).dataSet,
    reason: /SOP Class UID \(0008,0016\) .* at offset \d+ is /,
  },
  {
    what: 'without a SOP Instance UID',
    make: () => rawElements(EXPLICIT, [el(0x0008_0016, 'UI', `${SECONDARY_CAPTURE}\0`)]),
    reason: /SOP Instance UID \(0008,0018\) of the data set is missing/,
  },
  {
    what: 'whose SOP Instance UID is no UID',
    make: ({ dataSet }) => withBytesAt(dataSet, dataSet.indexOf('1.2.3.11.'), [...Buffer.from('x.y')]),
    reason: /SOP Instance UID \(0008,0018\) .* at offset \d+ is /,
  },
  {
    what: 'of one byte',
    make: () => Buffer.from([8]),
    reason: AT_AN_OFFSET,
  },
  {
    what: 'of random bytes',
    make: () => Buffer.from(Array.from({ length: 5000 }, (_, at) => (at * 7919 + (at >> 3) * 31) & 0xff)),
    reason: AT_AN_OFFSET,
  },
  {
    what: 'that says to be deflated and is not',
    make: ({ dataSet }) => dataSet,
    transferSyntaxUid: DEFLATED,
    reason: /offset \d+/,
  },
  {
    what: 'of a deflated stream cut off in the header',
    make: ({ dataSet }) => deflateRawSync(dataSet).subarray(0, 60),
    transferSyntaxUid: DEFLATED,
    reason: /offset \d+|UID/,
  },
  {
    what: 'of sequences 20 000 deep',
    make: ({ sopInstanceUid }) => Buffer.concat([idsOf(sopInstanceUid), nested(20_000)]),
    reason: AT_AN_OFFSET,
  },
];

for (const { what, make, reason, transferSyntaxUid = EXPLICIT_LE } of HELD) {
  test(`a data set ${what} is kept as it came, and held with what is wrong where`, async (t) => {
    const instance = newInstance(transferSyntaxUid, make);
    const heldBefore = (await gateway.spool.status()).states.held;

    t.is(await store(instance), '8001H of 1: 0000H');

    await spoolReaches(gateway.spool, ({ states }) => states.pending === 0);
    t.is((await gateway.spool.status()).states.held, heldBefore + 1);
    const [entry] = await gateway.spool.query({ sopInstanceUid: instance.sopInstanceUid });
    t.is(entry?.state, 'held');
    const [task] = entry?.tasks ?? [];
    t.is(task?.kind, 'rules');
    t.regex(task?.reason ?? '', reason);
    const kept = await readInstance(gateway.spool, entry?.entryId ?? 0);
    t.true(kept.subarray(entry?.dataSetOffset).equals(instance.dataSet));
    await assertIsWell(t);
  });
}

/** What is strange and no fault, or none that keeps an instance from going on. */
const FORWARDED: readonly Pick<Broken, 'what' | 'make' | 'transferSyntaxUid'>[] = [
  {
    what: 'with a private sequence of 50 000 items',
    make: ({ sopInstanceUid }) => {
      const items = Array.from({ length: 50_000 }, () => [el(0x0009_1001, 'LO', 'a ')]);
      return Buffer.concat([
        idsOf(sopInstanceUid),
        rawElements(EXPLICIT, [el(0x0009_0010, 'LO', 'TEST'), el(0x0009_1002, 'SQ', items)]),
      ]);
    },
  },
  {
    what: 'with a UID of letters in another attribute',
    make: ({ dataSet }) => withBytesAt(dataSet, dataSet.indexOf('1.2.3.100'), [...Buffer.from('not.a.uid')]),
  },
  {
    what: 'that inflates to a thousand times its size',
    make: ({ sopInstanceUid }) =>
      deflateRawSync(
        Buffer.concat([
          idsOf(sopInstanceUid),
          rawElements(EXPLICIT, [
            el(0x0009_0010, 'LO', 'TEST'),
            el(0x0009_1001, 'OB', Buffer.alloc(256 * MIB)),
          ]),
        ]),
        { level: constants.Z_BEST_SPEED },
      ),
    transferSyntaxUid: DEFLATED,
  },
];

for (const { what, make, transferSyntaxUid = EXPLICIT_LE } of FORWARDED) {
  test(`a data set ${what} is forwarded as it came`, async (t) => {
    const instance = newInstance(transferSyntaxUid, make);
    const before = process.memoryUsage().rss;

    t.is(await store(instance), '8001H of 1: 0000H');

    await spoolReaches(gateway.spool, ({ states }) => states.pending === 0);
    const [entry] = await gateway.spool.query({ sopInstanceUid: instance.sopInstanceUid });
    t.is(entry?.state, 'delivered', entry?.tasks[0]?.reason);
    t.true(process.memoryUsage().rss - before < 200 * MIB, 'it was never inflated whole');
    await assertIsWell(t);
  });
}

test('an empty data set, and a SOP Instance UID of letters, are refused and not kept', async (t) => {
  const { accepted } = await gateway.spool.status();
  const empty = { ...newInstance(EXPLICIT_LE, () => Buffer.alloc(0)) };
  const unnamed = { ...smallInstance({ sopInstanceUid: '1.2.3' }), sopInstanceUid: 'no uid at all' };

  t.is(await store(empty), '8001H of 1: C000H');
  t.is(await store(unnamed), '8001H of 1: 0117H');

  t.is((await gateway.spool.status()).accepted, accepted);
  await assertIsWell(t);
});

test('of all of them together, accepted is held and delivered, and every byte is there', async (t) => {
  const { accepted, states } = await gateway.spool.status();
  t.true(accepted > HELD.length + FORWARDED.length);
  t.is(states.held, HELD.length);
  t.is(accepted, states.held + states.delivered);
  const directory = `${gateway.folder}/spool`;
  t.deepEqual([...auditLedger(directory), ...auditFiles(directory)], []);
});

let instances = 0;

function newInstance(transferSyntaxUid: string, make: Broken['make']): Instance {
  instances += 1;
  const whole = smallInstance({ sopInstanceUid: `1.2.3.11.${instances}`, pixelBytes: 4000 });
  return { ...whole, transferSyntaxUid, dataSet: Buffer.from(make(whole)) };
}

async function store(instance: Instance): Promise<string> {
  const peer = await RequestorPeer.associate(gateway.port, [instance]);
  const answer = await peer.store(instance);
  await peer.release();
  return answer;
}

/** The next instance is taken and forwarded. */
async function assertIsWell(t: ExecutionContext): Promise<void> {
  const { states } = await gateway.spool.status();
  const good = newInstance(EXPLICIT_LE, ({ dataSet }) => dataSet);
  t.is(await store(good), '8001H of 1: 0000H');
  await spoolReaches(gateway.spool, (now) => now.states.delivered === states.delivered + 1);
}

function idsOf(sopInstanceUid: string): Buffer {
  const uid = sopInstanceUid.length % 2 === 0 ? sopInstanceUid : `${sopInstanceUid}\0`;
  return rawElements(EXPLICIT, [el(0x0008_0016, 'UI', `${SECONDARY_CAPTURE}\0`), el(0x0008_0018, 'UI', uid)]);
}

/** Sequences of undefined length, each the only element of the item of the last, none of them ended. */
function nested(depth: number): Buffer {
  const open = rawElements(EXPLICIT, [el(0x0040_a730, 'SQ', [[]], { undefinedLength: true })]).subarray(
    0,
    20,
  );
  return Buffer.concat(Array.from({ length: depth }, () => open));
}

/** Element header of a short VR: its two length bytes. */
function withLengthOf(dataSet: Buffer, tag: readonly number[], lengthBytes: number): Buffer {
  const at = dataSet.indexOf(Buffer.from(tag)) + 6;
  return withBytesAt(dataSet, at, [lengthBytes & 0xff, lengthBytes >> 8]);
}

function withBytesAfter(dataSet: Buffer, tag: readonly number[], bytes: readonly number[]): Buffer {
  return withBytesAt(dataSet, dataSet.indexOf(Buffer.from(tag)) + tag.length, bytes);
}

function withBytesAt(dataSet: Buffer, at: number, bytes: readonly number[]): Buffer {
  const changed = Buffer.from(dataSet);
  changed.set(bytes, at);
  return changed;
}
