import test from 'ava';
import { openAssociation } from '../../src/dimse/service-user.ts';
import { spoolReaches, startTestGateway } from '../support/gateway.ts';
import { EXPLICIT_LE, SECONDARY_CAPTURE, smallInstance } from '../support/small-instance.ts';

async function store(port: number, sopInstanceUid: string): Promise<number> {
  const { dataSet } = smallInstance({ sopInstanceUid });
  const timeouts = { connectTimeoutMs: 5000, associationTimeoutMs: 5000, responseTimeoutMs: 20_000 };
  const titles = { calledAeTitle: 'SLIDEGATE', callingAeTitle: 'CT1' };
  const user = await openAssociation(
    { host: '127.0.0.1', port, ...titles, ...timeouts, maxPduLengthBytes: 16_384 },
    [{ abstractSyntaxUid: SECONDARY_CAPTURE, transferSyntaxUids: [EXPLICIT_LE] }],
  );
  const { status } = await user.store(
    { sopClassUid: SECONDARY_CAPTURE, sopInstanceUid, transferSyntaxUid: EXPLICIT_LE },
    { lengthBytes: dataSet.length, read: async (into, position) => dataSet.copy(into, 0, position) },
  );
  await user.release();
  return status;
}

test('an instance that passes through shows in the metrics that dashboard and alerts ask for', async (t) => {
  await using gateway = await startTestGateway({
    settings: { sources: { ct1: { ae_title: 'CT1' } } },
  });
  const url = `http://127.0.0.1:${gateway.console.port}`;

  t.is(await store(gateway.port, '1.2.3.4'), 0);
  await spoolReaches(gateway.spool, ({ states }) => states.delivered === 1);
  const text = await (await fetch(`${url}/metrics`)).text();
  const sample = (name: string) => Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1]);

  t.is(sample('slidegate_store_requests_total\\{source="ct1",status="0000"\\}'), 1);
  t.is(sample('slidegate_received_instances_total\\{source="ct1"\\}'), 1);
  t.true(sample('slidegate_source_last_received_timestamp_seconds\\{source="ct1"\\}') > 1e9);
  t.is(sample('slidegate_store_duration_seconds_count\\{source="ct1"\\}'), 1);
  t.true(sample('slidegate_durable_write_seconds_count\\{volume="spool"\\}') >= 1);
  t.is(sample('slidegate_deliveries_total\\{destination="outbox",outcome="delivered",status="[^"]*"\\}'), 1);
  t.is(sample('slidegate_delivery_latency_seconds_count\\{destination="outbox"\\}'), 1);
  t.is(sample('slidegate_destination_up\\{destination="outbox"\\}'), 1);
  t.is(sample('slidegate_entries\\{origin="received",state="delivered"\\}'), 1);
  t.is(sample('slidegate_unmatched_instances_total'), 1);
  t.is(
    sample('slidegate_associations_total\\{direction="in",peer="ct1",result="released",reason="[^"]*"\\}'),
    1,
  );
  // Nothing of the instance or its patient, whatever was counted.
  t.notRegex(text, /1\.2\.3\.4|DOE|P-4711/);

  t.like(await (await fetch(`${url}/health/ready`)).json(), { ready: true });
  t.like(await (await fetch(`${url}/api/status`)).json(), { accepted: 1, delivered: 1, pending: 0 });
});
