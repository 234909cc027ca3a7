import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import ava, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { readFileMeta } from '../../src/dicom/file-meta.ts';
import { IntakeSettings } from '../../src/intake/config.ts';
import { type Intake, startIntake } from '../../src/intake/intake.ts';
import type { Spool } from '../../src/spool/spool.ts';
import { createTelemetry, type Telemetry } from '../../src/telemetry/telemetry.ts';
import { eventually } from '../support/eventually.ts';
import { part10Of, type SmallInstance } from '../support/small-instance.ts';
import { auditFiles, auditLedger } from '../support/spool-audit.ts';
import {
  newInstance,
  openTemporarySpool,
  readInstance,
  type TemporarySpool,
} from '../support/temporary-spool.ts';

/** One after the other on one spool, so that what each leaves can be counted. */
const test = ava.serial;
let temporary: TemporarySpool;

ava.before(async () => {
  temporary = await openTemporarySpool();
});
ava.after.always(() => temporary[Symbol.asyncDispose]());

ava.afterEach('the spool is in order', async (t) => {
  t.deepEqual(auditLedger(temporary.directory), []);
  await eventually('nothing is left behind', () => auditFiles(temporary.directory).length === 0);
});

interface Watched {
  readonly folder: string;
  readonly intake: Intake;
  readonly log: string[];
  accepted(): Promise<number>;
  /** Writes a file as somebody else does. */
  put(name: string, content: SmallInstance | string | Uint8Array): Promise<string>;
  /** Names of what lies in the folder and below. */
  names(): Promise<string[]>;
}

async function watchFolder(
  t: ExecutionContext,
  options: { readonly input?: object; readonly folder?: string; readonly spool?: Spool } = {},
): Promise<Watched> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'slidegate-inbox-')));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const log: string[] = [];
  const telemetry: Telemetry = {
    metrics: createTelemetry({ level: 'silent' }).metrics,
    log: pino({ level: 'debug' }, { write: (line: string) => log.push(line) }),
  };
  const input = { kind: 'folder', path: folder, after: 'delete', settle_for: '50ms', poll_every: '50ms' };
  const settings = IntakeSettings.parse({ inputs: { inbox: { ...input, ...options.input } } });
  const spool = options.spool ?? temporary.spool;
  const before = await spool.status();
  const intake = await startIntake(settings, { spool, telemetry });
  t.teardown(() => intake.stop(0));
  return {
    folder,
    intake,
    log,
    accepted: async () => (await spool.status()).accepted - before.accepted,
    async put(name, content) {
      const path = join(folder, name);
      await mkdir(join(path, '..'), { recursive: true });
      const bytes = typeof content === 'object' && 'dataSet' in content ? part10Of(content) : content;
      await writeFile(path, bytes);
      return path;
    },
    names: () => namesBelow(folder),
  };
}

async function namesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

test('files become entries, byte for byte, and are deleted once they are safe', async (t) => {
  const { put, names, accepted, intake, folder } = await watchFolder(t, {
    input: { source: 'scanner', calling_ae_title: 'SCANNER' },
  });
  const [small, large, bare] = [newInstance(), newInstance({ pixelBytes: 3_000_001 }), newInstance()];
  t.like(intake.inputs()[0], { name: 'inbox', kind: 'folder', place: folder });
  t.is(intake.inputs()[0]?.port, undefined);

  await put('small.dcm', small);
  await put('study 1/series/large', large);
  await put('bare.dcm', bare.dataSet);
  await eventually('all are taken', async () => (await names()).length === 0);

  t.is(await accepted(), 3);
  const [entry] = await temporary.spool.query({ sopInstanceUid: large.sopInstanceUid });
  t.like(entry, {
    source: 'scanner',
    callingAeTitle: 'SCANNER',
    calledAeTitle: 'SLIDEGATE',
    state: 'pending',
  });
  const file = await readInstance(temporary.spool, entry!.entryId);
  t.true(file.subarray(readFileMeta(file).dataSetOffset).equals(large.dataSet));
});

test('a file that grows is taken when it has come to rest, and only then', async (t) => {
  const { put, folder, names, accepted } = await watchFolder(t, { input: { settle_for: '700ms' } });
  const instance = newInstance({ pixelBytes: 10_000 });
  const bytes = part10Of(instance);
  const path = await put('growing.dcm', bytes.subarray(0, 1000));

  for (let at = 1000; at < bytes.length; at += 2000) {
    await delay(200);
    t.is(await accepted(), 0);
    await appendFile(path, bytes.subarray(at, at + 2000));
  }
  await eventually('it is taken', async () => (await names()).length === 0);
  t.is(await accepted(), 1);
  const [entry] = await temporary.spool.query({ sopInstanceUid: instance.sopInstanceUid });
  t.is(entry?.state, 'pending', `whole, not cut off, of ${folder.length}`);
});

