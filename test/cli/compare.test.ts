import { createHash } from 'node:crypto';
import { appendFile, cp, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readLine } from '../../src/cli/compare-lines.ts';
import { slidegate } from '../support/command-line.ts';
import { type CaptureOptions, secondaryCapture, writeCapture } from '../support/secondary-capture.ts';

async function temporary(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'compare-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

/** A folder with a file for each; returns their UIDs. */
async function filesIn(folder: string, captures: readonly CaptureOptions[]): Promise<readonly string[]> {
  await mkdir(join(folder, 'deep'), { recursive: true });
  const uids: string[] = [];
  for (const [index, options] of captures.entries()) {
    const capture = secondaryCapture({ rows: 8, columns: 8, ...options });
    await writeCapture(join(folder, index % 2 ? 'deep' : '', `${index}.dcm`), capture);
    uids.push(capture.sopInstanceUid);
  }
  return uids;
}

async function compare(...args: readonly string[]) {
  const ran = await slidegate(['compare', '--json', ...args]);
  if (ran.code === 2) throw new Error(ran.stderr);
  return { code: ran.code, result: JSON.parse(ran.stdout) };
}

/** A line of a report as docs/going-live.md has it. */
function reportLine(options: CaptureOptions, changes: Record<string, unknown> = {}): string {
  const { sopClassUid, sopInstanceUid, transferSyntaxUid, dataSet } = secondaryCapture({
    rows: 8,
    columns: 8,
    ...options,
  });
  return JSON.stringify({
    at: '2026-01-05T10:00:00.000Z',
    entryId: 1,
    origin: 'received',
    rule: 'otherwise',
    sopClassUid,
    sopInstanceUid,
    studyInstanceUid: '1.2.3',
    seriesInstanceUid: '1.2.3.4',
    transferSyntaxUid,
    dataSetBytes: dataSet.length,
    sha256: createHash('sha256').update(dataSet).digest('hex'),
    ...changes,
  });
}

test('two folders with the same data sets are equal, wherever the files lie and whoever wrote their File Meta Information', async (t) => {
  const folder = await temporary(t);
  const [a, b] = [join(folder, 'a'), join(folder, 'b')];
  await filesIn(a, [{ label: 'one' }, { label: 'two' }]);
  await filesIn(b, [{ label: 'two' }, { label: 'one' }]);
  await writeFile(join(b, 'readme.txt'), 'no image');

  const { code, result } = await compare(a, b);

  t.is(code, 0);
  t.like(result, { equal: true, counts: { equal: 2, onlyInA: 0, onlyInB: 0, different: 0 } });
  t.is(result.comparedBy.digest, 2);
  t.deepEqual(result.a.byModality, { OT: 2 });
});

test('what only one side has is named, and counted by study', async (t) => {
  const folder = await temporary(t);
  const [a, b] = [join(folder, 'a'), join(folder, 'b')];
  const [, two] = await filesIn(a, [{ label: 'one' }, { label: 'two' }]);
  const [, three] = await filesIn(b, [{ label: 'one' }, { label: 'three', modality: 'SM' }]);

  const { code, result } = await compare(a, b);
  const text = await slidegate(['compare', a, b]);

  t.is(code, 1);
  t.deepEqual([result.onlyInA, result.onlyInB], [[two], [three]]);
  t.is(result.counts.studies, 2);
  t.regex(text.stdout, /^Different: 1 equal, 0 different, 1 only in A, 1 only in B\.$/m);
  t.regex(text.stdout, new RegExp(`^Only in A: 1\\n {2}${two}$`, 'm'));
  t.regex(text.stdout, /^SM +0 +1$/m);
});

test('of files that differ the attributes are told, their values only when asked for', async (t) => {
  const folder = await temporary(t);
  const [a, b] = [join(folder, 'a'), join(folder, 'b')];
  await filesIn(a, [{ label: 'one', extra: { InstitutionName: 'North' } }, { label: 'pixels' }]);
  await filesIn(b, [
    { label: 'one', extra: { ImageComments: 'late' } },
    { label: 'pixels', pixels: new Uint8Array(8 * 8 * 3) },
  ]);

  const { code, result } = await compare(a, b);
  const shown = await slidegate(['compare', a, b, '--show-values']);
  const hidden = await slidegate(['compare', a, b]);

  t.is(code, 1);
  const attributes = Object.fromEntries(
    result.different.map((one: { sopInstanceUid: string; attributes: unknown }) => [
      one.sopInstanceUid,
      one.attributes,
    ]),
  );
  t.deepEqual(attributes[secondaryCapture({ label: 'one' }).sopInstanceUid], [
    { path: '(0008,0080)', in: 'a' },
    { path: '(0020,4000)', in: 'b' },
  ]);
  t.deepEqual(attributes[secondaryCapture({ label: 'pixels' }).sopInstanceUid], [
    { path: '(7FE0,0010)', in: 'both' },
  ]);
  t.regex(shown.stdout, /\(0008,0080\) only in A "North"; \(0020,4000\) only in B "late"/);
  t.notRegex(hidden.stdout, /North|late/);
});

for (const transferSyntaxUid of ['1.2.840.10008.1.2', '1.2.840.10008.1.2.1', '1.2.840.10008.1.2.4.50']) {
  test(`padding behind the data set is no difference, and hides none, in ${transferSyntaxUid}`, async (t) => {
    const folder = await temporary(t);
    const [a, b, padded] = [join(folder, 'a'), join(folder, 'b'), join(folder, 'padded.jsonl')];
    const same = { label: 'padded', transferSyntaxUid };
    const other = { label: 'other', transferSyntaxUid };
    await filesIn(a, [same, { ...other, extra: { ImageComments: 'x' } }]);
    await filesIn(b, [same, other]);
    const hasVr = transferSyntaxUid !== '1.2.840.10008.1.2';
    const padding = Buffer.from(`fcfffcff${hasVr ? '4f420000' : ''}2c010000${'00'.repeat(300)}`, 'hex');
    for (const file of ['0.dcm', 'deep/1.dcm']) await appendFile(join(b, file), padding);
    await slidegate(['compare', '--write', padded, b]);

    const { result } = await compare(a, b);
    const quick = await compare(a, b, '--quick');
    const written = await compare(padded, a);

    t.is(result.counts.equal, 1);
    t.deepEqual(
      result.different.map((one: { attributes: unknown }) => one.attributes),
      [[{ path: '(0020,4000)', in: 'a' }]],
    );
    t.deepEqual(
      [quick, written].map((one) => one.result.counts.equal),
      [1, 1],
    );
  });
}

test('what differs behind the pixel data is told by its name', async (t) => {
  const folder = await temporary(t);
  const [a, b] = [join(folder, 'a'), join(folder, 'b')];
  for (const transferSyntaxUid of ['1.2.840.10008.1.2.1', '1.2.840.10008.1.2.4.50']) {
    const label = `behind ${transferSyntaxUid}`;
    await filesIn(join(a, label), [{ label, transferSyntaxUid }]);
    await mkdir(join(b, label), { recursive: true });
    const signatures = Buffer.from('fafffaff5351000000000000', 'hex'); // An empty sequence.
    const file = await readFile(join(a, label, '0.dcm'));
    await writeFile(join(b, label, '0.dcm'), Buffer.concat([file, signatures]));
  }

  const { result } = await compare(a, b);

  t.deepEqual(
    result.different.map((one: { attributes: unknown }) => one.attributes),
    Array(2).fill([{ path: '(FFFA,FFFA)', in: 'b' }]),
  );
});

test('another transfer syntax is a difference of its own', async (t) => {
  const folder = await temporary(t);
  const [a, b] = [join(folder, 'a'), join(folder, 'b')];
  await filesIn(a, [{ label: 'one' }]);
  await filesIn(b, [{ label: 'one', transferSyntaxUid: '1.2.840.10008.1.2' }]);

  const { result } = await compare(a, b);

  t.like(result.different[0], { by: 'transfer-syntax' });
  t.is(result.different[0].attributes, undefined);
});

test('an instance that is there twice is told, with other content too', async (t) => {
  const folder = await temporary(t);
  const [a, b] = [join(folder, 'a'), join(folder, 'b')];
  await filesIn(a, [{ label: 'one' }, { label: 'one' }, { label: 'two' }]);
  await filesIn(b, [{ label: 'one' }, { label: 'two' }, { label: 'two', extra: { ImageComments: 'x' } }]);

  const { code, result } = await compare(a, b);

  t.is(code, 1);
  t.like(result.a, { instances: 2, repeated: 1, conflicting: 0 });
  t.like(result.b, { instances: 2, repeated: 1, conflicting: 1 });
});

test('a file that is cut off within its File Meta Information is told, and nothing is equal then', async (t) => {
  const folder = await temporary(t);
  const [a, b] = [join(folder, 'a'), join(folder, 'b')];
  await filesIn(a, [{ label: 'one' }]);
  await cp(a, b, { recursive: true });
  await writeFile(join(b, 'torn.dcm'), (await readFile(join(a, '0.dcm'))).subarray(0, 200));

  const { code, result } = await compare(a, b);

  t.is(code, 1);
  t.deepEqual(result.b.unreadable, ['torn.dcm: PART10_INVALID']);
});

test('a report of what would have been sent is compared with what another router delivered', async (t) => {
  const folder = await temporary(t);
  const [delivered, reports] = [join(folder, 'delivered'), join(folder, 'reports')];
  await filesIn(delivered, [{ label: 'one' }, { label: 'two' }, { label: 'three' }]);
  await mkdir(reports);
  // A crash has torn a line, which is written again; the same entry again is the same sending.
  const lines = [
    reportLine({ label: 'one' }),
    reportLine({ label: 'two' }, { entryId: 2 }).slice(0, 60),
    reportLine({ label: 'two' }, { entryId: 2 }),
    reportLine({ label: 'two' }, { entryId: 2 }),
  ];
  await writeFile(join(reports, 'pacs-20260105.jsonl'), `${lines.join('\n')}\n`);
  await writeFile(
    join(reports, 'pacs-20260106.jsonl'),
    `${reportLine({ label: 'three' }, { entryId: 3 })}\n`,
  );

  const { code, result } = await compare(reports, delivered);

  t.is(code, 0, JSON.stringify(result));
  t.regex((await slidegate(['compare', reports, delivered])).stdout, /^OT +- +3$/m);
  t.like(result, { equal: true, counts: { equal: 3 } });
  t.like(result.a, { kind: 'reports', instances: 3, repeated: 0 });
  t.is(result.a.unreadable.length, 1);
});

test('of reports of several destinations one has to be chosen', async (t) => {
  const reports = await temporary(t);
  await writeFile(join(reports, 'pacs-20260105.jsonl'), `${reportLine({ label: 'one' })}\n`);
  await writeFile(join(reports, 'archive-20260105.jsonl'), `${reportLine({ label: 'two' })}\n`);
  const report = join(reports, 'pacs-20260105.jsonl');

  const unsaid = await slidegate(['compare', reports, report]);
  const { code } = await compare(reports, report, '--destination', 'pacs');

  t.is(unsaid.code, 2);
  t.regex(unsaid.stderr, /say --destination, one of archive, pacs/);
  t.is(code, 0);
});

test('an inventory that was written is as good as the folder', async (t) => {
  const folder = await temporary(t);
  const [a, file] = [join(folder, 'a'), join(folder, 'a.jsonl')];
  await filesIn(a, [{ label: 'one' }, { label: 'two' }]);

  const written = await slidegate(['compare', '--write', file, a]);
  const { code, result } = await compare(file, a);

  t.is(written.stdout, `2 instances written to ${file}.\n`);
  t.is(code, 0);
  t.is(result.comparedBy.digest, 2);
  t.notRegex(await readFile(file, 'utf8'), /Test\^Image|deep/);
});

test('only what came within the time is compared', async (t) => {
  const folder = await temporary(t);
  const [a, b] = [join(folder, 'a'), join(folder, 'b')];
  await filesIn(a, [{ label: 'one' }, { label: 'two' }]);
  await filesIn(b, [{ label: 'one' }]);
  await utimes(join(a, 'deep', '1.dcm'), new Date(), new Date(Date.now() - 3 * 86_400_000));

  t.is((await compare(a, b)).code, 1);
  t.is((await compare(a, b, '--since', '2d')).code, 0);
  t.is((await compare(a, b, '--until', '2d')).result.counts.onlyInA, 1);
});

test('a DICOMweb server is read study by study, page by page', async (t) => {
  const captures = Array.from({ length: 3 }, (_, index) =>
    secondaryCapture({ label: `web ${index}`, rows: 8, columns: 8 }),
  );
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://server');
    asked.push(`${url.pathname} ${request.headers.authorization}`);
    const offset = Number(url.searchParams.get('offset') ?? 0);
    if (url.pathname === '/web/system') response.writeHead(404).end();
    else if (offset > 0) response.writeHead(204).end();
    else if (url.pathname === '/web/studies') {
      response.end(JSON.stringify([{ '0020000D': { vr: 'UI', Value: ['1.2.3'] } }]));
    } else {
      const instances = captures.map(({ sopInstanceUid, sopClassUid }) => ({
        '00080016': { vr: 'UI', Value: [sopClassUid] },
        '00080018': { vr: 'UI', Value: [sopInstanceUid] },
        '00080060': { vr: 'CS' },
      }));
      response.end(JSON.stringify(instances));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const folder = await temporary(t);
  await filesIn(folder, [{ label: 'web 0' }, { label: 'web 1' }, { label: 'web 2' }]);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/web`;

  const ran = await slidegate(['compare', '--json', url, folder, '--authorization-env', 'TOKEN'], {
    env: { TOKEN: 'Bearer t0ken' },
  });

  const result = JSON.parse(ran.stdout);
  t.is(ran.code, 0, ran.stdout);
  t.like(result, { counts: { equal: 3 }, comparedBy: { uid: 3 }, a: { kind: 'dicomweb', studies: 1 } });
  t.true(asked.every((one) => one.endsWith(' Bearer t0ken')));
  t.true(asked.some((one) => one.startsWith('/web/studies/1.2.3/instances')));
});

test('what cannot be compared is wrong use, or says why', async (t) => {
  const folder = await temporary(t);

  t.is((await slidegate(['compare', folder])).code, 2);
  t.is((await slidegate(['compare', folder, folder, '--list', 'many'])).code, 2);
  t.is((await slidegate(['compare', folder, 'http://me:secret@127.0.0.1:1/'])).code, 2);
  const rubbish = join(folder, 'pacs-20260105.jsonl');
  await writeFile(rubbish, 'no line of a report\n');
  t.is((await slidegate(['compare', rubbish, rubbish])).code, 1);
  const absent = await slidegate(['compare', folder, join(folder, 'absent')]);
  t.is(absent.code, 1);
  t.regex(absent.stderr, /Cannot read ".*absent": ENOENT/);
  await filesIn(folder, [{ label: 'one' }]);
  const file = await slidegate(['compare', join(folder, '0.dcm'), folder]);
  t.is(file.code, 2);
  t.regex(file.stderr, /0\.dcm" is a DICOM file: name a folder/);
  const nobody = await slidegate(['compare', folder, 'http://127.0.0.1:1/secret?token=t0ken']);
  t.is(nobody.code, 1);
  t.notRegex(nobody.stderr, /t0ken/);
});

test('a line of an inventory is read as it should be, or not at all', (t) => {
  t.is(readLine('{"sopInstanceUid":"1.2.3","at":"2026-01-05T10:00:00.000Z"'), undefined);
  t.is(readLine('{"sopInstanceUid":"DOE^JANE"}'), undefined);
  t.is(readLine('[]'), undefined);
  t.deepEqual(readLine('{"sopInstanceUid":"1.2.3","studyInstanceUid":"","patientName":"DOE"}'), {
    sopInstanceUid: '1.2.3',
  });
});
