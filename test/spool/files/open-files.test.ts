import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { OpenFiles } from '../../../src/spool/files/open-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'slidegate-open-'));
test.after.always(() => rmSync(folder, { recursive: true }));

function file(name: string): string {
  const path = join(folder, name);
  writeFileSync(path, name);
  return path;
}

/** How many descriptors of this process are open on the folder. */
function openCount(): number {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // That of the listing itself.
    }
  });
  return targets.filter((target) => target.startsWith(folder)).length;
}

test.serial('OpenFiles opens a file once for all who read it, and keeps it for the next', async (t) => {
  const files = new OpenFiles();
  const path = file('a');
  const readers = await Promise.all([files.acquire(path), files.acquire(path)]);
  t.is(readers[0]?.file, readers[1]?.file);
  for (const { release } of readers) await release();

  const again = await files.acquire(path);

  t.is(again.file, readers[0]?.file);
  await again.release();
  await again.release();
  await files.close();
  t.is(openCount(), 0);
});

test.serial('OpenFiles keeps few files open that nobody reads', async (t) => {
  const files = new OpenFiles();
  for (let index = 0; index < 40; index += 1) await (await files.acquire(file(`b${index}`))).release();

  t.is(openCount(), 16);

  await files.close();
  t.is(openCount(), 0);
});

test.serial('OpenFiles lets a reader finish a file that is being removed, then closes it', async (t) => {
  const files = new OpenFiles();
  const path = file('c');
  const { file: handle, release } = await files.acquire(path);

  await files.forget([path]);
  unlinkSync(path);

  t.is((await handle.read(Buffer.alloc(10), 0, 10, 0)).bytesRead, 1);
  t.false(existsSync(path));
  await release();
  t.is(openCount(), 0);
});

test.serial('OpenFiles tries again a file that could not be opened', async (t) => {
  const files = new OpenFiles();
  const path = join(folder, 'late');
  await t.throwsAsync(files.acquire(path), { code: 'ENOENT' });
  file('late');

  const { release } = await files.acquire(path);

  await release();
  await files.close();
});
