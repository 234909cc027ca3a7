/**
 * Step module that writes down, in one file for all threads, what is written, synced and committed, in the order
 * in which it happens: it stands in for the functions of Node that do it.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, dirname } from 'node:path';
import { StatementSync } from 'node:sqlite';

const record = fs.openSync(process.env.SLIDEGATE_TEST_RECORD as string, 'a');
const { writeSync } = fs;

export function step(name: string): void {
  note(`step ${name}`);
}

function note(line: string): void {
  writeSync(record, `${line}\n`);
}

function nameOf(fd: number): string {
  const path = fs.readlinkSync(`/proc/self/fd/${fd}`);
  const folder = basename(dirname(path));
  return folder === 'segments' || folder === 'incoming' || /^[0-9]+$/.test(folder)
    ? 'instance'
    : basename(path);
}

// The ledger's thread works with the functions that return at once.
const { writevSync, fdatasyncSync, fsyncSync } = fs;
fs.writevSync = (fd, ...rest) => {
  note(`write ${nameOf(fd)}`);
  return writevSync(fd, ...rest);
};
fs.fdatasyncSync = (fd) => {
  fdatasyncSync(fd);
  note(`sync ${nameOf(fd)}`);
};
fs.fsyncSync = (fd) => {
  fsyncSync(fd);
  note(`sync ${nameOf(fd)}`);
};

// That of the files works with handles and promises.
const { rename, link } = fs.promises;
fs.promises.rename = async (from, to) => {
  await rename(from, to);
  note('name instance');
};
fs.promises.link = async (from, to) => {
  await link(from, to);
  note('name instance');
};
const handle = await fs.promises.open('/dev/null');
const prototype = Object.getPrototypeOf(handle) as fs.promises.FileHandle;
const { writev, datasync, sync } = prototype;
prototype.writev = function noted(this: fs.promises.FileHandle, ...rest: Parameters<typeof writev>) {
  note(`write ${nameOf(this.fd)}`);
  return writev.apply(this, rest);
} as typeof writev;
prototype.datasync = async function noted(this: fs.promises.FileHandle) {
  await datasync.call(this);
  note(`sync ${nameOf(this.fd)}`);
};
prototype.sync = async function noted(this: fs.promises.FileHandle) {
  await sync.call(this);
  note(`sync ${nameOf(this.fd)}`);
};
await handle.close();
syncBuiltinESMExports();

const { run } = StatementSync.prototype;
StatementSync.prototype.run = function noted(this: StatementSync, ...rest: Parameters<typeof run>) {
  const result = run.apply(this, rest);
  if (this.sourceSQL === 'COMMIT') note('commit');
  return result;
} as typeof run;
