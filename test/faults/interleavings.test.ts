/**
 * Anything, in any order: instances come, senders break off, the process is killed, at any moment or at a step of
 * custody, is stopped and started, gets other destinations and rules, an operator holds, discards and retries, and
 * destinations misbehave. After each of these, accepted = delivered + pending + held + discarded, counted from the rows
 * of the database; what was acknowledged is there; what is called delivered has arrived. In the end everything arrives,
 * byte for byte.
 *
 * A real gateway in a process of its own, real sockets, real files; the commands are chosen by fast-check. 10 runs;
 * FULL=1 makes it 150. SEED=n repeats them.
 */
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import fc from 'fast-check';
import { STEP_NAMES } from '../../src/spool/steps.ts';
import {
  MOODS,
  type Mood,
  type Oddity,
  PACS_NAMES,
  type PacsName,
  PLANS,
  type PlanName,
  TreatedGateway,
} from '../support/treated-gateway.ts';

const RUNS = process.env.FULL === '1' ? 150 : 10;
const SEED = Number(process.env.SEED ?? 20_260_136);
const PATH = process.env.FC_PATH;

/** Nothing is converted here, and retention does not run in a test of minutes. */
const STEPS = STEP_NAMES.filter((name) => !/^(product|purge|file)/.test(name));

/** Nothing is foreseen: what must hold is read from the disk. */
type Model = Record<string, never>;

class Command implements fc.AsyncCommand<Model, TreatedGateway> {
  readonly #what: string;
  readonly #act: (gateway: TreatedGateway) => Promise<unknown>;

  constructor(what: string, act: (gateway: TreatedGateway) => Promise<unknown>) {
    this.#what = what;
    this.#act = act;
  }

  check(): boolean {
    return true;
  }

  async run(_model: Model, gateway: TreatedGateway): Promise<void> {
    await gateway.beginAgainIfDead();
    await this.#act(gateway);
    await gateway.beginAgainIfDead();
    const faults = gateway.faults();
    if (faults.length > 0) throw new Error(`After "${this.#what}":\n${faults.join('\n')}`);
  }

  toString(): string {
    return this.#what;
  }
}

const oddity = fc.constantFrom<Oddity[]>(
  'plain',
  'plain',
  'plain',
  'large',
  'again',
  'other content',
  'damaged',
);
const sends = fc
  .array(oddity, { minLength: 1, maxLength: 5 })
  .map((what) => new Command(`send ${what.join(', ')}`, (gateway) => sendAll(gateway, what)));
const breaksOff = fc.constant(new Command('break off', (gateway) => gateway.sendHalf()));
const crashes = fc.constant(new Command('crash', (gateway) => gateway.crash()));
const crashesAtStep = fc
  .tuple(
    fc.constantFrom(...STEPS),
    fc.integer({ min: 1, max: 4 }),
    fc.array(oddity, { minLength: 1, maxLength: 4 }),
  )
  .map(
    ([step, count, what]) =>
      new Command(`crash at ${step}:${count} while sending ${what.join(', ')}`, async (gateway) => {
        await gateway.stop();
        await gateway.begin(`${step}:${count}`);
        await sendAll(gateway, what);
      }),
  );
const restarts = fc.constant(new Command('stop and start', (gateway) => gateway.stop()));
const moods = fc
  .tuple(fc.constantFrom<PacsName[]>(...PACS_NAMES), fc.constantFrom<Mood[]>('takes', ...MOODS))
  .map(([name, mood]) => new Command(`${name} ${mood}`, async (gateway) => gateway.setMood(name, mood)));
const reloads = fc.constantFrom<PlanName[]>(...(Object.keys(PLANS) as PlanName[])).map(
  (plan) =>
    new Command(`reload: ${plan}`, async (gateway) => {
      const error = await gateway.reload(plan);
      if (error !== undefined) throw new Error(`Cannot reload: ${error}`);
    }),
);
const retries = fc.constant(new Command('retry all', (gateway) => gateway.operate('retry', {})));
const holds = fc
  .constantFrom({}, { destination: 'a' }, { kind: 'rules' as const })
  .map((selection) => new Command(`hold ${JSON.stringify(selection)}`, (g) => g.operate('hold', selection)));
const discards = fc
  .integer({ min: 1, max: 12 })
  .map((entryId) => new Command(`discard ${entryId}`, (g) => g.operate('discard', { entryIds: [entryId] })));
const waits = fc.integer({ min: 10, max: 300 }).map((ms) => new Command(`wait ${ms} ms`, () => delay(ms)));

async function sendAll(gateway: TreatedGateway, what: readonly Oddity[]): Promise<void> {
  for (const one of what) await gateway.send(one);
}

// Fault case 36. Fault case 33. Fault case 31.
test(`accepted is delivered + pending + held + discarded over ${RUNS} random lives of a gateway`, async (t) => {
  t.timeout(60 * 60_000);
  t.log(`SEED=${SEED}`);
  let acknowledged = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.commands(
        [
          sends,
          sends,
          sends,
          breaksOff,
          crashes,
          crashesAtStep,
          crashesAtStep,
          restarts,
          moods,
          moods,
          reloads,
          retries,
          holds,
          discards,
          waits,
        ],
        { maxCommands: 30, size: 'max' },
      ),
      async (commands) => {
        await using gateway = await TreatedGateway.start();
        await fc.asyncModelRun(() => ({ model: {}, real: gateway }), commands);

        const { accepted, states } = await gateway.comeToRest();

        const { pending, held, discarded, delivered } = states;
        t.is(accepted, pending + held + discarded + delivered);
        t.deepEqual(gateway.unsettled(['delivered', 'discarded']), []);
        t.deepEqual([...gateway.faults(), ...gateway.auditFiles()], []);
        acknowledged += gateway.acknowledged;
      },
    ),
    {
      numRuns: RUNS,
      seed: SEED,
      ...(PATH !== undefined && { path: PATH }),
      endOnFailure: true,
      includeErrorInReport: true,
      interruptAfterTimeLimit: 55 * 60_000,
    },
  );
  t.log(`${acknowledged} instances were acknowledged`);
  t.true(acknowledged > RUNS);
});
