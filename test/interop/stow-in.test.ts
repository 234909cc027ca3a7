import { readFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { DICOM_WEB_PLUGIN, type Orthanc, startOrthanc } from '../../src/cli/orthanc-peer.ts';
import { readFileMeta } from '../../src/dicom/file-meta.ts';
import { spoolReaches, startTestGateway } from '../support/gateway.ts';
import { dataSetOf, filesBelow } from '../support/part10.ts';
import { part10Of, type SmallInstance, smallInstance } from '../support/small-instance.ts';

/** An Orthanc that holds the instances and knows a gateway that takes STOW-RS. */
async function startSender(
  t: ExecutionContext,
  instances: readonly SmallInstance[],
  server: object,
): Promise<{ readonly orthanc: Orthanc; readonly ids: readonly string[] }> {
  const orthanc = await startOrthanc({
    Plugins: [DICOM_WEB_PLUGIN],
    DicomWeb: { Enable: true, Servers: { gate: server } },
  });
  t.teardown(() => orthanc.stop());
  const ids: string[] = [];
  for (const instance of instances) {
    const answer = await post(orthanc, '/instances', new Uint8Array(part10Of(instance)));
    ids.push(((await answer.json()) as { ID: string }).ID);
  }
  return { orthanc, ids };
}

function post(orthanc: Orthanc, path: string, body: Uint8Array<ArrayBuffer> | string): Promise<Response> {
  return fetch(`http://127.0.0.1:${orthanc.httpPort}${path}`, { method: 'POST', body });
}

function sendBy({ orthanc, ids }: Awaited<ReturnType<typeof startSender>>): Promise<Response> {
  return post(orthanc, '/dicom-web/servers/gate/stow', JSON.stringify({ Resources: ids, Synchronous: true }));
}

test('what Orthanc sends by DICOMweb arrives byte for byte, and Orthanc takes the report', async (t) => {
  await using gateway = await startTestGateway({
    settings: { inputs: { dimse: null, web: { kind: 'stow-rs', port: 0, source: 'orthanc' } } },
  });
  // Small ones that share a segment, and one that has a file of its own.
  const instances = [64, 1000, 3_000_000].map((pixelBytes, index) =>
    smallInstance({ sopInstanceUid: `1.2.3.4.${index + 1}`, pixelBytes }),
  );
  const sender = await startSender(t, instances, { Url: `http://127.0.0.1:${gateway.port}/dicom-web/` });

  const answer = await sendBy(sender);

  t.is(answer.status, 200, await answer.text());
  await spoolReaches(gateway.spool, ({ states }) => states.delivered === instances.length);
  const sent = await Promise.all(sender.ids.map((id) => sender.orthanc.getBytes(`/instances/${id}/file`)));
  const arrived = await Promise.all((await filesBelow(gateway.outbox)).map((path) => readFile(path)));
  t.is(arrived.length, instances.length);
  for (const file of sent) {
    const twin = arrived.find((one) => dataSetOf(one).equals(dataSetOf(file)));
    t.is(twin && readFileMeta(twin).transferSyntaxUid, readFileMeta(file).transferSyntaxUid);
  }
  t.is((await gateway.spool.query({ limit: 1 }))[0]?.source, 'orthanc');
});

test('Orthanc signs in with a name and a password, and hears of it when they are wrong', async (t) => {
  process.env.SLIDEGATE_TEST_STOW_IN = 'right';
  const auth = {
    kind: 'basic',
    users: { orthanc: { password_env: 'SLIDEGATE_TEST_STOW_IN', source: 'archive' } },
  };
  await using gateway = await startTestGateway({
    settings: { inputs: { dimse: null, web: { kind: 'stow-rs', port: 0, auth } } },
  });
  const url = `http://127.0.0.1:${gateway.port}/dicom-web/`;
  const instances = [smallInstance({ sopInstanceUid: '1.2.3.5.1' })];
  const wrong = await startSender(t, instances, { Url: url, Username: 'orthanc', Password: 'wrong' });
  const right = await startSender(t, instances, { Url: url, Username: 'orthanc', Password: 'right' });

  t.not((await sendBy(wrong)).status, 200);
  t.is((await gateway.spool.status()).accepted, 0);
  const answer = await sendBy(right);
  t.is(answer.status, 200, await answer.text());
  await spoolReaches(gateway.spool, ({ states }) => states.delivered === 1);
  t.is((await gateway.spool.query({ limit: 1 }))[0]?.source, 'archive');
});
