import { randomBytes } from 'node:crypto';
import ava, { type ExecutionContext } from 'ava';
import { readFileMeta } from '../../src/dicom/file-meta.ts';
import { type DataSetSource, openAssociation, type ServiceUser } from '../../src/dimse/service-user.ts';
import { IntakeSettings } from '../../src/intake/config.ts';
import { type Intake, startIntake } from '../../src/intake/intake.ts';
import { type Spool, SpoolError, SpoolRefusingError } from '../../src/spool/spool.ts';
import { createTelemetry, type Telemetry } from '../../src/telemetry/telemetry.ts';
import {
  CT_IMAGE_STORAGE,
  EXPLICIT_LE,
  IMPLICIT_LE,
  storeRequest,
  VERIFICATION,
} from '../support/raw-pdu.ts';
import { RawPeer } from '../support/raw-peer.ts';
import type { SmallInstance } from '../support/small-instance.ts';
import { auditFiles, auditLedger } from '../support/spool-audit.ts';
import {
  newInstance,
  openTemporarySpool,
  readInstance,
  type TemporarySpool,
} from '../support/temporary-spool.ts';

const SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7';

/** One after the other on one spool, so that what each leaves can be counted. */
const test = ava.serial;
let temporary: TemporarySpool;

ava.before(async () => {
  temporary = await openTemporarySpool();
});
ava.after.always(() => temporary[Symbol.asyncDispose]());

ava.afterEach('the spool is in order', (t) => {
  t.deepEqual(auditLedger(temporary.directory), []);
  t.deepEqual(auditFiles(temporary.directory), []);
});

interface Running {
  readonly intake: Intake;
  readonly port: number;
  readonly telemetry: Telemetry;
  /** Instances accepted since the start. */
  accepted(): Promise<number>;
}

async function start(
  t: ExecutionContext,
  options: {
    readonly settings?: object;
    readonly input?: object;
    readonly wrap?: (spool: Spool) => Spool;
    readonly spool?: Spool;
  } = {},
): Promise<Running> {
  const telemetry = createTelemetry({ level: 'silent' });
  const settings = IntakeSettings.parse({
    inputs: { dimse: { kind: 'dimse-scp', port: 0, ...options.input } },
    ...options.settings,
  });
  const spool = options.spool ?? temporary.spool;
  const before = await spool.status();
  const intake = await startIntake(settings, { spool: options.wrap?.(spool) ?? spool, telemetry });
  t.teardown(() => intake.stop(0));
  const port = intake.inputs()[0]?.port ?? 0;
  const accepted = async () => (await spool.status()).accepted - before.accepted;
  return { intake, port, telemetry, accepted };
}

function associate(port: number, titles: { calling?: string; called?: string } = {}): Promise<ServiceUser> {
  return openAssociation(
    {
      host: '127.0.0.1',
      port,
      calledAeTitle: titles.called ?? 'SLIDEGATE',
      callingAeTitle: titles.calling ?? 'CT1',
      connectTimeoutMs: 5000,
      associationTimeoutMs: 5000,
      responseTimeoutMs: 20_000,
      maxPduLengthBytes: 131_072,
    },
    [
      { abstractSyntaxUid: SECONDARY_CAPTURE, transferSyntaxUids: [EXPLICIT_LE] },
      { abstractSyntaxUid: VERIFICATION, transferSyntaxUids: [IMPLICIT_LE] },
    ],
  );
}

function dataSetOf(bytes: Uint8Array): DataSetSource {
  return {
    lengthBytes: bytes.length,
    async read(into, position) {
      const part = bytes.subarray(position, position + into.length);
      into.set(part);
      return part.length;
    },
  };
}

function send(user: ServiceUser, instance: SmallInstance): ReturnType<ServiceUser['store']> {
  const { sopClassUid, sopInstanceUid, transferSyntaxUid, dataSet } = instance;
  return user.store({ sopClassUid, sopInstanceUid, transferSyntaxUid }, dataSetOf(dataSet));
}

