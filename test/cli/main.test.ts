import { execFile } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { commands } from '../../src/cli/commands.ts';
import { slidegate } from '../support/command-line.ts';

const project = join(import.meta.dirname, '../..');

test.serial('--help lists every command on standard output and succeeds', async (t) => {
  const { code, stdout, stderr } = await slidegate(['--help']);

  t.is(code, 0);
  t.is(stderr, '');
  for (const name of Object.keys(commands)) t.regex(stdout, new RegExp(`^  ${name} +[A-Z]`, 'm'));
});

test.serial('no command at all is wrong use: the help goes to standard error', async (t) => {
  const { code, stdout, stderr } = await slidegate([]);

  t.is(code, 2);
  t.is(stdout, '');
  t.regex(stderr, /Usage: slidegate <command>/);
});

test.serial('--version prints the version of package.json', async (t) => {
  const { version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { version: string };

  t.deepEqual(await slidegate(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
});

test.serial('an unknown command is answered with the one that was meant', async (t) => {
  const { code, stderr } = await slidegate(['confg', 'check']);

  t.is(code, 2);
  t.is(stderr, 'slidegate: There is no command "confg"; did you mean "config"?\n');
});

test.serial('a name of JavaScript is no command', async (t) => {
  t.is((await slidegate(['constructor'])).code, 2);
});

test.serial('an unknown option is wrong use, with the usage of the command', async (t) => {
  const { code, stderr } = await slidegate(['status', '--jsn']);

  t.is(code, 2);
  t.regex(stderr, /^slidegate status: Unknown option '--jsn'/);
  t.regex(stderr, /Usage: slidegate status/);
});

test.serial('--help of a command says how it is used, wherever it stands', async (t) => {
  for (const args of [
    ['status', '--help'],
    ['help', 'status'],
    ['status', '--json', '-h'],
  ]) {
    const { code, stdout } = await slidegate(args);
    t.is(code, 0, args.join(' '));
    t.regex(stdout, /Usage: slidegate status/);
  }
});

test.serial('main.ts can be executed as it is, for npx', (t) => {
  const path = join(project, 'src/main.ts');

  t.notThrows(() => accessSync(path, constants.X_OK));
  t.true(readFileSync(path, 'utf8').startsWith('#!/usr/bin/env node\n'));
});

test.serial('a reader that closes the pipe early is no failure', async (t) => {
  const main = join(project, 'src/main.ts');
  const command = `"${process.execPath}" "${main}" config describe | head -1; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', command], { cwd: project });

  t.is(stderr, '');
  t.is(stdout.trim().split('\n').at(-1), '0');
});
