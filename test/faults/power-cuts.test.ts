/**
 * Cuts the power of a gateway that receives and delivers, at every moment, and looks at what is left.
 * Fault case 8.
 *
 * A whole gateway runs once under strace(1), with real sockets and files, on a disk that works. Its system calls are
 * then replayed on the model of crashing-disk.ts, which says what may be left on a disk after a cut: all that was not
 * synced may be gone, there, there in part, or zeros, and so may names. The spool is opened on what is left. Not a
 * byte that the gateway has written is made up: also what SQLite writes and syncs is what it wrote and synced.
 *
 * Acknowledged is what was answered 0000 on the socket, from the moment on when the answer begins to leave.
 *
 * Some 160 cuts; FULL=1 makes it as many as there are system calls on the files. SEED=n repeats a run.
 */

import type { ChildProcess } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { SpoolStatus } from '../../src/spool/spool.ts';
import { CrashingDisk, type Fate } from '../support/crashing-disk.ts';
import { spoolReaches, startTestGateway } from '../support/gateway.ts';
import { dataSetOf, dataSetsBelow } from '../support/part10.ts';
import { type PeerInstance, RequestorPeer } from '../support/peer.ts';
import { readCommandSet, readPdvs } from '../support/raw-pdu.ts';
import { secondaryCapture } from '../support/secondary-capture.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { smallInstance } from '../support/small-instance.ts';
import { auditFiles, auditLedger } from '../support/spool-audit.ts';
import { bytesOf, readTrace, type SystemCall, spawnTraced } from '../support/syscall-trace.ts';
import { openTemporarySpool } from '../support/temporary-spool.ts';

const IS_FULL = process.env.FULL === '1';
const CUTS = 120;
const SEED = Number(process.env.SEED ?? 20_260_108);
const FATES: readonly Fate[] = ['lost', 'random', 'zeroed', 'random', 'kept', 'random'];
/** After so many cuts a gateway is started on what is left, and everything must go its way. */
const DRAINS = 5;
const VL_MICROSCOPIC = '1.2.840.10008.5.1.4.1.1.77.1.2';
const RULES = `rules:
  - name: microscopy becomes a pyramid (lossy JPEG)
    when: { attribute: Modality, is: GM }
    do: [ { convert: { to: wsi, tile: 256 } } ]
    to: [outbox]
otherwise: { to: [outbox] }
`;
/** 600 × 500 in tiles of 256: three levels and a thumbnail. */
const PRODUCTS = 4;
const SMALL = 24;
const LARGE = 3;