async function value(
  telemetry: Telemetry,
  name: keyof Telemetry['metrics'],
  labels: object,
): Promise<number> {
  const metric = telemetry.metrics[name] as {
    get(): Promise<{ values: { value: number; labels: object }[] }>;
  };
  const { values } = await metric.get();
  const wanted = Object.entries(labels);
  return values
    .filter((one) => wanted.every(([label, word]) => (one.labels as Record<string, unknown>)[label] === word))
    .reduce((sum, one) => sum + one.value, 0);
}

test('an instance that is sent becomes an entry, byte for byte, with its source', async (t) => {
  const sources = { ct1: { ae_title: 'CT1', hosts: ['127.0.0.0/8'] } };
  const { port, telemetry } = await start(t, { settings: { sources } });
  const { spool } = temporary;
  const user = await associate(port);
  const [small, large] = [newInstance(), newInstance({ pixelBytes: 3_000_000 })];

  t.deepEqual(await send(user, small), { status: 0 });
  t.deepEqual(await send(user, large), { status: 0 });
  await user.release();

  for (const instance of [small, large]) {
    const [entry] = await spool.query({ sopInstanceUid: instance.sopInstanceUid });
    t.is(entry?.source, 'ct1');
    t.is(entry?.callingAeTitle, 'CT1');
    t.is(entry?.calledAeTitle, 'SLIDEGATE');
    t.is(entry?.peerAddress, '127.0.0.1');
    t.is(entry?.state, 'pending');
    const file = await readInstance(spool, entry?.entryId ?? 0);
    t.true(file.subarray(entry?.dataSetOffset).equals(instance.dataSet));
    const meta = readFileMeta(file);
    t.is(meta.sopInstanceUid, instance.sopInstanceUid);
    t.is(meta.sopClassUid, SECONDARY_CAPTURE);
    t.is(meta.transferSyntaxUid, EXPLICIT_LE);
    t.is(meta.sourceAeTitle, 'CT1');
  }
  t.is(await value(telemetry, 'receivedInstancesTotal', { source: 'ct1' }), 2);
  t.is(await value(telemetry, 'storeRequestsTotal', { source: 'ct1', status: '0000' }), 2);
});

test('pipelined instances of several associations are all kept', async (t) => {
  const { port, accepted } = await start(t);
  const peers = await Promise.all(
    [1, 2, 3, 4].map((number) => RawPeer.associate(port, { calling: `PEER${number}` })),
  );
  await Promise.all(
    peers.map(async (peer, index) => {
      const requests = Array.from({ length: 20 }, (_, count) =>
        storeRequest(100 * index + count + 1, randomBytes(30_000), randomBytes(30_001)),
      );
      await peer.send(...requests);
      for (let count = 0; count < 20; count += 1) {
        t.is(await peer.nextWords(), `8001H of ${100 * index + count + 1}: 0000H`);
      }
      await peer.close();
    }),
  );
  t.is(await accepted(), 80);
});

test('of an instance that breaks off nothing is left, and the next is taken', async (t) => {
  const { port, accepted } = await start(t);
  for (const pieces of [1, 40]) {
    const peer = await RawPeer.associate(port);
    const fragments = Array.from({ length: pieces }, () => randomBytes(100_000));
    await peer.send(storeRequest(1, ...fragments).subarray(0, -50_000));
    await peer.close();
  }
  const user = await associate(port);
  t.deepEqual(await user.echo(), { status: 0 });
  t.deepEqual(await send(user, newInstance()), { status: 0 });
  await user.release();

  t.is(await accepted(), 1);
});

test('under the watermark an instance is refused with A700, whole, and the association goes on', async (t) => {
  const full = await openTemporarySpool({ settings: { watermark_free_bytes: 2 ** 50 } });
  const { port, telemetry, accepted } = await start(t, { spool: full.spool });
  const user = await associate(port);
  const instance = newInstance({ pixelBytes: 500_000 });
  t.deepEqual(await send(user, instance), { status: 0xa700, errorComment: 'Out of resources' });
  t.deepEqual(await user.echo(), { status: 0 });
  await user.release();
  t.is(await accepted(), 0);
  t.is(await value(telemetry, 'storeRequestsTotal', { source: 'unknown', status: 'A700' }), 1);
  await full[Symbol.asyncDispose]();
});