test('what others have not finished, hide, or keep for themselves is left alone', async (t) => {
  const { put, names, accepted, folder } = await watchFolder(t);
  const outside = await mkdtemp(join(tmpdir(), 'slidegate-outside-'));
  t.teardown(() => rm(outside, { recursive: true, force: true }));
  await writeFile(join(outside, 'foreign.dcm'), part10Of(newInstance()));
  const left = ['.hidden.dcm', '.cache/a.dcm', 'a.dcm.part', 'b.tmp', 'DICOMDIR', 'Thumbs.db'];
  for (const name of left) await put(name, newInstance());
  await symlink(join(outside, 'foreign.dcm'), join(folder, 'link.dcm'));
  await symlink(outside, join(folder, 'linked'));
  await put('taken.dcm', newInstance());

  await eventually('the one is taken', async () => !(await names()).includes('taken.dcm'));
  await delay(300);
  t.deepEqual(await names(), [...left, 'link.dcm', 'linked'].sort());
  t.deepEqual(await readdir(outside), ['foreign.dcm']);
  t.is(await accepted(), 1);
});

test('only wanted names are looked at, and folders below only where that is asked for', async (t) => {
  const { put, names } = await watchFolder(t, { input: { suffixes: ['.dcm'], recursive: false } });
  await put('a.DCM', newInstance());
  await put('a.jpg', 'an image');
  await put('below/b.dcm', newInstance());

  await eventually('the one is taken', async () => !(await names()).includes('a.DCM'));
  await delay(200);
  t.deepEqual(await names(), ['a.jpg', 'below/b.dcm']);
});

test('what is no DICOM goes to a folder of its own with the reason, and costs the others nothing', async (t) => {
  const { put, names, accepted, folder, log } = await watchFolder(t);
  await put('DOE_JANE.txt', 'a letter');
  await put('empty.dcm', '');
  await put('below/DOE_JANE.dcm', newInstance({ sopInstanceUid: 'no-uid' }));
  await put('good.dcm', newInstance());

  await eventually('all are gone', async () => (await names()).every((name) => name.startsWith('rejected/')));
  t.deepEqual(await names(), [
    'rejected/DOE_JANE.txt',
    'rejected/DOE_JANE.txt.txt',
    'rejected/below/DOE_JANE.dcm',
    'rejected/below/DOE_JANE.dcm.txt',
    'rejected/empty.dcm',
    'rejected/empty.dcm.txt',
  ]);
  t.is(await readFile(join(folder, 'rejected/DOE_JANE.txt.txt'), 'utf8'), 'Not a DICOM file (C000).\n');
  t.is(await readFile(join(folder, 'rejected/DOE_JANE.txt'), 'utf8'), 'a letter');
  t.is(await accepted(), 1);
  t.true(log.some((line) => line.includes('File rejected')));
  t.false(
    log.some((line) => line.includes('DOE_JANE')),
    'names of files may be names of patients',
  );
});

test('the reason why a file is set aside takes the place of no other file', async (t) => {
  const { put, names, folder } = await watchFolder(t);
  await put('scan.txt', 'a letter');
  await eventually('the letter is set aside', async () => (await names()).length === 2);
  await put('scan', 'an image');

  await eventually('both are', async () => (await names()).every((name) => name.startsWith('rejected/')));
  t.deepEqual(await names(), [
    'rejected/scan-2',
    'rejected/scan-2.txt',
    'rejected/scan.txt',
    'rejected/scan.txt.txt',
  ]);
  t.is(await readFile(join(folder, 'rejected/scan.txt'), 'utf8'), 'a letter');
  t.is(await readFile(join(folder, 'rejected/scan-2'), 'utf8'), 'an image');
});

test('a file that is cut off is kept, held and set aside, so that nothing is lost of what its writer may still write', async (t) => {
  const { put, names, accepted, folder } = await watchFolder(t);
  const instance = newInstance({ pixelBytes: 1000 });
  await put('a.dcm', part10Of(instance).subarray(0, -500));

  await eventually('it is set aside', async () => !(await names()).includes('a.dcm'));
  t.deepEqual(await names(), ['rejected/a.dcm', 'rejected/a.dcm.txt']);
  t.regex(
    await readFile(join(folder, 'rejected/a.dcm.txt'), 'utf8'),
    /^Kept as entry (\d+), and held: HEADER_DAMAGED\.\n[\s\S]*slidegate status --held[\s\S]*slidegate retry \1 [\s\S]*slidegate discard \1 --yes [\s\S]*deleted then\.\n$/,
  );
  t.is(await accepted(), 1);
});

test('taken files are moved where the settings say so, each under a name of its own', async (t) => {
  const { put, names, accepted } = await watchFolder(t, { input: { after: 'move' } });
  for (let count = 1; count <= 2; count += 1) {
    await put('study/a.dcm', newInstance());
    await eventually('it is moved', async () => !(await names()).includes('study/a.dcm'));
  }

  t.deepEqual(await names(), ['taken/study/a.dcm', 'taken/study/a.dcm-2']);
  t.is(await accepted(), 2);
});

