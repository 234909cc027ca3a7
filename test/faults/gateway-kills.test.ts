/**
 * Kills a whole gateway at every step of custody while a modality keeps sending, restarts it, and looks at what
 * the PACS got: nothing acknowledged is lost or altered, nothing comes under a second UID, and what was replaced never
 * comes after what replaces it. Fault case 7.
 *
 * The PACS has to commit to what it takes; a mirror is down, and a spare one takes over for it. Steps in turn, at the
 * first time that one comes and later ones. 50 seeded kills; FULL=1 makes it 260. SEED=n repeats a run.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { openAssociation } from '../../src/dimse/service-user.ts';
import type { EntryRow, SpoolStatus } from '../../src/spool/spool.ts';
import { STEP_NAMES } from '../../src/spool/steps.ts';
import { type Received, startRecordingPacs } from '../support/recording-pacs.ts';
import { type Capture, secondaryCapture } from '../support/secondary-capture.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { auditFiles, auditLedger } from '../support/spool-audit.ts';

const IS_FULL = process.env.FULL === '1';
const KILLS = IS_FULL ? 260 : 50;
const SEED = Number(process.env.SEED ?? 20260105);
const ROUND_LIMIT_MS = 2_500;
const VL_MICROSCOPIC = '1.2.840.10008.5.1.4.1.1.77.1.2';
const WSI = '1.2.840.10008.5.1.4.1.1.77.1.6';
const RULES = `rules:
  - name: microscopy becomes a pyramid (lossy JPEG)
    when: { attribute: Modality, is: GM }
    do: [ { convert: { to: wsi, tile: 256 } } ]
    to: [pacs]
otherwise: { to: [pacs, mirror] }
`;
/** Retention does not run in a test of minutes. */
const STEPS = STEP_NAMES.filter((name) => !name.startsWith('purge-') && name !== 'file-removing');

