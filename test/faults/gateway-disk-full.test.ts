/**
 * A disk that fails or fills at any point of the reception of an instance, under a whole gateway. Fault case 5.
 *
 * Twice: every call that could fail is made to fail, one after the other, until an instance needs no more calls than
 * worked; and a real disk of a few megabytes is filled to every block of what an instance takes. Each time the sender
 * is told A700, nothing is kept, and the next instance is taken as soon as the disk works, without a restart.
 */
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import ava, { type ExecutionContext } from 'ava';
import { eventually } from '../support/eventually.ts';
import { FailingCalls } from '../support/failing-calls.ts';
import { spoolReaches, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type AcceptorPeer, RequestorPeer, startAcceptorPeer } from '../support/peer.ts';
import { MAY_MOUNT, MIB, mountSmallDisk } from '../support/small-disk.ts';
import { type SmallInstance, smallInstance } from '../support/small-instance.ts';
import { auditFiles, auditLedger } from '../support/spool-audit.ts';

const test = ava.serial;
const mountTest = MAY_MOUNT ? test : test.skip;
const TAKEN = /: 0000H$/;
const REFUSED = /: A700H$/;
/** Gathered in memory, and in a file of its own. */
const SIZES = { small: 30_000, large: 1_200_000 } as const;

for (const [size, pixelBytes] of Object.entries(SIZES)) {
  for (const forGood of [false, true]) {
    const howLong = forGood ? 'and all after it' : 'once';
    test(`whichever call fails, ${howLong}, a ${size} instance is refused with A700 and leaves nothing`, async (t) => {
      const calls = new FailingCalls();
      await using run = await Run.start({
        stepModule: new URL('../support/failing-calls.ts', import.meta.url),
      });
      await run.takes(t, newInstance(pixelBytes));

      let n = 1;
      // What failed may have been a call of the spool's own, beside the reception: then this one is tried again.
      for (let taken = 0; taken < 3; ) {
        t.true(n < 100, 'there is an end to the calls');
        const instance = newInstance(pixelBytes);
        calls.breakAt(n, { forGood });
        const answer = await run.send(instance);
        const { failed } = calls;
        calls.mend();
        await run.comesToRest();
        if (TAKEN.test(answer)) {
          taken += 1;
          continue;
        }
        t.true(failed > 0);
        t.regex(answer, REFUSED, `call ${n}`);
        await run.hasKeptNothing(t);
        await run.takes(t, instance);
        taken = 0;
        n += 1;
      }

      t.log(`${n - 1} calls`);
      t.true(n > 4, 'a write, a sync, a row and a commit at least can fail');
      await run.isInOrder(t);
    });
  }

  mountTest(
    `whichever block is the last, a ${size} instance is refused with A700 and leaves nothing`,
    async (t) => {
      using disk = mountSmallDisk(128 * MIB);
      await using run = await Run.start({ folder: join(disk.folder, 'gateway') });
      await run.takes(t, newInstance(pixelBytes));
      const blocks = Math.ceil(pixelBytes / disk.blockBytes);
      const stride = Math.ceil(blocks / 40);
      let refused = 0;
      let taken = 0;
      for (let left = 0; left < 2 * blocks + 40 && taken < 3; left += stride) {
        const instance = newInstance(pixelBytes);
        disk.leave(left);
        const answer = await run.send(instance);
        disk.free();
        await run.comesToRest();
        if (TAKEN.test(answer)) taken += 1;
        else {
          refused += 1;
          t.regex(answer, REFUSED, `${left} blocks`);
          await run.hasKeptNothing(t);
          await run.takes(t, instance);
        }
      }
      t.log(`refused ${refused} times`);
      t.true(refused > 5);
      t.is(taken, 3, 'with enough blocks it is taken');
      await run.isInOrder(t);
    },
  );
}

