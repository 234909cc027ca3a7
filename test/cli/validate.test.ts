import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import { fragments, part10File, type SlideOptions, slideDataSet } from '../support/wsi-instance.ts';

/** Runs `slidegate validate` as a shell would. */
async function validate(
  ...args: readonly string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['src/main.ts', 'validate', ...args], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

/** A slide whose frames decode. */
async function slide(options: SlideOptions): Promise<Buffer> {
  const dataSet = slideDataSet(options);
  const [width, height] = [dataSet.number('Columns') ?? 0, dataSet.number('Rows') ?? 0];
  const create = { width, height, channels: 3, background: '#c8a' } as const;
  const jpeg = await sharp({ create }).jpeg().toBuffer();
  const frame = jpeg.length % 2 === 0 ? jpeg : Buffer.concat([jpeg, Buffer.alloc(1)]);
  const frames = Array.from({ length: dataSet.number('NumberOfFrames') ?? 1 }, () => frame);
  return part10File(dataSet.setEncapsulated('PixelData', fragments(frames)));
}

async function folderOf(files: Readonly<Record<string, Uint8Array | string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'validate-'));
  await mkdir(join(folder, 'deep'));
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
  return folder;
}

test('validate finds nothing in a good series, however deep its files lie', async (t) => {
  const folder = await folderOf({
    'base.dcm': await slide({}),
    'deep/level': await slide({ level: 1, instanceNumber: 2 }),
    'notes.txt': 'not a DICOM file',
  });
  t.teardown(() => rm(folder, { recursive: true }));

  const { code, stdout } = await validate(folder);

  t.is(code, 0);
  t.regex(stdout, /base\.dcm: VL Whole Slide Microscopy Image: good/);
  t.regex(stdout, /2 files, 1 series: good\.\n$/);
});

test('validate names file, check, attribute and what should be, and exits with 1', async (t) => {
  const broken = slideDataSet();
  broken.delete('DeviceSerialNumber');
  const folder = await folderOf({
    'broken.dcm': part10File(broken),
    'level.dcm': await slide({ level: 1 }),
  });
  t.teardown(() => rm(folder, { recursive: true }));

  const forPeople = await validate(folder);
  const asJson = await validate(folder, '--json');

  t.is(forPeople.code, 1);
  t.regex(
    forPeople.stdout,
    /error attribute-missing: \(0018,1000\) DeviceSerialNumber is missing; it should/,
  );
  t.regex(forPeople.stdout, /error frame-decodable: frame 1 cannot be decoded/);
  t.regex(forPeople.stdout, /Series 2\.25\.\d+, 2 files: 2 errors/);
  t.is(asJson.code, 1);
  const report = JSON.parse(asJson.stdout);
  t.like(report, { ok: false, warnings: 0, files: [{ file: join(folder, 'broken.dcm') }, { findings: [] }] });
  t.like(report.series[0], {
    findings: [{ check: 'series-entities-equal' }, { check: 'series-instance-numbers' }],
  });
});

test('validate of no file is wrong use, of a file that is not there a failure', async (t) => {
  const nothing = await validate();
  const absent = await validate('/nowhere/at-all.dcm');

  t.is(nothing.code, 2);
  t.regex(nothing.stderr, /say which files or folders/);
  t.is(absent.code, 1);
  t.regex(absent.stderr, /Cannot read "\/nowhere\/at-all\.dcm": ENOENT/);
});

test('validate --checks lists every check', async (t) => {
  const { code, stdout } = await validate('--checks');

  t.is(code, 0);
  t.regex(stdout, /wsi-frame-count +error +TILED_FULL has a frame for every tile/);
  t.true(stdout.trim().split('\n').length > 100);
});
