import test from 'ava';
import { transferSyntaxes } from '../../src/dicom/transfer-syntax.ts';
import { spoolReaches, startTestGateway } from '../support/gateway.ts';
import { secondaryCapture } from '../support/secondary-capture.ts';
import { sendInstances } from '../support/sender.ts';
import { startStoragePeer } from '../support/storage-peer.ts';

const VL_MICROSCOPIC = '1.2.840.10008.5.1.4.1.1.77.1.2';

function toPacs(port: number, rules = 'rules: []\notherwise: { to: [pacs] }\n') {
  const pacs = { kind: 'dimse-scu', host: '127.0.0.1', port, called_ae_title: 'PACS' };
  return { rules, settings: { destinations: { outbox: null, pacs } } };
}

test('what is sent arrives data set for data set, and the counts agree', async (t) => {
  const peer = await startStoragePeer();
  t.teardown(() => peer.stop());
  await using gateway = await startTestGateway(toPacs(peer.port));
  const captures = Array.from({ length: 20 }, (_, index) =>
    secondaryCapture({ label: `flow-${index}`, rows: index === 0 ? 900 : 30, columns: 700 }),
  );

  const statuses = await sendInstances(gateway.port, captures);

  t.deepEqual(new Set(statuses), new Set([0]));
  const { accepted, states } = await spoolReaches(gateway.spool, (now) => now.states.pending === 0);
  t.deepEqual({ accepted, ...states }, { accepted: 20, pending: 0, held: 0, discarded: 0, delivered: 20 });
  for (const { sopInstanceUid, dataSet } of captures) {
    const arrived = peer.kept.find((one) => one.sopInstanceUid === sopInstanceUid);
    t.true(arrived?.dataSet.equals(dataSet));
  }
});

test('every transfer syntax is taken, and forwarded byte for byte, whatever can be decoded', async (t) => {
  const transferSyntaxUids = transferSyntaxes.map(({ uid }) => uid);
  const peer = await startStoragePeer({ transferSyntaxUids });
  t.teardown(() => peer.stop());
  await using gateway = await startTestGateway(toPacs(peer.port));
  const captures = transferSyntaxUids.map((transferSyntaxUid) =>
    secondaryCapture({ label: `syntax-${transferSyntaxUid}`, transferSyntaxUid }),
  );

  const statuses = await sendInstances(gateway.port, captures);

  t.deepEqual(new Set(statuses), new Set([0]));
  await spoolReaches(gateway.spool, (now) => now.states.pending === 0);
  t.true(captures.length >= 39);
  for (const { sopInstanceUid, transferSyntaxUid, dataSet } of captures) {
    const arrived = peer.kept.find((one) => one.sopInstanceUid === sopInstanceUid);
    t.is(arrived?.transferSyntaxUid, transferSyntaxUid);
    t.true(arrived?.dataSet.equals(dataSet), transferSyntaxUid);
  }
});

test('a destination that rejects one of ten gets nine; the one is held with its status', async (t) => {
  const captures = Array.from({ length: 10 }, (_, index) =>
    secondaryCapture({ label: `one-of-ten-${index}` }),
  );
  const poison = captures[4]!.sopInstanceUid;
  const peer = await startStoragePeer({
    answer: ({ sopInstanceUid }) =>
      sopInstanceUid === poison ? { status: 0xc123, errorComment: 'cannot understand' } : { status: 0 },
  });
  t.teardown(() => peer.stop());
  await using gateway = await startTestGateway(toPacs(peer.port));

  await sendInstances(gateway.port, captures);

  const { states } = await spoolReaches(gateway.spool, (now) => now.states.pending === 0);
  t.is(states.delivered, 9);
  t.is(states.held, 1);
  const [held] = await gateway.spool.query({ state: 'held' });
  t.is(held?.sopInstanceUid, poison);
  t.is(held?.tasks.find((task) => task.state === 'held')?.status, 0xc123);
});

test('an image without spacing is held with the reason, never guessed, and its bytes stay', async (t) => {
  await using gateway = await startTestGateway({
    rules: `rules:
  - name: microscopy becomes a pyramid (lossy JPEG)
    when: { attribute: Modality, is: GM }
    do: [ { convert: { to: wsi } } ]
    to: [outbox]
otherwise: { to: [outbox] }
`,
  });
  const capture = secondaryCapture({ label: 'no-spacing', sopClassUid: VL_MICROSCOPIC, modality: 'GM' });

  t.deepEqual(await sendInstances(gateway.port, [capture]), [0]);

  await spoolReaches(gateway.spool, (now) => now.states.held === 1);
  const [held] = await gateway.spool.query({ state: 'held' });
  t.regex(held?.tasks.find((task) => task.state === 'held')?.reason ?? '', /spacing/i);
  const stored = await gateway.spool.open(held!.entryId);
  const bytes = Buffer.alloc(stored.sizeBytes);
  await stored.read(bytes, 0);
  await stored.close();
  t.true(bytes.subarray(stored.dataSetOffset).equals(capture.dataSet));
});

test('edits change what they name and leave every other byte as it was', async (t) => {
  const peer = await startStoragePeer();
  t.teardown(() => peer.stop());
  const rules = `rules:
  - name: name the place
    when: { attribute: Modality, is: OT }
    do: [ { set: { InstitutionName: North } }, { remove: [ImageComments] } ]
    to: [pacs]
otherwise: { to: [pacs] }
`;
  await using gateway = await startTestGateway(toPacs(peer.port, rules));
  const extra = { ImageComments: 'about to go' };
  const capture = secondaryCapture({ label: 'edited', extra });

  await sendInstances(gateway.port, [capture]);

  await spoolReaches(gateway.spool, (now) => now.states.delivered === 1);
  const expected = secondaryCapture({ label: 'edited', extra: { InstitutionName: 'North' } });
  t.true(peer.kept[0]?.dataSet.equals(expected.dataSet));
});
