import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { freePort } from '../../src/cli/free-port.ts';
import { run, startPeer } from '../../src/cli/peer-process.ts';
import { readFileMeta } from '../../src/dicom/file-meta.ts';
import { spoolReaches, startTestGateway } from '../support/gateway.ts';
import { filesBelow } from '../support/part10.ts';
import { secondaryCapture, writeCapture } from '../support/secondary-capture.ts';

/** An image archive: it indexes what it stores, has a quota, and knows its own titles. */
async function startArchive(folder: string, port: number) {
  const storage = join(folder, 'ARCHIVE');
  await mkdir(storage);
  const config = join(folder, 'dcmqrscp.cfg');
  await writeFile(
    config,
    `NetworkTCPPort = ${port}
MaxPDUSize = 16384
MaxAssociations = 16
HostTable BEGIN
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
ARCHIVE ${storage} RW (200, 1024mb) ANY
AETable END
`,
  );
  return startPeer('dcmqrscp', ['-c', config, String(port)], { port });
}

test('an archive that indexes what it stores has all that was sent', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'slidegate-dcmqrscp-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  const archive = await startArchive(folder, port);
  t.teardown(() => archive.stop());
  // One association for all: the archive starts a process for each, and two that store at once may choose the same
  // file name, and then answer C000H, whoever sends.
  const pacs = {
    kind: 'dimse-scu',
    host: '127.0.0.1',
    port,
    called_ae_title: 'ARCHIVE',
    associations_max: 1,
  };
  await using gateway = await startTestGateway({
    rules: 'rules: []\notherwise: { to: [pacs] }\n',
    settings: { destinations: { outbox: null, pacs } },
  });
  const files = join(folder, 'files');
  await mkdir(files);
  const captures = Array.from({ length: 40 }, (_, index) => secondaryCapture({ label: `archive-${index}` }));
  for (const [index, capture] of captures.entries()) await writeCapture(join(files, `${index}.dcm`), capture);

  const sent = await run('storescu', ['-aec', 'SLIDEGATE', '127.0.0.1', String(gateway.port), '+sd', files]);

  t.is(sent.code, 0, sent.output);
  await spoolReaches(gateway.spool, ({ states }) => states.delivered === captures.length);
  const images = (await filesBelow(join(folder, 'ARCHIVE'))).filter((path) => path.endsWith('.dcm')); // And an index.
  const arrived = await Promise.all(
    images.map(async (path) => readFileMeta(await readFile(path)).sopInstanceUid),
  );
  t.deepEqual(arrived.toSorted(), captures.map(({ sopInstanceUid }) => sopInstanceUid).toSorted());
});

test('an archive that does not know us rejects the association: everything waits, nothing is held', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'slidegate-dcmqrscp-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  const archive = await startArchive(folder, port);
  t.teardown(() => archive.stop());
  const pacs = { kind: 'dimse-scu', host: '127.0.0.1', port, called_ae_title: 'OTHER' };
  await using gateway = await startTestGateway({
    rules: 'rules: []\notherwise: { to: [pacs] }\n',
    settings: { destinations: { outbox: null, pacs } },
  });
  const file = join(folder, 'image.dcm');
  await writeCapture(file, secondaryCapture({ label: 'not-known' }));

  await run('storescu', ['-aec', 'SLIDEGATE', '127.0.0.1', String(gateway.port), file]);
  await spoolReaches(gateway.spool, ({ tasks }) => tasks.some(({ kind }) => kind === 'delivery:pacs'));
  const { promise: failed, resolve } = Promise.withResolvers<void>();
  const timer = setInterval(() => gateway.lanes()[0]?.lastFailure && resolve(), 20);
  await failed;
  clearInterval(timer);

  const { states } = await gateway.spool.status();
  t.like(states, { pending: 1, held: 0 });
  t.regex(
    gateway.lanes()[0]?.lastFailure?.reason ?? '',
    /it does not know the called AE title \(result 1, source 1, reason 7\)/,
  );
});
