import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { buildRuleSet, type RuleText } from './build-rule-set.ts';
import { RuleFileError, wholeFile } from './errors.ts';
import type { RuleSet } from './rule-set.ts';

const FILE_BYTES_MAX = 4_000_000;

/**
 * Loads a rule file, or all `*.yaml` files of a folder (not of folders in it) by name.
 *
 * @throws {RuleFileError} listing every problem with file, line and column
 */
export async function loadRules(path: string): Promise<RuleSet> {
  return buildRuleSet(path, await readFiles(path));
}

async function readFiles(path: string): Promise<readonly RuleText[]> {
  let files: readonly string[];
  try {
    files = (await stat(path)).isDirectory() ? await yamlFilesOf(path) : [path];
    if (files.length === 0)
      throw new RuleFileError(path, [wholeFile(path, 'there is no *.yaml file in this folder')]);
    return await Promise.all(files.map(readRuleText));
  } catch (error) {
    if (error instanceof RuleFileError) throw error;
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    const says = code === 'ENOENT' ? 'there is no such file or folder' : `cannot be read: ${code}`;
    throw new RuleFileError(path, [wholeFile(path, says)]);
  }
}

async function yamlFilesOf(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  // Left out silently, the rules of such a file would be missed only when an instance has gone the wrong way.
  const misnamed = names.filter((name) => name.endsWith('.yml')).sort();
  if (misnamed.length > 0) {
    const says = 'is not read, for its name ends in .yml: name it .yaml, or move it out of this folder';
    throw new RuleFileError(
      folder,
      misnamed.map((name) => wholeFile(join(folder, name), says)),
    );
  }
  return names
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => join(folder, name));
}

async function readRuleText(file: string): Promise<RuleText> {
  const { size } = await stat(file);
  if (size > FILE_BYTES_MAX) {
    throw new RuleFileError(file, [
      wholeFile(file, `${size} bytes are too many: a rule file has at most ${FILE_BYTES_MAX}`),
    ]);
  }
  const bytes = await readFile(file);
  try {
    // Another encoding would turn the words of a condition into ones that nothing matches.
    return { file, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    throw new RuleFileError(file, [wholeFile(file, 'is not UTF-8 text: save it in that encoding')]);
  }
}
