import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { DICOM_WEB_PLUGIN, startOrthanc } from '../../src/cli/orthanc-peer.ts';
import { run } from '../../src/cli/peer-process.ts';
import { slidegate } from '../support/command-line.ts';
import { secondaryCapture, writeCapture } from '../support/secondary-capture.ts';

test('a folder is compared with what Orthanc has, by its own REST and by DICOMweb', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'slidegate-compare-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const orthanc = await startOrthanc({ Plugins: [DICOM_WEB_PLUGIN] });
  t.teardown(() => orthanc.stop());
  const captures = ['one', 'two', 'three'].map((label) => secondaryCapture({ label: `compare ${label}` }));
  for (const [index, capture] of captures.entries())
    await writeCapture(join(folder, `${index}.dcm`), capture);
  const sent = ['0.dcm', '1.dcm'].map((name) => join(folder, name));
  const { code, output } = await run('storescu', ['127.0.0.1', String(orthanc.dicomPort), ...sent]);
  t.is(code, 0, output);
  const rest = `http://127.0.0.1:${orthanc.httpPort}`;
  const compare = async (...args: readonly string[]) =>
    JSON.parse((await slidegate(['compare', '--json', folder, ...args])).stdout);

  const byRest = await compare(rest);
  const byDigest = await compare(rest, '--fetch');
  const byWeb = await compare(`${rest}/dicom-web`);
  const quick = await compare(rest, '--quick');

  for (const result of [byRest, byDigest, byWeb, quick]) {
    t.like(result, { equal: false, counts: { equal: 2, different: 0, onlyInB: 0 } });
    t.deepEqual(result.onlyInA, [captures[2]?.sopInstanceUid]);
    t.deepEqual(result.b.byModality, { OT: 2 });
  }
  t.like(byRest, { b: { kind: 'orthanc', studies: 2 }, comparedBy: { 'transfer-syntax': 2 } });
  t.like(byDigest, { comparedBy: { digest: 2 } });
  t.like(byWeb, { b: { kind: 'dicomweb' } });
  t.like(quick, { comparedBy: { uid: 2 } });
  t.is((await compare(rest, '--since', '1h')).counts.equal, 2);
});