/** A spool whose receptions fail, or are told, where a test wants it. */
function failing(
  spool: Spool,
  where: { receive?: unknown; write?: unknown; commit?: unknown; onReceive?: () => void },
): Spool {
  return new Proxy(spool, {
    get(target, name) {
      if (name !== 'receive') {
        const member = Reflect.get(target, name);
        return typeof member === 'function' ? member.bind(target) : member;
      }
      return (...args: Parameters<Spool['receive']>) => {
        where.onReceive?.();
        if (where.receive !== undefined) throw where.receive;
        const reception = target.receive(...args);
        return {
          write(bytes: Uint8Array) {
            if (where.write !== undefined) throw where.write;
            return reception.write(bytes);
          },
          onWritable: (resume: () => void) => reception.onWritable(resume),
          async commit() {
            if (where.commit === undefined) return reception.commit();
            reception.discard('test');
            throw where.commit;
          },
          discard: (reason: string) => reception.discard(reason),
        };
      };
    },
  });
}

const DISK_FULL = new SpoolError('WRITE_FAILED', 'Cannot write DOE^JOHN: ENOSPC');

for (const [what, where, status] of [
  [
    'refuses',
    { receive: new SpoolRefusingError({ freeBytes: 0, reservedBytes: 0, watermarkFreeBytes: 1 }) },
    0xa700,
  ],
  ['cannot begin', { receive: new SpoolError('SPOOL_CLOSED', 'closed') }, 0xa700],
  ['is full at the commit', { commit: DISK_FULL }, 0xa700],
  ['fails while bytes are written', { write: DISK_FULL }, 0xa700],
  ['has a bug', { commit: new TypeError('PatientName=DOE^JOHN') }, 0x0110],
  ['has a bug at the start', { receive: new TypeError('PatientName=DOE^JOHN') }, 0x0110],
] as const) {
  test(`a spool that ${what} is answered with ${status.toString(16)} and no word of the error`, async (t) => {
    const { port, accepted } = await start(t, { wrap: (real) => failing(real, where) });
    const user = await associate(port);
    const response = await send(user, newInstance({ pixelBytes: 200_000 }));
    t.is(response.status, status);
    t.false(response.errorComment?.includes('DOE'));
    t.deepEqual(await user.echo(), { status: 0 });
    await user.release();
    t.is(await accepted(), 0);
  });
}

test('a SOP Instance UID that is none, or an empty data set, is refused and not kept', async (t) => {
  const { port, accepted } = await start(t);
  const user = await associate(port);
  t.is((await send(user, { ...newInstance(), sopInstanceUid: '../../etc/passwd' })).status, 0x0117);
  t.is((await send(user, { ...newInstance(), dataSet: Buffer.alloc(0) })).status, 0xc000);
  t.deepEqual(await send(user, newInstance()), { status: 0 });
  await user.release();
  t.is(await accepted(), 1);
});

test('an instance that is another one than the command said is kept, held, counted and told', async (t) => {
  const { port, accepted, telemetry } = await start(t);
  const user = await associate(port);
  t.deepEqual(await send(user, { ...newInstance(), sopInstanceUid: '1.2.3.4.5' }), { status: 0 });
  await user.release();
  t.is(await accepted(), 1);
  const { values } = await telemetry.metrics.heldTotal.get();
  t.like(values[0], { value: 1, labels: { stage: 'rules', code: 'UID_MISMATCH' } });
});

test('a SOP Instance UID with leading zeros, as old devices send it, is taken as it is', async (t) => {
  const { port, accepted } = await start(t);
  const user = await associate(port);
  t.deepEqual(await send(user, { ...newInstance(), sopInstanceUid: '1.2.840.007.0042' }), { status: 0 });
  await user.release();
  t.is(await accepted(), 1);
});

