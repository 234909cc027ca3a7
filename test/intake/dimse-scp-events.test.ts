import test from 'ava';
import type { AssociationEnd } from '../../src/dimse/association-end.ts';
import { REJECTION } from '../../src/dimse/pdu.ts';
import type { ProviderEvent } from '../../src/dimse/provider-options.ts';
import { reportProviderEvent } from '../../src/intake/dimse-scp-events.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';

const peer = { callingAeTitle: 'CT1', calledAeTitle: 'SLIDEGATE', peerAddress: '10.0.0.7', source: 'ct1' };
const request = {
  association: peer,
  sopClassUid: '1.2.840.10008.5.1.4.1.1.2',
  sopInstanceUid: '1.2.3',
  transferSyntaxUid: '1.2.840.10008.1.2.1',
  messageId: 1,
  priority: 0,
};
const aborted = { source: 2, reason: 1 };

function ended(end: AssociationEnd): ProviderEvent {
  return { type: 'association-ended', peer, end, durationMs: 5, stores: 1 };
}

/** The metrics of the gateway, and no others, after some events; one line each, without the zeros. */
async function metricsAfter(...events: ProviderEvent[]): Promise<string[]> {
  const telemetry = createTelemetry({ level: 'silent' });
  for (const event of events) reportProviderEvent(telemetry, 'dimse', event, () => 'No source fits');
  const text = await telemetry.metrics.registry.metrics();
  return text
    .split('\n')
    .filter((line) => /^slidegate_(associations|store_requests|received)/.test(line) && !line.endsWith(' 0'));
}

for (const [what, end, labels] of [
  ['released', { how: 'released' }, 'result="released",reason="released"'],
  [
    'aborted by its peer',
    { how: 'aborted-by-peer', abort: aborted },
    'result="aborted",reason="aborted-by-peer"',
  ],
  [
    'aborted for its PDUs',
    { how: 'aborted', abort: aborted, cause: 'invalid-pdu' },
    'result="aborted",reason="invalid-pdu"',
  ],
  [
    'that rested too long',
    { how: 'aborted', abort: aborted, cause: 'idle-timeout' },
    'result="aborted",reason="idle-timeout"',
  ],
  ['whose connection went', { how: 'closed' }, 'result="aborted",reason="closed"'],
] as const) {
  test(`an association ${what} is counted by that`, async (t) => {
    const accepted: ProviderEvent = { type: 'association-accepted', peer, presentationContexts: 3 };
    t.deepEqual(await metricsAfter(accepted, ended(end)), [
      `slidegate_associations_total{direction="in",peer="ct1",${labels}} 1`,
    ]);
    t.deepEqual(await metricsAfter(accepted), ['slidegate_associations_active{direction="in",peer="ct1"} 1']);
  });
}

for (const [rejection, reason] of [
  [REJECTION.callingAeTitleNotRecognized, 'calling-ae-title'],
  [REJECTION.calledAeTitleNotRecognized, 'called-ae-title'],
  [REJECTION.localLimitExceeded, 'local-limit'],
  [REJECTION.temporaryCongestion, 'congestion'],
  [REJECTION.malformedRequest, 'unsupported'],
  [REJECTION.protocolVersionNotSupported, 'unsupported'],
] as const) {
  const { result, source, reason: code } = rejection;
  test(`a rejection ${result}/${source}/${code} is counted as ${reason}, whoever decided it`, async (t) => {
    const lines = await metricsAfter(
      { type: 'association-rejected', peer, rejection },
      { type: 'connection-ended', peerAddress: '10.0.0.7', end: { how: 'rejected', rejection } },
    );
    t.deepEqual(lines, [
      `slidegate_associations_total{direction="in",peer="unknown",result="rejected",reason="${reason}"} 2`,
    ]);
  });
}

test('a connection that never asked for an association is not counted as one', async (t) => {
  const end = { how: 'closed' } as const;
  t.deepEqual(await metricsAfter({ type: 'connection-ended', peerAddress: '10.0.0.7', end }), []);
});

test('C-STOREs are counted by source and status', async (t) => {
  const answered = (status: number, isSent = true): ProviderEvent => ({
    type: 'store-answered',
    request,
    answer: { status },
    dataSetBytes: 10,
    durationMs: 1,
    isSent,
  });
  t.deepEqual(await metricsAfter(answered(0), answered(0, false), answered(0xa700)), [
    'slidegate_store_requests_total{source="ct1",status="0000"} 2',
    'slidegate_store_requests_total{source="ct1",status="A700"} 1',
  ]);
});

test('what breaks off, is refused or fails is told and counts nothing', async (t) => {
  const lines = await metricsAfter(
    { type: 'store-discarded', request, dataSetBytes: 10, reason: 'closed' },
    { type: 'operation-refused', peer, commandField: 0x20 },
    { type: 'handler-failed', error: new Error('bug') },
  );
  t.deepEqual(lines, []);
});
