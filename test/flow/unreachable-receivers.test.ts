/** Destinations that cannot be reached, or only just: everything waits and says why; nothing is held. */
import test, { type ExecutionContext } from 'ava';
import { eventually } from '../support/eventually.ts';
import { spoolReaches, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { startAcceptorPeer } from '../support/peer.ts';
import { secondaryCapture } from '../support/secondary-capture.ts';
import { sendInstances } from '../support/sender.ts';

const RETRY = { first_delay: '20ms', longest_delay: '100ms', breaker_longest_delay: '100ms' };

async function gatewayTo(t: ExecutionContext, pacs: Record<string, unknown>): Promise<TestGateway> {
  const gateway = await startTestGateway({
    rules: 'rules: []\notherwise: { to: [pacs] }\n',
    settings: {
      destinations: {
        outbox: null,
        pacs: { kind: 'dimse-scu', called_ae_title: 'PACS', retry: RETRY, ...pacs },
      },
    },
  });
  t.teardown(() => gateway[Symbol.asyncDispose]());
  return gateway;
}

async function lastFailure(gateway: TestGateway): Promise<string> {
  const failure = () => gateway.lanes().find(({ destination }) => destination === 'pacs')?.lastFailure;
  await eventually('a failure of the lane', () => failure() !== undefined, 20_000);
  return failure()?.reason ?? '';
}

// Fault case 24.
test('a host that no name server knows: everything waits, and the lane says which host', async (t) => {
  const gateway = await gatewayTo(t, { host: 'pacs.invalid', port: 104 });

  t.deepEqual(await sendInstances(gateway.port, [secondaryCapture({ label: 'no-host' })]), [0]);

  t.regex(await lastFailure(gateway), /pacs\.invalid port 104: (ENOTFOUND|EAI_AGAIN)/);
  const { states } = await gateway.spool.status();
  t.like(states, { pending: 1, held: 0 });
});

// Fault case 24.
test('a peer that goes silent with the connection open is given up in time, and is sent it again', async (t) => {
  const peer = await startAcceptorPeer({ store: () => 'half-open' });
  t.teardown(() => peer.stop());
  const gateway = await gatewayTo(t, { host: '127.0.0.1', port: peer.port, response_timeout: '300ms' });
  const capture = secondaryCapture({ label: 'half-open' });

  await sendInstances(gateway.port, [capture]);
  t.regex(await lastFailure(gateway), /response/);
  peer.follow({});
  const { states } = await spoolReaches(gateway.spool, (now) => now.states.delivered === 1);

  t.like(states, { pending: 0, held: 0 });
  t.deepEqual(peer.taken, [capture.sopInstanceUid]);
});

// Fault case 24.
test('a peer that reads a byte now and then is given up in time, and is sent it again', async (t) => {
  const peer = await startAcceptorPeer({ reads: { bytes: 1, everyMs: 1000 } });
  t.teardown(() => peer.stop());
  const gateway = await gatewayTo(t, {
    host: '127.0.0.1',
    port: peer.port,
    pdu_timeout: '500ms',
    response_timeout: '1s',
  });
  const capture = secondaryCapture({ label: 'one-byte', rows: 2000, columns: 2000 });

  await sendInstances(gateway.port, [capture]);
  t.regex(await lastFailure(gateway), /data set|response/);
  peer.follow({});
  const { states } = await spoolReaches(gateway.spool, (now) => now.states.delivered === 1);

  t.like(states, { pending: 0, held: 0 });
  t.true(peer.stores.at(-1)?.dataSet.equals(Buffer.from(capture.dataSet)));
});
