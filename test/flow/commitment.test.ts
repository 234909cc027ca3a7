import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { CommitmentHead } from '../../src/intake/commitment-store.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { TlsMaterial } from '../../src/tls/tls-material.ts';
import { createModality } from '../support/asking-modality.ts';
import { TestAuthority } from '../support/certificates.ts';
import { reportOf, reportTo, startCommittingPeer } from '../support/committing-peer.ts';
import { eventually } from '../support/eventually.ts';
import { spoolReaches, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { RequestorPeer } from '../support/peer.ts';
import { type Capture, secondaryCapture } from '../support/secondary-capture.ts';
import { sendInstances } from '../support/sender.ts';
import { startStoragePeer } from '../support/storage-peer.ts';
import { newInstance } from '../support/temporary-spool.ts';

const TO_PACS = 'rules: []\notherwise: { to: [pacs] }\n';

let captures = 0;

function capture(): Capture {
  captures += 1;
  return secondaryCapture({ label: `commitment-${process.pid}-${captures}` });
}

function several(count: number): Capture[] {
  return Array.from({ length: count }, capture);
}

function dimse(port: number, more: Record<string, unknown> = {}) {
  const retry = { first_delay: '50ms', longest_delay: '100ms' };
  return { kind: 'dimse-scu', host: '127.0.0.1', port, called_ae_title: 'PACS', retry, ...more };
}

function modality(t: ExecutionContext) {
  const asking = createModality('CT1');
  t.teardown(() => asking.close());
  return asking;
}

async function peerFor(t: ExecutionContext, options: Parameters<typeof startStoragePeer>[0] = {}) {
  const peer = await startStoragePeer(options);
  t.teardown(() => peer.stop());
  return peer;
}

function uidsOf(references: readonly { readonly sopInstanceUid: string }[]): string[] {
  return references.map(({ sopInstanceUid }) => sopInstanceUid).toSorted();
}

test('a modality gets success for all it sent, over an association of our own with the SCP role', async (t) => {
  const asking = modality(t);
  const port = await asking.listen();
  const peer = await peerFor(t);
  const sources = { ct1: { ae_title: 'CT1', commitment: { host: '127.0.0.1', port } } };
  await using gateway = await startTestGateway({
    rules: TO_PACS,
    settings: { destinations: { outbox: null, pacs: dimse(peer.port) }, sources },
  });
  const sent = several(5);
  await sendInstances(gateway.port, sent);

  t.is(await asking.ask(gateway.port, '1.2.3.1', sent), 0);
  await asking.reported(1);

  const [report] = asking.reports;
  t.like(report, { transactionUid: '1.2.3.1', eventTypeId: 1, over: 'own-association', failed: [] });
  t.deepEqual(uidsOf(report!.committed), uidsOf(sent));
});

test('a report goes over TLS to a modality that wants it, and not to one whose certificate is not trusted', async (t) => {
  await using authority = await TestAuthority.create();
  await using stranger = await TestAuthority.create('Stranger');
  const telemetry = createTelemetry({ level: 'silent' });
  const { certificate, key } = await authority.issue();
  const files = { certificate, key, keyPassphraseEnv: undefined, ca: undefined };
  const material = new TlsMaterial(files, { side: 'input', name: 'modality', telemetry });
  t.teardown(() => material.close());
  const asking = modality(t);
  const port = await asking.listen({ tls: { material, clientCertificates: 'none' } });
  const commitment = { host: '127.0.0.1', port, tls: { ca: stranger.ca } };
  const settings = { sources: { ct1: { ae_title: 'CT1', commitment } } };
  const gateway = await startTestGateway({ settings });
  const folder = gateway.folder;
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const sent = several(1);
  await sendInstances(gateway.port, sent);
  await asking.ask(gateway.port, '1.2.3.11', sent);
  await eventually('a report has failed', async () => (await headOf(gateway))?.tries === 1);
  t.is(asking.reports.length, 0);
  await gateway.stop('other settings');

  const trusting = { ct1: { ae_title: 'CT1', commitment: { ...commitment, tls: { ca: authority.ca } } } };
  await using after = await startTestGateway({ settings: { sources: trusting }, folder });
  await asking.ask(after.port, '1.2.3.12', sent);
  await asking.reported(1);
  t.is(asking.reports[0]?.over, 'own-association');
});

test('a modality that stays associated gets the report on the same association', async (t) => {
  const asking = modality(t);
  await using gateway = await startTestGateway();
  const sent = several(2);
  await sendInstances(gateway.port, sent);

  t.is(await asking.ask(gateway.port, '1.2.3.2', sent, { stays: true }), 0);
  await asking.reported(1);

  t.like(asking.reports[0], { transactionUid: '1.2.3.2', over: 'same-association', failed: [] });
});

test('what another source has sent elsewhere says nothing of what the asking one has sent', async (t) => {
  const asking = modality(t);
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const peer = await peerFor(t, {
    async answer() {
      await released;
      return { status: 0 };
    },
  });
  await using gateway = await startTestGateway({
    rules: 'rules: [{ name: copies, when: { from: qa }, to: [outbox] }]\notherwise: { to: [pacs] }\n',
    settings: {
      destinations: { pacs: dimse(peer.port) },
      sources: { ct1: { ae_title: 'CT1' }, qa: { ae_title: 'QA' } },
    },
  });
  const sent = newInstance();
  for (const calling of ['CT1', 'QA']) {
    const sender = await RequestorPeer.associate(gateway.port, [sent], { calling });
    await sender.store(sent);
    await sender.release();
  }
  await spoolReaches(gateway.spool, ({ states }) => states.delivered === 1 && states.pending === 1);

  t.is(await asking.ask(gateway.port, '1.2.3.21', [sent], { stays: true }), 0);
  await delay(1000);
  t.deepEqual(asking.reports, []);
  release();

  await asking.reported(1);
  t.like(asking.reports[0], { transactionUid: '1.2.3.21', failed: [] });
});

test('what is on its way is waited for; nothing is said before every destination has it', async (t) => {
  const asking = modality(t);
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const peer = await peerFor(t, {
    async answer() {
      await released;
      return { status: 0 };
    },
  });
  await using gateway = await startTestGateway({
    rules: 'rules: []\notherwise: { to: [outbox, pacs] }\n',
    settings: { destinations: { pacs: dimse(peer.port) } },
  });
  const sent = several(3);
  await sendInstances(gateway.port, sent);
  await asking.ask(gateway.port, '1.2.3.3', sent, { stays: true });

  await delay(1000);
  t.is(asking.reports.length, 0);
  release();
  await asking.reported(1);

  t.is(asking.reports[0]?.committed.length, 3);
});

test('each instance fails for its own reason: unknown, of another class, held, still waiting', async (t) => {
  const asking = modality(t);
  const poison = capture();
  const stuck = capture();
  const good = capture();
  const peer = await peerFor(t, {
    async answer({ sopInstanceUid }) {
      if (sopInstanceUid === poison.sopInstanceUid) return { status: 0xc001 };
      return { status: sopInstanceUid === stuck.sopInstanceUid ? 0xa700 : 0 };
    },
  });
  const sources = { ct1: { ae_title: 'CT1', commitment: { wait: '2s' } } };
  await using gateway = await startTestGateway({
    rules: TO_PACS,
    settings: { destinations: { outbox: null, pacs: dimse(peer.port) }, sources },
  });
  const other = capture();
  await sendInstances(gateway.port, [good, other, poison, stuck]);
  const { sopClassUid } = good;
  const unknown = { sopClassUid, sopInstanceUid: '1.2.3.4.5.6' };
  const mistaken = { sopInstanceUid: other.sopInstanceUid, sopClassUid: '1.2.840.10008.5.1.4.1.1.2' };

  await asking.ask(gateway.port, '1.2.3.4', [good, unknown, mistaken, poison, stuck], { stays: true });
  await asking.reported(1);

  const [report] = asking.reports;
  t.is(report?.eventTypeId, 2);
  t.deepEqual(uidsOf(report!.committed), [good.sopInstanceUid]);
  const reasons = new Map(report!.failed.map((one) => [one.sopInstanceUid, one.failureReason]));
  t.is(reasons.get(unknown.sopInstanceUid), 0x0112);
  t.is(reasons.get(other.sopInstanceUid), 0x0119);
  t.is(reasons.get(poison.sopInstanceUid), 0x0110);
  t.is(reasons.get(stuck.sopInstanceUid), 0x0213);
});

test('a request outlives a restart, and so does its report when nobody listens', async (t) => {
  const asking = modality(t);
  const folder = await mkdtemp(join(tmpdir(), 'slidegate-commitment-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const down = await startStoragePeer();
  await down.stop();
  const first = await asking.listen();
  await asking.close(); // The port is known, and nobody is there.
  const listening = modality(t);
  const sources = { ct1: { ae_title: 'CT1', commitment: { host: '127.0.0.1', port: first } } };
  const settings = { destinations: { outbox: null, pacs: dimse(down.port) }, sources };
  const sent = several(2);
  const before = await startTestGateway({ rules: TO_PACS, settings, folder });
  await sendInstances(before.port, sent);
  t.is(await listening.ask(before.port, '1.2.3.5', sent), 0);
  await before.stop('restart');

  const peer = await peerFor(t, { port: down.port });
  const between = await startTestGateway({ rules: TO_PACS, settings, folder });
  await spoolReaches(between.spool, ({ states }) => states.delivered === 2);
  await eventually('the request is decided', async () => (await stateOf(between)) === 'decided');
  await between.stop('restart');
  t.is(peer.kept.length, 2);

  await listening.listen({ port: first });
  await using after = await startTestGateway({ rules: TO_PACS, settings, folder });
  await listening.reported(1);
  t.is(listening.reports[0]?.committed.length, 2);
  await eventually('the request is done', async () => (await stateOf(after)) === 'done');
});

test('a caller without an address gets its report when it associates again', async (t) => {
  const asking = modality(t);
  await using gateway = await startTestGateway();
  const sent = several(1);
  await sendInstances(gateway.port, sent);
  t.is(await asking.ask(gateway.port, '1.2.3.6', sent), 0);
  await eventually('the request is decided', async () => (await stateOf(gateway)) === 'decided');
  await delay(300);
  t.is(asking.reports.length, 0);

  await asking.associate(gateway.port);
  await asking.reported(1);

  t.like(asking.reports[0], { transactionUid: '1.2.3.6', over: 'same-association', failed: [] });
});

test('the same request again is answered the same; another under its transaction UID is refused with 0131H', async (t) => {
  const asking = modality(t);
  await using gateway = await startTestGateway();
  const [one, other] = several(2);
  await sendInstances(gateway.port, [one!, other!]);

  t.is(await asking.ask(gateway.port, '1.2.3.7', [one!], { stays: true }), 0);
  t.is(await asking.ask(gateway.port, '1.2.3.7', [other!]), 0x0131);
  await asking.reported(1);
  await eventually('the request is done', async () => (await stateOf(gateway)) === 'done');
  t.is(await asking.ask(gateway.port, '1.2.3.7', [one!], { stays: true }), 0);
  await asking.reported(2);

  for (const report of asking.reports) t.deepEqual(uidsOf(report.committed), [one!.sopInstanceUid]);
});

test('tens of thousands of references are taken, decided and reported', async (t) => {
  const asking = modality(t);
  await using gateway = await startTestGateway();
  const { sopClassUid } = capture();
  const references = Array.from({ length: 20_000 }, (_, index) => ({
    sopClassUid,
    sopInstanceUid: `1.2.826.0.1.3680043.10.1337.${10_000_000_000 + index}`,
  }));

  t.is(await asking.ask(gateway.port, '1.2.3.8', references, { stays: true }), 0);
  await asking.reported(1);

  t.is(asking.reports[0]?.failed.length, 20_000);
});

// Fault case 22.
test('a destination reports on another association, twice, and on what nobody asked: each is settled once', async (t) => {
  const peer = await startCommittingPeer();
  t.teardown(() => peer.stop());
  const pacs = dimse(peer.port, { commitment: 'required' });
  await using gateway = await startTestGateway({
    rules: TO_PACS,
    settings: { destinations: { outbox: null, pacs } },
  });
  await sendInstances(gateway.port, several(3));
  const asked = () => peer.requests.flatMap(({ references }) => references).length;
  await eventually('requests for all three', () => asked() === 3);

  t.is(await reportTo(gateway.port, { transactionUid: '1.2.3.99', committed: [], failed: [] }), 0);
  t.is((await gateway.spool.status()).states.pending, 3);
  for (const request of peer.requests) {
    t.is(await reportTo(gateway.port, reportOf(request)), 0);
    t.is(await reportTo(gateway.port, reportOf(request)), 0);
  }

  await spoolReaches(gateway.spool, ({ states }) => states.delivered === 3);
  t.is(peer.stored.length, 3);
});

// Fault cases 21 and 22.
test('a report that comes after a restart is understood; the modality is told once its own instances are committed', async (t) => {
  const asking = modality(t);
  const folder = await mkdtemp(join(tmpdir(), 'slidegate-commitment-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const peer = await startCommittingPeer();
  t.teardown(() => peer.stop());
  const settings = { destinations: { outbox: null, pacs: dimse(peer.port, { commitment: 'required' }) } };
  const sent = several(2);
  const before = await startTestGateway({ rules: TO_PACS, settings, folder });
  await sendInstances(before.port, sent);
  t.is(await asking.ask(before.port, '1.2.3.10', sent), 0);
  await eventually('a request', async () => peer.requests.length > 0);
  await before.stop('restart');

  await using after = await startTestGateway({ rules: TO_PACS, settings, folder });
  await asking.ask(after.port, '1.2.3.10', sent, { stays: true });
  t.is(asking.reports.length, 0);
  const [request] = peer.requests;
  t.is(await reportTo(after.port, reportOf(request!, [sent[0]!.sopInstanceUid])), 0);
  await eventually('2 requests', async () => peer.requests.length > 1);
  t.deepEqual(uidsOf(peer.requests[1]!.references), [sent[0]!.sopInstanceUid]);
  t.is(asking.reports.length, 0);
  t.is(await reportTo(after.port, reportOf(peer.requests[1]!)), 0);

  await asking.reported(1);
  t.is(asking.reports[0]?.committed.length, 2);
  t.is(peer.stored.length, 3);
});

async function stateOf(gateway: TestGateway): Promise<string | undefined> {
  return (await headOf(gateway))?.state;
}

async function headOf(gateway: TestGateway): Promise<CommitmentHead | undefined> {
  const [record] = await gateway.spool.records({ collection: 'commitment-request' });
  return record?.value as CommitmentHead | undefined;
}