test('what was acknowledged is there after a power cut at any moment, and what was delivered is delivered', async (t) => {
  t.timeout(60 * 60_000);
  t.log(`SEED=${SEED}`);
  const folder = await mkdtemp(join(tmpdir(), 'slidegate-power-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const instances = new Map(makeInstances().map((one) => [one.sopInstanceUid, one]));
  const calls = await record(folder, [...instances.values()]);
  const acknowledged = acknowledgements(calls);
  t.is(acknowledged.length, instances.size, 'every answer is in the trace');

  const random = seededRandom(SEED);
  const cuts = chooseCuts(calls, acknowledged, random);
  t.log(`${calls.length} system calls, ${cuts.length} cuts`);
  const disk = new CrashingDisk(join(folder, 'root'));
  const left = join(folder, 'left');
  let delivered = 0;
  let next = 0;
  for (const { line, event } of eventsOf(calls)) {
    for (; next < cuts.length && cuts[next]!.line <= line; next += 1) {
      const { fate } = cuts[next]!;
      disk.materialise(left, fate, random);
      const uids = acknowledged.filter((one) => one.line < line).map(({ sopInstanceUid }) => sopInstanceUid);
      const expected = new Map(uids.map((uid) => [uid, instances.get(uid)!]));
      const { faults, deliveries } = await lookAt(left, expected);
      delivered = Math.max(delivered, deliveries);
      t.deepEqual(faults, [], `power cut in line ${line}, ${fate}, seed ${SEED}`);
      if (expected.size > 0 && next % Math.floor(cuts.length / DRAINS) === 0)
        await assertDrains(t, left, expected);
      await rm(left, { recursive: true, force: true });
    }
    if (event.type === 'enter') disk.enter(event.call);
    else disk.leave(event.call);
  }
  t.is(next, cuts.length);
  t.is(delivered, SMALL + LARGE + PRODUCTS, 'the last cuts saw everything delivered');
});

function makeInstances(): Sent[] {
  const instances = Array.from({ length: SMALL + LARGE }, (_, index) => {
    const isLarge = index % Math.floor((SMALL + LARGE) / LARGE) === 4;
    return smallInstance({
      sopInstanceUid: `1.2.3.8.${index + 1}`,
      studyInstanceUid: `1.2.3.8.${index % 4}`,
      pixelBytes: isLarge ? 1_100_000 + index * 1000 : 2000 + index * 700,
    });
  });
  const image = { rows: 500, columns: 600, sopClassUid: VL_MICROSCOPIC, modality: 'GM' };
  return [secondaryCapture({ label: 'power', ...image, pixelSpacing: ['0.001', '0.001'] }), ...instances];
}

/** Runs a gateway under strace, on a root folder of its own, until it has delivered everything. */
async function record(folder: string, instances: readonly Sent[]): Promise<SystemCall[]> {
  const root = join(folder, 'root');
  await mkdir(root);
  const traceFile = join(folder, 'trace');
  const gateway = spawnTraced(fileURLToPath(new URL('../support/gateway-process.ts', import.meta.url)), {
    traceFile,
    env: { NODE_CONFIG: JSON.stringify(await settingsIn(folder, root)) },
  });
  const gone = once(gateway, 'exit');
  const [{ port }] = (await once(gateway, 'message')) as [{ port: number }];
  // Two senders at once, so that instances share commits.
  await Promise.all(
    [0, 1].map(async (half) => {
      const mine = instances.filter((_, index) => index % 2 === half);
      const sender = await RequestorPeer.associate(port, mine, { calling: `SENDER${half}` });
      for (const instance of mine) await sender.store(instance);
      await sender.release();
    }),
  );
  await drained(gateway);
  gateway.send({ type: 'stop' });
  await gone;
  return readTrace(traceFile);
}

async function settingsIn(folder: string, root: string): Promise<object> {
  const rules = join(folder, 'rules.yaml');
  await writeFile(rules, RULES);
  return {
    spool: { directory: join(root, 'spool'), watermark_free_bytes: 1_000_000 },
    inputs: { dimse: { kind: 'dimse-scp', host: '127.0.0.1', port: 0, ae_titles: ['SLIDEGATE'] } },
    destinations: { outbox: { kind: 'folder', path: join(root, 'outbox') } },
    rules: { path: rules },
    console: { port: 0 },
    log: { level: 'silent' },
  };
}

async function drained(gateway: ChildProcess): Promise<void> {
  for (;;) {
    gateway.send({ type: 'status' });
    const [{ status }] = (await once(gateway, 'message')) as [{ status: SpoolStatus }];
    if (status.states.pending + status.producedStates.pending === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The C-STORE responses of 0000 that were written to a socket, with the line in which the first byte could leave. */
function acknowledgements(calls: readonly SystemCall[]): { line: number; sopInstanceUid: string }[] {
  const found: { line: number; sopInstanceUid: string }[] = [];
  for (const call of calls) {
    // P-DATA-TF, type 04 and a zero: nothing that is written to a file of ours begins so.
    if (!/^writev?$/.test(call.name) || !/"\\x04\\x00\\x00/.test(call.args.slice(0, 60))) continue;
    const bytes = Buffer.concat(bytesOf(call));
    for (let at = 0; at + 6 <= bytes.length; ) {
      const end = at + 6 + bytes.readUInt32BE(at + 2);
      for (const part of bytes[at] === 4 ? readPdvs(bytes.subarray(at + 6, end)) : []) {
        const elements = part.isCommand ? readCommandSet(part.bytes) : new Map<number, Buffer>();
        const isStored = elements.get(0x0100)?.readUInt16LE(0) === 0x8001;
        if (isStored && elements.get(0x0900)?.readUInt16LE(0) === 0) {
          const uid = elements.get(0x1000)?.toString('latin1').replace(/\0$/, '') ?? '';
          found.push({ line: call.entered, sopInstanceUid: uid });
        }
      }
      at = end;
    }
  }
  return found;
}

type Sent = PeerInstance;

interface Cut {
  readonly line: number;
  readonly fate: Fate;
}

/** Right after every acknowledgement with everything lost, and at moments spread over the whole run. */
function chooseCuts(
  calls: readonly SystemCall[],
  acknowledged: readonly { line: number }[],
  random: () => number,
): Cut[] {
  const ours = calls.filter(({ name }) => !/^(close|clone|dup|open)/.test(name));
  const lines = IS_FULL
    ? ours.map(({ left }) => left)
    : Array.from({ length: CUTS }, (_, index) => {
        const at = ((index + random()) * ours.length) / CUTS;
        return ours[Math.floor(at)]!.left;
      });
  return [
    ...acknowledged.map(({ line }): Cut => ({ line: line + 1, fate: 'lost' })),
    ...lines.map((line, index): Cut => ({ line, fate: FATES[index % FATES.length]! })),
    { line: calls.at(-1)!.left, fate: 'lost' as const },
  ].sort((a, b) => a.line - b.line);
}

function eventsOf(calls: readonly SystemCall[]) {
  return calls
    .flatMap((call) => [
      { line: call.entered, event: { type: 'enter', call } as const },
      { line: call.left, event: { type: 'leave', call } as const },
    ])
    .sort((a, b) => a.line - b.line);
}

/** Opens the spool on what is left, and compares it with what was promised. */
async function lookAt(
  left: string,
  expected: ReadonlyMap<string, Sent>,
): Promise<{ faults: string[]; deliveries: number }> {
  const directory = join(left, 'spool');
  const { spool } = await openTemporarySpool({ directory });
  await spool.close();
  const rows = entriesOf(directory);
  const faults = [...auditLedger(directory), ...auditFiles(directory)];
  const kept = new Map(rows.map((row) => [row.uid, row]));
  for (const [uid, { dataSet }] of expected) {
    const row = kept.get(uid);
    if (row === undefined) faults.push(`acknowledged and lost: ${uid}`);
    else if (!hash('sha256', dataSet, 'buffer').equals(row.sha256)) faults.push(`another data set: ${uid}`);
    else if (row.keeps >= 2) faults.push(`its bytes are gone: ${uid}`);
    else if (row.open === 0 && row.taken + row.products === 0)
      faults.push(`nothing will happen to it: ${uid}`);
  }
  const taken = rows.filter((row) => row.taken === 1);
  for (const { uid, study, series, sha256 } of taken) {
    const path = join(left, 'outbox', study, series, `${uid}.dcm`);
    if (!existsSync(path)) faults.push(`delivered and not there: ${uid}`);
    else if (!hash('sha256', dataSetOf(readFileSync(path)), 'buffer').equals(sha256))
      faults.push(`delivered and torn: ${uid}`);
  }
  return { faults, deliveries: taken.length };
}

interface EntryOnDisk {
  readonly uid: string;
  readonly study: string;
  readonly series: string;
  readonly sha256: Uint8Array;
  /** Below 2 its bytes are kept. */
  readonly keeps: number;
  /** Tasks of its own that are still to do. */
  readonly open: number;
  readonly products: number;
  /** 1 when its delivery is on record. */
  readonly taken: number;
}

function entriesOf(directory: string): EntryOnDisk[] {
  using db = new DatabaseSync(join(directory, 'ledger.sqlite'), { readOnly: true });
  return db
    .prepare(
      `SELECT e.sop_instance_uid AS uid, e.study_instance_uid AS study, e.series_instance_uid AS series, e.keeps, e.sha256,
         (SELECT count(*) FROM task WHERE entry_id = e.entry_id AND state <> 'done') AS open,
         (SELECT count(*) FROM entry WHERE parent_entry_id = e.entry_id) AS products,
         EXISTS (SELECT 1 FROM task WHERE entry_id = e.entry_id AND kind = 'delivery:outbox' AND state = 'done') AS taken
       FROM entry e`,
    )
    .all() as unknown as EntryOnDisk[];
}

/** Starts a gateway on what is left: what was acknowledged is delivered. */
async function assertDrains(
  t: ExecutionContext,
  left: string,
  expected: ReadonlyMap<string, Sent>,
): Promise<void> {
  await using gateway = await startTestGateway({ folder: left, rules: RULES });
  const { states, producedStates } = await spoolReaches(
    gateway.spool,
    (now) => now.states.pending + now.producedStates.pending === 0,
  );
  t.is(states.held + producedStates.held, 0);
  const arrived = await dataSetsBelow(gateway.outbox);
  for (const [uid, { dataSet, sopClassUid }] of expected) {
    if (sopClassUid === VL_MICROSCOPIC) t.is(producedStates.delivered, PRODUCTS);
    else t.true(arrived.get(uid)?.dataSet.equals(dataSet));
  }
}
