import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { freePort } from '../../src/cli/free-port.ts';
import { run, startPeer } from '../../src/cli/peer-process.ts';
import { spoolReaches, startTestGateway } from '../support/gateway.ts';
import { dataSetsBelow, filesBelow } from '../support/part10.ts';
import { secondaryCapture, writeCapture } from '../support/secondary-capture.ts';

/** Transfer syntaxes DCMTK can make from a native image, and the tool that does. */
const MADE_BY_DCMTK: Readonly<Record<string, readonly [tool: string, ...args: string[]]>> = {
  'implicit-le': ['dcmconv', '+ti'],
  'explicit-le': ['dcmconv', '+te'],
  'explicit-be': ['dcmconv', '+tb'],
  deflated: ['dcmconv', '+td'],
  rle: ['dcmcrle'],
  'jpeg-baseline': ['dcmcjpeg', '+eb'],
  'jpeg-extended': ['dcmcjpeg', '+ee'],
  'jpeg-spectral': ['dcmcjpeg', '+es'],
  'jpeg-progressive': ['dcmcjpeg', '+ep'],
  'jpeg-lossless': ['dcmcjpeg', '+el'],
  'jpeg-lossless-sv1': ['dcmcjpeg', '+e1'],
  'jpeg-ls': ['dcmcjpls'],
  'jpeg-ls-near': ['dcmcjpls', '+en'],
};

test('echoscu gets a success', async (t) => {
  await using gateway = await startTestGateway();

  const echo = await run('echoscu', ['-v', '-aec', 'SLIDEGATE', '127.0.0.1', String(gateway.port)]);

  t.is(echo.code, 0, echo.output);
});

test('what DCMTK sends in any transfer syntax arrives as it was on the wire, also when private or oddly encoded', async (t) => {
  // Some samples bear one UID and differ: storescp keeps the last, and so shall we.
  const sources = { dcmtk: { ae_title: 'STORESCU', other_content: 'replace' } };
  await using gateway = await startTestGateway({ settings: { sources } });
  const files = await mkdtemp(join(tmpdir(), 'slidegate-files-'));
  t.teardown(() => rm(files, { recursive: true, force: true }));
  await makeFiles(files);
  await copySamples(files);
  const reference = await mkdtemp(join(tmpdir(), 'slidegate-reference-'));
  t.teardown(() => rm(reference, { recursive: true, force: true }));
  const port = await freePort();
  const storescp = await startPeer('storescp', ['+B', '+xa', '-od', reference, String(port)], { port });
  t.teardown(() => storescp.stop());

  let sentCount = 0;
  for (const file of await readdir(files)) {
    const path = join(files, file);
    const option = await proposalFor(path);
    const direct = await run('storescu', [...option, '127.0.0.1', String(port), path]);
    const through = await run('storescu', [
      ...option,
      '-aec',
      'SLIDEGATE',
      '127.0.0.1',
      String(gateway.port),
      path,
    ]);
    if (direct.code !== 0) continue; // DCMTK itself cannot send this one.
    sentCount += 1;
    t.is(through.code, 0, `${file}: ${through.output}`);
  }

  await spoolReaches(gateway.spool, (status) => status.states.pending === 0);
  const { states, accepted } = await gateway.spool.status();
  t.is(states.delivered + states.held + states.discarded, accepted);
  t.true(sentCount >= Object.keys(MADE_BY_DCMTK).length);
  const [expected, arrived] = [await dataSetsBelow(reference), await dataSetsBelow(gateway.outbox)];
  let compared = 0;
  for (const [uid, instance] of expected) {
    const ours = arrived.get(uid);
    if (ours === undefined) continue; // Held for a damaged header: checked by count below.
    t.is(ours.transferSyntaxUid, instance.transferSyntaxUid, uid);
    t.true(ours.dataSet.equals(instance.dataSet), `${uid} differs`);
    compared += 1;
  }
  t.is(compared + states.held, expected.size);
  t.true(compared >= Object.keys(MADE_BY_DCMTK).length);
});