// Fault case 1.
test('callers are rejected by title and address, with the reason of the standard, and counted', async (t) => {
  const sources = {
    ct1: { ae_title: 'CT1', hosts: ['127.0.0.1'] },
    far: { ae_title: 'FAR', hosts: ['10.0.0.0/8'] },
  };
  const { port, telemetry } = await start(t, { settings: { sources, allow_any_caller: false } });
  const rejection = async (titles: Parameters<typeof associate>[1]) => {
    const error = await t.throwsAsync(associate(port, titles));
    const { result, source, reason } = (error as unknown as { rejection: Record<string, number> }).rejection;
    return `${result}/${source}/${reason}`;
  };
  t.is(await rejection({ called: 'OTHER' }), '1/1/7');
  t.is(await rejection({ calling: 'STRANGER' }), '1/1/3');
  t.is(await rejection({ calling: 'FAR' }), '1/1/3');
  const user = await associate(port);
  await user.release();
  const rejected = { direction: 'in', peer: 'unknown', result: 'rejected' };
  t.is(await value(telemetry, 'associationsTotal', { ...rejected, reason: 'calling-ae-title' }), 2);
  t.is(await value(telemetry, 'associationsTotal', { ...rejected, reason: 'called-ae-title' }), 1);
});

test('the limit of associations is answered as transient, and the gauge follows', async (t) => {
  const { port, telemetry } = await start(t, { input: { associations_max: 1 } });
  const user = await associate(port);
  t.is(await value(telemetry, 'associationsActive', { direction: 'in' }), 1);
  const error = await t.throwsAsync(associate(port));
  t.is((error as unknown as { disposition: string }).disposition, 'retry');
  await user.release();
  const again = await associate(port);
  await again.release();
  t.is(await value(telemetry, 'associationsActive', { direction: 'in' }), 0);
  t.is(await value(telemetry, 'associationsTotal', { direction: 'in', result: 'released' }), 2);
});

test('services that are not provided are refused context by context', async (t) => {
  const { port } = await start(t);
  const user = await openAssociation(
    {
      host: '127.0.0.1',
      port,
      calledAeTitle: 'SLIDEGATE',
      callingAeTitle: 'CT1',
      connectTimeoutMs: 5000,
      associationTimeoutMs: 5000,
      responseTimeoutMs: 5000,
      maxPduLengthBytes: 131_072,
    },
    [
      '1.2.840.10008.5.1.4.1.2.1.1',
      '1.2.840.10008.3.1.2.3.3',
      '1.2.826.0.1.3680043.9.1',
      CT_IMAGE_STORAGE,
    ].map((abstractSyntaxUid) => ({ abstractSyntaxUid, transferSyntaxUids: [EXPLICIT_LE] })),
  );
  t.deepEqual(user.acceptedTransferSyntaxes('1.2.840.10008.5.1.4.1.2.1.1'), []);
  t.deepEqual(user.acceptedTransferSyntaxes('1.2.840.10008.3.1.2.3.3'), []);
  t.deepEqual(user.acceptedTransferSyntaxes('1.2.826.0.1.3680043.9.1'), []);
  t.deepEqual(user.acceptedTransferSyntaxes(CT_IMAGE_STORAGE), [EXPLICIT_LE]);
  await user.release();
});

test('stop lets the instance in hand become durable, and the port go', async (t) => {
  const begun = Promise.withResolvers<void>();
  const { intake, port, accepted } = await start(t, {
    wrap: (real) => failing(real, { onReceive: () => begun.resolve() }),
  });
  const peer = await RawPeer.associate(port);
  const bytes = storeRequest(1, randomBytes(100_000), randomBytes(100_000));
  await peer.send(bytes.subarray(0, 150_000));
  await begun.promise;

  const stopped = intake.stop(10_000);
  await peer.send(bytes.subarray(150_000));

  t.deepEqual(await peer.restWords(), ['8001H of 1: 0000H', 'A-ABORT 0/0', 'closed']);
  await stopped;
  await peer.close();
  t.is(await accepted(), 1);
  t.deepEqual(intake.inputs(), []);
  await t.throwsAsync(RawPeer.connect(port));
});

test('an input whose port is taken keeps the intake from starting, and no other input runs on', async (t) => {
  const { port } = await start(t);
  const settings = IntakeSettings.parse({
    inputs: { first: { kind: 'dimse-scp', port: 0 }, second: { kind: 'dimse-scp', port } },
  });
  const telemetry = createTelemetry({ level: 'silent' });
  const error = await t.throwsAsync(startIntake(settings, { spool: temporary.spool, telemetry }), {
    code: 'INPUT_UNAVAILABLE',
  });
  t.regex(error?.message ?? '', /"second".*EADDRINUSE/);
});
