import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { part10Of, smallInstance } from '../support/small-instance.ts';
import { type StoragePeerOptions, startStoragePeer } from '../support/storage-peer.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

async function runSend(args: readonly string[], env: Record<string, string> = {}) {
  try {
    const options = { env: { ...process.env, ...env } };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [MAIN, 'send', ...args], options);
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

async function withPeerAndFiles(t: ExecutionContext, options: StoragePeerOptions = {}) {
  const peer = await startStoragePeer(options);
  const folder = await mkdtemp(join(tmpdir(), 'send-'));
  t.teardown(async () => {
    await peer.stop();
    await rm(folder, { recursive: true });
  });
  await mkdir(join(folder, 'study'));
  for (const at of [1, 2, 3]) {
    const file = at === 1 ? 'one.dcm' : join('study', `${at}`);
    await writeFile(join(folder, file), part10Of(smallInstance({ sopInstanceUid: `1.2.${at}` })));
  }
  await writeFile(join(folder, 'study', 'notes.txt'), 'a letter');
  const to = ['--aet', 'PACS', '--host', '127.0.0.1', '--port', `${peer.port}`];
  return { peer, folder, to };
}

test('send delivers files, and every DICOM file below a folder', async (t) => {
  const { peer, folder, to } = await withPeerAndFiles(t);

  const { code, stdout } = await runSend([join(folder, 'one.dcm'), join(folder, 'study'), ...to, '--json']);

  t.is(code, 0);
  t.like(JSON.parse(stdout), { ok: true, taken: 3, failed: 0 });
  t.deepEqual(peer.kept.map(({ sopInstanceUid }) => sopInstanceUid).toSorted(), ['1.2.1', '1.2.2', '1.2.3']);
});

test('send says what was refused, with the words of the peer, and exits with 1', async (t) => {
  const { folder, to } = await withPeerAndFiles(t, {
    answer: ({ sopInstanceUid }) =>
      sopInstanceUid === '1.2.2' ? { status: 0xa700, errorComment: 'disk full' } : { status: 0 },
  });

  const { code, stdout } = await runSend([folder, ...to]);

  t.is(code, 1);
  t.regex(stdout, /FAILED {2}.*study.2: Destination answered A700H \(Out of resources\): "disk full"/);
  t.regex(stdout, /2 files taken, 1 failed/);
});

test('send to a folder of the settings needs no network', async (t) => {
  const { folder } = await withPeerAndFiles(t);
  const NODE_CONFIG = JSON.stringify({
    destinations: {
      archive: { kind: 'folder', path: join(folder, 'archive'), template: '{SOPInstanceUID}.dcm' },
    },
  });

  const { code, stdout, stderr } = await runSend([join(folder, 'one.dcm'), '--to', 'archive'], {
    NODE_CONFIG,
  });

  t.is(code, 0, stderr);
  t.regex(stdout, /1 file taken, 0 failed/);
});

test('send of a named file that is no DICOM file fails, and the others are sent', async (t) => {
  const { peer, folder, to } = await withPeerAndFiles(t);

  const { code, stdout } = await runSend([join(folder, 'study/notes.txt'), join(folder, 'one.dcm'), ...to]);

  t.is(code, 1);
  t.regex(stdout, /FAILED .*notes\.txt/);
  t.is(peer.kept.length, 1);
});

test('send without a destination, or to an unknown one, is wrong use', async (t) => {
  for (const args of [
    ['x.dcm'],
    ['--to', 'outbox'],
    ['x.dcm', '--to', 'nobody'],
    ['x.dcm', '--to', 'a', '--port', '1'],
  ]) {
    const { code, stdout, stderr } = await runSend(args);
    t.is(code, 2, args.join(' '));
    t.is(stdout, '');
    t.regex(stderr, /Usage: slidegate send/);
  }
});
