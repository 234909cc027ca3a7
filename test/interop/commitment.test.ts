import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { type Orthanc, startOrthanc } from '../../src/cli/orthanc-peer.ts';
import { spoolReaches, startTestGateway } from '../support/gateway.ts';
import { secondaryCapture } from '../support/secondary-capture.ts';
import { sendInstances } from '../support/sender.ts';

const TO_PACS = 'rules: []\notherwise: { to: [pacs] }\n';
/** Says success to the first instance it ever gets, and drops it. */
const FORGET_THE_FIRST = `
seen = 0
function ReceivedInstanceFilter(dicom, origin, info)
  seen = seen + 1
  return seen > 1
end`;

function several(count: number, label: string) {
  return Array.from({ length: count }, (_, index) => secondaryCapture({ label: `${label}-${index}` }));
}

async function orthancFor(t: ExecutionContext, lua?: string): Promise<Orthanc> {
  t.timeout(120_000);
  const folder = await mkdtemp(join(tmpdir(), 'slidegate-orthanc-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const script = join(folder, 'script.lua');
  if (lua !== undefined) await writeFile(script, lua);
  const orthanc = await startOrthanc(lua === undefined ? {} : { LuaScripts: [script] });
  t.teardown(() => orthanc.stop());
  return orthanc;
}

async function request(orthanc: Orthanc, method: string, path: string, body: unknown): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${orthanc.httpPort}${path}`, {
    method,
    body: JSON.stringify(body),
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(`Orthanc answers ${response.status} to ${path}: ${answer}`);
  return answer.startsWith('{') ? JSON.parse(answer) : answer;
}

/** Tells Orthanc where the gateway is, under the title that it is known by there. */
async function introduce(orthanc: Orthanc, aeTitle: string, port: number): Promise<void> {
  await request(orthanc, 'PUT', '/modalities/gateway', { AET: aeTitle, Host: '127.0.0.1', Port: port });
}

async function startWithOrthanc(orthanc: Orthanc) {
  const pacs = {
    kind: 'dimse-scu',
    host: '127.0.0.1',
    port: orthanc.dicomPort,
    called_ae_title: 'ORTHANC',
    calling_ae_title: 'GATEWAY',
    commitment: 'required',
  };
  const dimse = {
    kind: 'dimse-scp',
    host: '127.0.0.1',
    port: 0,
    ae_titles: ['SLIDEGATE', 'GATEWAY'],
  };
  return startTestGateway({
    rules: TO_PACS,
    settings: { inputs: { dimse }, destinations: { outbox: null, pacs } },
  });
}

test('Orthanc commits to what it has taken, by a report on an association of its own', async (t) => {
  const orthanc = await orthancFor(t);
  await using gateway = await startWithOrthanc(orthanc);
  await introduce(orthanc, 'GATEWAY', gateway.port);

  await sendInstances(gateway.port, several(5, 'commit'));

  await spoolReaches(gateway.spool, ({ states }) => states.delivered === 5, 60_000);
  const [entry] = await gateway.spool.query({ state: 'delivered', limit: 1 });
  const outcomes = entry?.tasks.map(({ kind, code }) => `${kind} ${code}`);
  t.true(outcomes?.includes('commitment:pacs committed'), outcomes?.join());
});

test('what Orthanc says success to and drops is sent again, and only that', async (t) => {
  const orthanc = await orthancFor(t, FORGET_THE_FIRST);
  await using gateway = await startWithOrthanc(orthanc);
  await introduce(orthanc, 'GATEWAY', gateway.port);

  await sendInstances(gateway.port, several(4, 'forget'));

  await spoolReaches(gateway.spool, ({ states }) => states.delivered === 4, 60_000);
  t.is(((await orthanc.get('/instances')) as string[]).length, 4);
  const entries = await gateway.spool.query({ state: 'delivered' });
  const sent = entries.map(({ tasks }) => tasks.filter(({ kind }) => kind === 'delivery:pacs').length);
  t.deepEqual(sent.toSorted(), [1, 1, 1, 2]);
});

test('Orthanc asks us, and gets success for what is delivered and a failure for what never was here', async (t) => {
  const orthanc = await orthancFor(t);
  const commitment = { host: '127.0.0.1', port: orthanc.dicomPort };
  await using gateway = await startTestGateway({
    settings: { sources: { orthanc: { ae_title: 'ORTHANC', commitment } } },
  });
  await introduce(orthanc, 'SLIDEGATE', gateway.port);
  const sent = several(3, 'asked');
  await sendInstances(gateway.port, sent);
  const unknown = { sopClassUid: sent[0]!.sopClassUid, sopInstanceUid: '1.2.826.0.1.3680043.10.1337.1' };

  const good = await ask(orthanc, sent);
  const bad = await ask(orthanc, [...sent, unknown]);

  t.is(good.Status, 'Success');
  t.is(good.Success.length, 3);
  t.is(bad.Status, 'Failure');
  t.is(bad.Success.length, 3);
  t.is(bad.Failures[0]?.SOPInstanceUID, unknown.sopInstanceUid);
  t.is(bad.Failures[0]?.FailureReason, 0x0112);
});

interface OrthancReport {
  readonly Status: 'Pending' | 'Success' | 'Failure';
  readonly Success: readonly { readonly SOPInstanceUID: string }[];
  readonly Failures: readonly { readonly SOPInstanceUID: string; readonly FailureReason: number }[];
}

async function ask(
  orthanc: Orthanc,
  instances: readonly { readonly sopClassUid: string; readonly sopInstanceUid: string }[],
): Promise<OrthancReport> {
  const references = instances.map(({ sopClassUid, sopInstanceUid }) => [sopClassUid, sopInstanceUid]);
  const body = { DicomInstances: references };
  const { Path } = (await request(orthanc, 'POST', '/modalities/gateway/storage-commitment', body)) as {
    Path: string;
  };
  for (;;) {
    const report = (await orthanc.get(Path)) as OrthancReport;
    if (report.Status !== 'Pending') return report;
    await delay(100);
  }
}
