#!/usr/bin/env node
/**
 * # slidegate
 *
 * The process entry: finds the command, runs it, and turns what comes back into an exit code.
 *
 * 0 done · 1 failed or refused · 2 wrong use. Whatever a program may read goes to standard output,
 * everything said to a person about a failure to standard error.
 */
import { readFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Command, UsageError } from './cli/command.ts';
import { commands } from './cli/commands.ts';
import { didYouMean } from './did-you-mean.ts';
import { GatewayError } from './errors.ts';

// Stripping the types of some hundred files is most of what a short command does: the second time it is not done.
// In a folder of the user's own: whoever can write there decides what runs.
enableCompileCache(join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'slidegate'));

// `slidegate status | head` closes the pipe early: that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

process.exitCode = await main(process.argv.slice(2));

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') return help(name, args);
  if (name === '--version' || name === 'version') return print(version());

  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load === undefined) {
    return complain(`There is no command "${name}"${didYouMean(name, Object.keys(commands))}`, 2);
  }
  const command = await load();
  return args.includes('--help') || args.includes('-h') ? print(usageOf(command)) : run(command, args);
}

async function run(command: Command, args: readonly string[]): Promise<number> {
  try {
    return await command.run(args);
  } catch (error) {
    if (isWrongUse(error)) {
      console.error(`slidegate ${command.name}: ${error.message}\n\n${usageOf(command)}`);
      return 2;
    }
    if (error instanceof GatewayError) return complain(error.message, 1);
    // A bug: with its stack, so that it can be reported.
    console.error(error);
    return 1;
  }
}

/** Thrown by ourselves, or by `parseArgs` of node:util. */
function isWrongUse(error: unknown): error is Error {
  if (error instanceof UsageError) return true;
  return error instanceof Error && String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS');
}

async function help(asked: string | undefined, [name]: readonly string[]): Promise<number> {
  if (name !== undefined) return main([name, '--help']);
  const all = await Promise.all(Object.values(commands).map((load) => load()));
  const width = Math.max(...all.map((command) => command.name.length));
  const lines = all.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`);
  const text = `Slidegate ${version()}, a DICOM gateway.

Usage: slidegate <command> [options]

${lines.join('\n')}

slidegate <command> --help says more. Settings: config/REFERENCE.md.`;
  // Asked for, it is an answer; otherwise the command was used wrongly.
  if (asked !== undefined) return print(text);
  console.error(text);
  return 2;
}

function usageOf(command: Command): string {
  return `${command.summary}\n\n${command.usage}`;
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function print(text: string): number {
  console.log(text);
  return 0;
}

function complain(message: string, exitCode: number): number {
  console.error(`slidegate: ${message}`);
  return exitCode;
}
