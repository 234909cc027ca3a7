import test from 'ava';
import { readFacts } from '../../src/notices/facts.ts';
import { breakerClosed, breakerOpened, deliveryFailed, laneOpened } from '../../src/telemetry/events.ts';
import { instanceReceived } from '../../src/telemetry/intake-events.ts';
import { deliveryGivenUp } from '../../src/telemetry/lane-events.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { certificateTaken } from '../../src/telemetry/tls-events.ts';
import { heldByTest, openSpoolOfTest } from '../support/notices.ts';

const FAILED = { entryId: 1, attempt: 1, disposition: 'hold', status: 'A900', reason: 'It said no' };

function sources(telemetry = createTelemetry({ level: 'silent' })) {
  return {
    telemetry,
    destinations: () => ['pacs', 'archive'],
    inputs: () => ({ expected: ['dimse', 'web'], working: ['dimse'] }),
  };
}

const nobody = { status: () => Promise.reject(new Error('The spool has died')) };

test('facts are what the events have counted', async (t) => {
  const of = sources();
  deliveryFailed(of.telemetry, { ...FAILED, destination: 'pacs', code: 'REFUSED' });
  deliveryFailed(of.telemetry, { ...FAILED, destination: 'archive', code: 'REFUSED' });
  deliveryGivenUp(of.telemetry, { ...FAILED, destination: 'pacs', code: 'TIMEOUT' });
  instanceReceived(of.telemetry, { source: 'ct1', entryId: 1, dataSetBytes: 1000 });
  certificateTaken(of.telemetry, { side: 'input', name: 'dimse', expiresAtMs: 1_800_000_000_000 });

  const facts = await readFacts({ ...of, spool: nobody }, () => 42);

  t.is(facts.nowMs, 42);
  t.is(facts.spool, undefined);
  t.deepEqual(facts.heldByCode, [{ stage: 'delivery', code: 'REFUSED', count: 2 }]);
  t.deepEqual(facts.gaveUp, { pacs: 1 });
  t.deepEqual(facts.inputs, { dimse: true, web: false });
  t.deepEqual(facts.certificates, [{ name: 'input dimse', endsAtMs: 1_800_000_000_000 }]);
  t.true(Math.abs((facts.lastReceivedMs.ct1 ?? 0) - Date.now()) < 10_000);
});

test('a destination is down while sending to it is suspended, unknown until it has been reached', async (t) => {
  const of = sources();
  const state = async () => (await readFacts({ ...of, spool: nobody }, Date.now)).destinations.pacs;
  laneOpened(of.telemetry, { destination: 'pacs', kind: 'dimse-scu', slots: 1 });

  t.is(await state(), 'unknown');
  breakerOpened(of.telemetry, { destination: 'pacs', code: 'TIMEOUT', failuresInRow: 3 });
  t.is(await state(), 'down');
  breakerClosed(of.telemetry, { destination: 'pacs' });
  t.is(await state(), 'up');
  of.telemetry.metrics.laneClosed.set({ destination: 'pacs' }, 1);
  t.is(await state(), 'resting');
});

test('what the spool holds is counted by kind', async (t) => {
  await using held = await openSpoolOfTest();
  await heldByTest(held, 'pacs', 'It said no');

  const facts = await readFacts({ ...sources(held.telemetry), spool: held.spool }, Date.now);

  t.deepEqual(facts.spool, { refusing: false, healthy: true, held: { 'delivery:pacs': 1 }, waiting: {} });
});
