import test from 'ava';
import { spoolReaches, startTestGateway } from '../support/gateway.ts';
import { dataSetOf } from '../support/part10.ts';
import { BUCKET, startS3Server } from '../support/s3-server.ts';
import { secondaryCapture } from '../support/secondary-capture.ts';
import { sendInstances } from '../support/sender.ts';
import { failedReport, jsonReport, startStowServer, storedReport } from '../support/stow-server.ts';

const RETRY = {
  first_delay: '50ms',
  longest_delay: '200ms',
  resources_first_delay: '50ms',
  resources_longest_delay: '200ms',
};
const captures = Array.from({ length: 8 }, (_, index) =>
  // The last one needs several parts.
  secondaryCapture({ label: `kinds-${index}`, rows: index === 7 ? 2500 : 40, columns: 800 }),
);

// Fault case 27.
test('a bucket that is busy, locked and skewed in turn, and breaks off uploads, has everything in the end', async (t) => {
  const server = await startS3Server();
  t.teardown(() => server.stop());
  const troubles = [
    { status: 503, code: 'SlowDown' },
    { status: 403, code: 'AccessDenied' },
    { status: 403, code: 'RequestTimeTooSkewed' },
    'hang up',
    { status: 404, code: 'NoSuchBucket' },
  ] as const;
  let count = 0;
  server.fault = (operation) => {
    if (!/^(PUT|POST)/.test(operation) || count >= 30) return undefined;
    count += 1;
    return troubles[count % troubles.length];
  };
  const archive = { ...server.settings, part_size_bytes: 5 * 1024 * 1024, retry: RETRY };
  await using gateway = await startTestGateway({
    rules: 'rules: []\notherwise: { to: [archive] }\n',
    settings: { destinations: { outbox: null, archive } },
  });

  await sendInstances(gateway.port, captures);

  const { states } = await spoolReaches(
    gateway.spool,
    (now) => now.states.delivered === captures.length,
    60_000,
  );
  t.is(states.held, 0);
  const objects = [...(await server.objects()).values()].map((file) => dataSetOf(file));
  t.is(objects.length, captures.length);
  for (const { dataSet } of captures) t.true(objects.some((object) => object.equals(dataSet)));
  t.true(server.requests.some((one) => one.startsWith(`PUT /${BUCKET}`) && one.includes('partNumber=2')));
});

// Fault case 27.
test('of a DICOMweb server only its word on the instance itself counts', async (t) => {
  const server = await startStowServer();
  t.teardown(() => server.stop());
  const answers = new Map([
    [captures[0]!.sopInstanceUid, 'conflict'],
    [captures[1]!.sopInstanceUid, 'failed in 200'],
    [captures[2]!.sopInstanceUid, 'warning in 202'],
  ]);
  const tries = new Map<string, number>();
  server.answer = ({ sopInstanceUid }) => {
    const nth = (tries.get(sopInstanceUid) ?? 0) + 1;
    tries.set(sopInstanceUid, nth);
    switch (answers.get(sopInstanceUid)) {
      case 'conflict':
        return failedReport(409, sopInstanceUid, 0xa900);
      case 'failed in 200':
        return nth === 1 ? failedReport(200, sopInstanceUid, 0xa700) : storedReport(sopInstanceUid);
      case 'warning in 202':
        return { ...storedReport(sopInstanceUid, 0xb000), status: 202 };
      default:
        // Accepted for later, which is no custody.
        return nth === 1 ? jsonReport(202, {}) : storedReport(sopInstanceUid);
    }
  };
  const cloud = { kind: 'stow-rs', url: server.url, retry: RETRY };
  await using gateway = await startTestGateway({
    rules: 'rules: []\notherwise: { to: [cloud] }\n',
    settings: { destinations: { outbox: null, cloud } },
  });

  await sendInstances(gateway.port, captures);

  const { states } = await spoolReaches(gateway.spool, (now) => now.states.pending === 0, 60_000);
  t.deepEqual({ ...states }, { pending: 0, discarded: 0, held: 1, delivered: captures.length - 1 });
  t.is(tries.get(captures[0]!.sopInstanceUid), 1);
  t.is(tries.get(captures[1]!.sopInstanceUid), 2);
  t.is(tries.get(captures[2]!.sopInstanceUid), 1);
  t.is(tries.get(captures[3]!.sopInstanceUid), 2);
});