test('files that are kept are taken once, also across a restart, and again when they change', async (t) => {
  const first = await watchFolder(t, { input: { after: 'keep' } });
  const { put, folder, names } = first;
  await put('no DICOM', 'text');
  const path = await put('a.dcm', newInstance());
  await eventually('it is taken', async () => (await first.accepted()) === 1);
  await eventually('the other is looked at', () => first.log.some((line) => line.includes('File rejected')));
  await first.intake.stop(1000);

  const second = await watchFolder(t, { folder, input: { after: 'keep' } });
  await put('b.dcm', newInstance());
  await eventually('the new one is taken', async () => (await second.accepted()) === 1);
  t.false(
    second.log.some((line) => line.includes('File rejected')),
    'it is told once',
  );
  await writeFile(path, part10Of(newInstance()));
  await utimes(path, 1000, 1000);
  await eventually('the changed one is taken', async () => (await second.accepted()) === 2);
  t.deepEqual(await names(), ['a.dcm', 'b.dcm', 'no DICOM']);
});

test('a file that was safe and not yet deleted when the gateway died is absorbed, and deleted', async (t) => {
  const { put, names, accepted, folder } = await watchFolder(t, { input: { settle_for: '0ms' } });
  const instance = newInstance();
  await put('a.dcm', instance);
  await eventually('it is taken', async () => (await names()).length === 0);
  t.is(await accepted(), 1);

  await writeFile(join(folder, 'a.dcm'), part10Of(instance)); // As if it had not been deleted.
  await eventually('it is taken again', async () => (await names()).length === 0);
  t.is(await accepted(), 1);
});

test('names in any encoding are taken', async (t) => {
  const { folder, names, accepted } = await watchFolder(t);
  const latin1 = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from('Gef\xe4\xdf\xff.dcm', 'latin1')]);
  await writeFile(latin1, part10Of(newInstance()));
  await writeFile(join(folder, '画像 "1"\n.dcm'), part10Of(newInstance()));

  await eventually('all are taken', async () => (await names()).length === 0);
  t.is(await accepted(), 2);
});

test('while the spool refuses, files stay where they are', async (t) => {
  await using full = await openTemporarySpool({ settings: { watermark_free_bytes: 2 ** 50 } });
  const { put, names, log } = await watchFolder(t, { spool: full.spool });
  for (let count = 0; count < 5; count += 1) await put(`${count}.dcm`, newInstance());

  await delay(500);
  t.is((await names()).length, 5);
  t.is((await full.spool.status()).accepted, 0);
  t.false(log.some((line) => /rejected|could not be kept/.test(line)));
});

test('a file that cannot be put away is taken once, also across a restart, and put away when it can be', async (t) => {
  const input = { after: 'move', suffixes: ['.dcm'] };
  const first = await watchFolder(t, { input });
  const { put, names, folder } = first;
  await put('taken', 'a file where the folder should be');
  await put('below/a.dcm', newInstance());
  await eventually('that is told', () => first.log.some((line) => line.includes('cannot be removed')));
  t.is(await first.accepted(), 1);
  await first.intake.stop(1000);

  const second = await watchFolder(t, { folder, input });
  await eventually('it is tried again', () => second.log.some((line) => line.includes('cannot be removed')));
  await rm(join(folder, 'taken'));
  await eventually('it is moved', async () => (await names()).join() === 'taken/below/a.dcm', 15_000);
  t.is(await second.accepted(), 0);
});

test('a folder that is not there yet is made, and one that goes and comes back is watched again', async (t) => {
  const { put, names, folder, accepted } = await watchFolder(t);
  await rm(folder, { recursive: true });
  await eventually('it is made again', () => stat(folder).then(Boolean, () => false));
  await put('a.dcm', newInstance());

  await eventually('it is taken', async () => (await names()).length === 0);
  t.is(await accepted(), 1);
});

test('a folder that cannot be read is told once, and does not keep the gateway from starting', async (t) => {
  const parent = await mkdtemp(join(tmpdir(), 'slidegate-inbox-'));
  t.teardown(() => rm(parent, { recursive: true, force: true }));
  await writeFile(join(parent, 'file'), 'no folder');
  const { log, intake } = await watchFolder(t, { input: { path: join(parent, 'file', 'inbox') } });

  await eventually('it is told', () => log.some((line) => line.includes('Watched folder cannot be read')));
  await delay(1200);
  t.is(log.filter((line) => line.includes('Watched folder cannot be read')).length, 1);
  await intake.stop(1000);
});

test('stop ends soon, with thousands of files to go, and leaves none half taken', async (t) => {
  const { put, names, accepted, intake } = await watchFolder(t, { input: { settle_for: '300ms' } });
  const files = 1000;
  const instance = newInstance();
  for (let count = 0; count < files; count += 1) {
    await put(`${count % 10}/${count}.dcm`, count % 100 === 0 ? newInstance() : instance);
  }
  await eventually('some are taken', async () => (await names()).length < files - 10);

  const begun = performance.now();
  await intake.stop(5000);
  t.true(performance.now() - begun < 4000);
  const left = (await names()).length;
  t.true(left < files);
  t.true((await accepted()) >= 1);
});
