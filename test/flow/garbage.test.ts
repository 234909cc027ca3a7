import { randomBytes } from 'node:crypto';
import test from 'ava';
import { openAssociation } from '../../src/dimse/service-user.ts';
import { startTestGateway } from '../support/gateway.ts';
import { RawPeer } from '../support/raw-peer.ts';

const GARBAGE_MS = 10_000;
const SENDERS = 8;

test('ten seconds of random bytes on the port: C-ECHO succeeds, and nothing was accepted or left behind', async (t) => {
  t.timeout(60_000);
  await using gateway = await startTestGateway();
  const until = performance.now() + GARBAGE_MS;
  let connections = 0;

  const sendGarbage = async (): Promise<void> => {
    while (performance.now() < until) {
      const peer =
        connections % 2 === 0 ? await RawPeer.connect(gateway.port) : await RawPeer.associate(gateway.port);
      connections += 1;
      await peer.send(randomBytes(1 + Math.floor(Math.random() * 20_000)));
      await peer.close();
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sendGarbage));

  t.true(connections > 100);
  const association = await openAssociation(
    {
      host: '127.0.0.1',
      port: gateway.port,
      calledAeTitle: 'SLIDEGATE',
      callingAeTitle: 'TEST',
      connectTimeoutMs: 5_000,
      associationTimeoutMs: 5_000,
      responseTimeoutMs: 5_000,
      maxPduLengthBytes: 65_536,
    },
    [{ abstractSyntaxUid: '1.2.840.10008.1.1', transferSyntaxUids: ['1.2.840.10008.1.2'] }],
  );
  t.is((await association.echo()).status, 0);
  await association.release();
  t.is((await gateway.spool.status()).accepted, 0);
});
