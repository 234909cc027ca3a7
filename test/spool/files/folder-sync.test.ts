import { mkdtempSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { FolderSync } from '../../../src/spool/files/folder-sync.ts';

const folder = mkdtempSync(join(tmpdir(), 'slidegate-folder-'));
test.after.always(() => rmSync(folder, { recursive: true }));

test('FolderSync lets all who ask while a sync runs share the next', async (t) => {
  const handle = await open(folder, 'r');
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const { sync } = prototype;
  let syncs = 0;
  prototype.sync = function counted(this: FileHandle) {
    syncs += 1;
    return sync.call(this);
  };
  const folderSync = new FolderSync(folder);

  await Promise.all(Array.from({ length: 20 }, () => folderSync.sync()));
  t.is(syncs, 2);
  await folderSync.sync();

  t.is(syncs, 3);
  prototype.sync = sync;
});

test('FolderSync tells of a failure everyone whom it concerns, and tries again for the others', async (t) => {
  const missing = join(folder, 'missing');
  const folderSync = new FolderSync(missing);

  const results = await Promise.allSettled([folderSync.sync(), folderSync.sync(), folderSync.sync()]);

  t.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'rejected', 'rejected'],
  );
});