test('four storescu at once lose nothing', async (t) => {
  await using gateway = await startTestGateway();
  const folders = await mkdtemp(join(tmpdir(), 'slidegate-files-'));
  t.teardown(() => rm(folders, { recursive: true, force: true }));
  for (let sender = 0; sender < 4; sender += 1) {
    await mkdir(join(folders, String(sender)));
    for (let index = 0; index < 50; index += 1) {
      const capture = secondaryCapture({ label: `parallel-${sender}-${index}` });
      await writeCapture(join(folders, String(sender), `${index}.dcm`), capture);
    }
  }

  const sent = await Promise.all(
    ['0', '1', '2', '3'].map((sender) =>
      run('storescu', ['-aec', 'SLIDEGATE', '127.0.0.1', String(gateway.port), '+sd', join(folders, sender)]),
    ),
  );

  for (const { code, output } of sent) t.is(code, 0, output);
  await spoolReaches(gateway.spool, (status) => status.states.delivered === 200);
  t.is((await filesBelow(gateway.outbox)).length, 200);
});

test('dcmsend sends a folder of mixed instances', async (t) => {
  await using gateway = await startTestGateway();
  const files = await mkdtemp(join(tmpdir(), 'slidegate-files-'));
  t.teardown(() => rm(files, { recursive: true, force: true }));
  await makeFiles(files);

  const sent = await run('dcmsend', ['-aec', 'SLIDEGATE', '127.0.0.1', String(gateway.port), '+sd', files]);

  t.is(sent.code, 0, sent.output);
  const count = (await readdir(files)).length;
  await spoolReaches(gateway.spool, (status) => status.states.delivered === count);
});

test('a caller that the sources do not name is rejected, and says so', async (t) => {
  await using gateway = await startTestGateway({
    settings: { allow_any_caller: false, sources: { known: { ae_title: 'KNOWN', hosts: ['127.0.0.1/32'] } } },
  });
  const port = String(gateway.port);

  const stranger = await run('echoscu', ['-aet', 'STRANGER', '-aec', 'SLIDEGATE', '127.0.0.1', port]);
  const misled = await run('echoscu', ['-aet', 'KNOWN', '-aec', 'ELSEWHERE', '127.0.0.1', port]);
  const known = await run('echoscu', ['-aet', 'KNOWN', '-aec', 'SLIDEGATE', '127.0.0.1', port]);

  t.not(stranger.code, 0);
  t.regex(stranger.output, /Calling AE Title Not Recognized/i);
  t.not(misled.code, 0);
  t.regex(misled.output, /Called AE Title Not Recognized/i);
  t.is(known.code, 0, known.output);
});

/** One small image in each transfer syntax that DCMTK can make. */
async function makeFiles(folder: string): Promise<void> {
  for (const [name, [tool, ...args]] of Object.entries(MADE_BY_DCMTK)) {
    const native = join(folder, `${name}.native`);
    const capture = secondaryCapture({ label: `syntax-${name}`, extra: { ImageComments: name } });
    await writeCapture(native, capture);
    const made = await run(tool, [...args, native, join(folder, `${name}.dcm`)]);
    if (made.code !== 0) throw new Error(`Cannot make ${name}: ${made.output}`);
    await rm(native);
  }
}

/** The sample files, where the environment names a folder of them. */
async function copySamples(folder: string): Promise<void> {
  const samples = process.env.SLIDEGATE_SAMPLES;
  if (samples === undefined) return;
  const { copyFile } = await import('node:fs/promises');
  const paths = (await filesBelow(join(samples, 'dicom', 'pydicom'))).filter((path) => path.endsWith('.dcm'));
  for (const [index, path] of paths.entries()) {
    if ((await readFile(path)).byteLength < 2_000_000)
      await copyFile(path, join(folder, `sample-${index}.dcm`));
  }
}

/** storescu proposes one transfer syntax at a time: the option for the one of this file. */
async function proposalFor(path: string): Promise<string[]> {
  const options: Readonly<Record<string, string>> = {
    '1.2.840.10008.1.2': '-xi',
    '1.2.840.10008.1.2.2': '-xb',
    '1.2.840.10008.1.2.1.99': '-xd',
    '1.2.840.10008.1.2.5': '-xr',
    '1.2.840.10008.1.2.4.50': '-xy',
    '1.2.840.10008.1.2.4.51': '-xx',
    '1.2.840.10008.1.2.4.70': '-xs',
    '1.2.840.10008.1.2.4.80': '-xt',
    '1.2.840.10008.1.2.4.81': '-xu',
    '1.2.840.10008.1.2.4.90': '-xv',
    '1.2.840.10008.1.2.4.91': '-xw',
  };
  const { readFileMeta } = await import('../../src/dicom/file-meta.ts');
  try {
    const option = options[readFileMeta(await readFile(path)).transferSyntaxUid];
    return option === undefined ? [] : [option];
  } catch {
    return []; // No Part 10 file: DCMTK decides.
  }
}