test(`nothing acknowledged is lost over ${KILLS} kills, and no product has a second UID`, async (t) => {
  t.timeout(20 * 60_000);
  t.log(`SEED=${SEED}`);
  const random = seededRandom(SEED);
  const folder = await mkdtemp(join(tmpdir(), 'slidegate-kills-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const pacs = await startRecordingPacs();
  t.teardown(() => pacs.stop());
  const spare = await startRecordingPacs();
  t.teardown(() => spare.stop());
  const start = await gatewayStarter(folder, { pacs: pacs.port, spare: spare.port });
  const modality = new Modality();

  const killedAt = new Map<string, number>(STEPS.map((step) => [step, 0]));
  for (let kill = 0; kill < KILLS; kill += 1) {
    const step = STEPS[kill % STEPS.length]!;
    const count = kill < STEPS.length ? 1 : 1 + Math.floor(random() * 3);
    modality.make(kill);
    const gateway = start(`${step}:${count}`);
    const gone = once(gateway, 'exit');
    const port = await listening(gateway);
    let isOverdue = false;
    const timer = setTimeout(
      () => {
        isOverdue = true;
        gateway.kill('SIGKILL');
      },
      500 + random() * ROUND_LIMIT_MS,
    );
    if (port !== undefined) await modality.sendAll(port);
    await gone;
    clearTimeout(timer);
    if (!isOverdue) killedAt.set(step, killedAt.get(step)! + 1);
  }
  const killedAtStep = [...killedAt.values()].reduce((sum, count) => sum + count, 0);
  t.log(`${killedAtStep} of ${KILLS} at a step, the others at a random moment`);
  t.log([...killedAt].map(([step, count]) => `${step} ${count}`).join(', '));
  t.true(killedAtStep > KILLS / 2, 'most kills came at a step');
  if (IS_FULL) t.true(Math.min(...killedAt.values()) >= 3, 'every step has had its share');

  const gateway = start('none:1');
  const port = await listening(gateway);
  await modality.sendAll(port!);
  t.is(modality.waiting.length, 0, 'everything is acknowledged in the end');
  await settled(gateway);
  gateway.send({ type: 'held' });
  const { entries } = await answer<{ entries: EntryRow[] }>(gateway, 'held');
  t.deepEqual(
    entries.map((entry) => entry.tasks.map((task) => task.reason)),
    [],
  );
  gateway.send({ type: 'stop' });
  await once(gateway, 'exit');
  t.deepEqual([...auditLedger(join(folder, 'spool')), ...auditFiles(join(folder, 'spool'))], []);

  const plain = modality.acknowledged.filter((capture) => capture.sopClassUid !== VL_MICROSCOPIC);
  const images = modality.acknowledged.filter((capture) => capture.sopClassUid === VL_MICROSCOPIC);
  t.true(images.length > 0);
  t.true(
    new Set(plain.map(({ sopInstanceUid }) => sopInstanceUid)).size < plain.length,
    'some were replaced',
  );
  t.true(
    pacs.received.every(({ sopInstanceUid }) => pacs.asked.has(sopInstanceUid)),
    'all were committed to',
  );
  for (const { received } of [pacs, spare]) {
    const digests = Map.groupBy(received, ({ sopInstanceUid }) => sopInstanceUid);
    for (const [uid, contents] of Map.groupBy(plain, ({ sopInstanceUid }) => sopInstanceUid)) {
      const taken = (digests.get(uid) ?? []).map(({ digest }) => digest);
      t.true(taken.length > 0, `${uid} was acknowledged and never arrived`);
      const sent = contents.map(({ dataSet }) => createHash('sha256').update(dataSet).digest('hex'));
      t.deepEqual(
        [...new Set(taken)].filter((digest) => !sent.includes(digest)),
        [],
      );
      t.is(taken.at(-1), sent.at(-1), `of ${uid} the last content came last`);
    }
  }
  assertProducts(t, pacs.received, images.length);
  const known = new Set(plain.map(({ sopInstanceUid }) => sopInstanceUid));
  const strange = [...pacs.received, ...spare.received].filter(
    (one) => one.sopClassUid !== WSI && !known.has(one.sopInstanceUid),
  );
  t.deepEqual(strange, [], 'nothing came under a UID that was not sent');
});

/** Every image of the test has the same size: as many products each, always the same bytes under a UID. */
function assertProducts(
  t: { is: (actual: number, expected: number, message?: string) => unknown },
  received: readonly Received[],
  images: number,
): void {
  const products = Map.groupBy(
    received.filter((one) => one.sopClassUid === WSI),
    ({ sopInstanceUid }) => sopInstanceUid,
  );
  for (const [uid, copies] of products) {
    t.is(new Set(copies.map(({ digest }) => digest)).size, 1, `${uid} came with two contents`);
  }
  t.is(products.size % images, 0, 'every image has as many products');
  t.is(products.size, images * PRODUCTS_OF_AN_IMAGE);
}

/** 600 × 500 in tiles of 256: three levels and a thumbnail. */
const PRODUCTS_OF_AN_IMAGE = 4;

/** Sends what it has until each instance has been answered 0000; what was not is sent again next time. */
class Modality {
  readonly acknowledged: Capture[] = [];
  waiting: Capture[] = [];
  readonly #labels = new Map<string, string>();
  readonly #replaced = new Set<string>();

  make(round: number): void {
    for (let index = 0; index < 6; index += 1) this.#add(`kill-${round}-${index}`, 40);
    this.#add(`kill-${round}-large`, 700);
    // What came before is sent again with another content, once that is through.
    for (const one of this.acknowledged.slice(-3)) {
      if (one.sopClassUid === VL_MICROSCOPIC || this.#replaced.has(one.sopInstanceUid)) continue;
      this.#replaced.add(one.sopInstanceUid);
      this.#add(this.#labels.get(one.sopInstanceUid)!, 41);
    }
    if (round % 5 === 0) {
      const image = { rows: 500, columns: 600, sopClassUid: VL_MICROSCOPIC, modality: 'GM' };
      this.waiting.push(
        secondaryCapture({ label: `kill-${round}-image`, ...image, pixelSpacing: ['0.001', '0.001'] }),
      );
    }
  }

  #add(label: string, rows: number): void {
    const capture = secondaryCapture({ label, rows, columns: rows > 100 ? 700 : 40 });
    this.#labels.set(capture.sopInstanceUid, label);
    this.waiting.push(capture);
  }

  async sendAll(port: number): Promise<void> {
    const half = Math.ceil(this.waiting.length / 2);
    const parts = [this.waiting.slice(0, half), this.waiting.slice(half)];
    const left = await Promise.all(parts.map((part) => this.#send(port, part)));
    this.waiting = left.flat();
  }

  async #send(port: number, captures: readonly Capture[]): Promise<Capture[]> {
    if (captures.length === 0) return [];
    const unanswered = [...captures];
    try {
      const contexts = [...new Set(captures.map(({ sopClassUid }) => sopClassUid))].map(
        (abstractSyntaxUid) => ({
          abstractSyntaxUid,
          transferSyntaxUids: ['1.2.840.10008.1.2.1'],
        }),
      );
      const association = await openAssociation(target(port), contexts);
      for (const capture of captures) {
        const { status } = await association.store(capture, {
          lengthBytes: capture.dataSet.byteLength,
          async read(into, position) {
            const part = capture.dataSet.subarray(position, position + into.byteLength);
            into.set(part);
            return part.byteLength;
          },
        });
        if (status !== 0) continue;
        this.acknowledged.push(capture);
        unanswered.splice(unanswered.indexOf(capture), 1);
      }
      await association.release();
    } catch {
      // The gateway died: what was not answered is sent again after the restart.
    }
    return unanswered;
  }
}

function target(port: number) {
  return {
    host: '127.0.0.1',
    port,
    calledAeTitle: 'SLIDEGATE',
    callingAeTitle: 'MODALITY',
    connectTimeoutMs: 5_000,
    associationTimeoutMs: 5_000,
    responseTimeoutMs: 30_000,
    maxPduLengthBytes: 65_536,
  };
}

async function gatewayStarter(folder: string, ports: { readonly pacs: number; readonly spare: number }) {
  const rules = join(folder, 'rules.yaml');
  await writeFile(rules, RULES);
  const settings = {
    spool: {
      directory: join(folder, 'spool'),
      watermark_free_bytes: 1_000_000,
      other_content: 'replace',
    },
    inputs: {
      dimse: { kind: 'dimse-scp', host: '127.0.0.1', port: 0, ae_titles: ['SLIDEGATE', 'THT-Client'] },
    },
    destinations: {
      outbox: null,
      pacs: { ...toPort(ports.pacs), commitment: 'required', commitment_timeout: '2s' },
      mirror: { ...toPort(1), when_down: 'failover', down_after: '100ms', failover_to: 'spare' },
      spare: toPort(ports.spare),
    },
    rules: { path: rules },
    console: { port: 0 },
    log: { level: 'silent' },
  };
  const entry = fileURLToPath(new URL('../support/gateway-process.ts', import.meta.url));
  return (killAt: string): ChildProcess =>
    fork(entry, {
      env: { ...process.env, NODE_CONFIG: JSON.stringify(settings), SLIDEGATE_TEST_KILL_AT: killAt },
      silent: false,
    });
}

function toPort(port: number) {
  const retry = { first_delay: '100ms', longest_delay: '500ms', breaker_longest_delay: '500ms' };
  return { kind: 'dimse-scu', host: '127.0.0.1', port, called_ae_title: 'PACS', retry };
}

/** The port, or undefined when the gateway died before it listened. */
async function listening(gateway: ChildProcess): Promise<number | undefined> {
  const exit = once(gateway, 'exit').then(() => undefined);
  const message = answer<{ port: number }>(gateway, 'listening').then(({ port }) => port);
  message.catch(() => {});
  return Promise.race([message, exit]);
}

async function answer<T>(gateway: ChildProcess, type: string): Promise<T> {
  for (;;) {
    const [message] = (await once(gateway, 'message')) as [{ type: string }];
    if (message.type === type) return message as T;
  }
}

async function settled(gateway: ChildProcess): Promise<void> {
  const until = Date.now() + 120_000;
  for (;;) {
    gateway.send({ type: 'status' });
    const { status } = await answer<{ status: SpoolStatus }>(gateway, 'status');
    if (status.states.pending + status.producedStates.pending === 0) return;
    if (Date.now() > until) throw new Error(`Not settled: ${JSON.stringify(status)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