// Fault case 6.
mountTest(
  'under the watermark instances are refused before a byte of them is kept, and taken above it',
  async (t) => {
    using disk = mountSmallDisk(48 * MIB);
    await using run = await Run.start({
      folder: join(disk.folder, 'gateway'),
      spool: { watermark_free_bytes: 16 * MIB, reception_reserve_bytes: 2 * MIB },
    });
    await run.takes(t, newInstance(SIZES.small));

    for (let again = 0; again < 3; again += 1) {
      disk.take(34 * MIB);
      // Free space is looked at once a second.
      await eventually('the watermark is noticed', async () => {
        await delay(50);
        return REFUSED.test(await run.send(newInstance(100)));
      });
      await run.comesToRest();
      const before = disk.usedBytes;
      for (const pixelBytes of Object.values(SIZES))
        t.regex(await run.send(newInstance(pixelBytes)), REFUSED);
      t.true(disk.usedBytes - before < SIZES.small, 'nothing of them was written');
      t.true((await run.gateway.spool.status()).refusing);
      disk.free();
      await eventually('the space is noticed', async () => TAKEN.test(await run.send(newInstance(100))));
      for (const pixelBytes of Object.values(SIZES)) await run.takes(t, newInstance(pixelBytes));
    }
    await run.isInOrder(t);
  },
);

let instances = 0;

function newInstance(pixelBytes: number): SmallInstance {
  instances += 1;
  return smallInstance({ sopInstanceUid: `1.2.3.5.${instances}`, pixelBytes });
}

/** A gateway, one sender that keeps its association, and the destination of everything. */
class Run implements AsyncDisposable {
  readonly gateway: TestGateway;
  readonly #pacs: AcceptorPeer;
  readonly #sender: RequestorPeer;
  readonly #taken: SmallInstance[] = [];

  private constructor(gateway: TestGateway, pacs: AcceptorPeer, sender: RequestorPeer) {
    this.gateway = gateway;
    this.#pacs = pacs;
    this.#sender = sender;
  }

  static async start(options: { stepModule?: URL; folder?: string; spool?: object }): Promise<Run> {
    const pacs = await startAcceptorPeer();
    const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'slidegate-full-')));
    await mkdir(folder, { recursive: true });
    const gateway = await startTestGateway({
      rules: 'rules: []\notherwise: { to: [pacs] }\n',
      folder,
      settings: {
        spool: {
          directory: join(folder, 'spool'),
          watermark_free_bytes: 0,
          reception_reserve_bytes: 0,
          ...options.spool,
        },
        destinations: {
          outbox: null,
          pacs: { kind: 'dimse-scu', host: '127.0.0.1', port: pacs.port, called_ae_title: 'PACS' },
        },
      },
      ...(options.stepModule && { stepModule: options.stepModule }),
    });
    const sender = await RequestorPeer.associate(gateway.port, [newInstance(0)]);
    return new Run(gateway, pacs, sender);
  }

  async send(instance: SmallInstance): Promise<string> {
    const answer = await this.#sender.store(instance);
    if (TAKEN.test(answer)) this.#taken.push(instance);
    return answer;
  }

  async takes(t: ExecutionContext, instance: SmallInstance): Promise<void> {
    t.regex(await this.send(instance), TAKEN);
    await this.comesToRest();
  }

  /** Everything is delivered: nothing writes, so that the next failure is one of a reception. */
  async comesToRest(): Promise<void> {
    await spoolReaches(this.gateway.spool, ({ states }) => states.pending === 0);
  }

  /** After a refusal: what was taken before is there, and no more. */
  async hasKeptNothing(t: ExecutionContext): Promise<void> {
    t.is((await this.gateway.spool.status()).accepted, this.#taken.length);
    // What is left of files is removed after the answer.
    await eventually('nothing is left over', () => auditFiles(this.#directory).length === 0).catch(() => {});
    t.deepEqual([...auditLedger(this.#directory), ...auditFiles(this.#directory)], []);
  }

  /** Everything that was taken is delivered, byte for byte. */
  async isInOrder(t: ExecutionContext): Promise<void> {
    await this.comesToRest();
    await eventually('the disk is found to work', async () => (await this.gateway.spool.status()).healthy);
    const { accepted, states, healthy } = await this.gateway.spool.status();
    t.deepEqual(
      { accepted, healthy, ...states },
      { accepted, healthy: true, pending: 0, held: 0, discarded: 0, delivered: this.#taken.length },
    );
    const arrived = new Map(this.#pacs.stores.map((one) => [one.sopInstanceUid, one.dataSet]));
    for (const { sopInstanceUid, dataSet } of this.#taken)
      t.true(arrived.get(sopInstanceUid)?.equals(dataSet));
    await this.hasKeptNothing(t);
  }

  get #directory(): string {
    return join(this.gateway.folder, 'spool');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sender.raw.close();
    await this.gateway[Symbol.asyncDispose]();
    this.#pacs.stop();
  }
}
