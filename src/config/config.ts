/**
 * # Settings
 *
 * Loads `config/default.yaml`, the file named in SLIDEGATE_CONFIG and NODE_CONFIG, validates what comes out and
 * freezes it. Whoever gets `Settings` may rely on every value: each has its type, its default and its bounds.
 *
 * One error lists everything that is wrong, with path and place. NODE_ENV changes nothing.
 *
 * Deliberately absent: reading of rules, and any check that needs the network or the disk.
 */

import { SettingsError, type SettingsProblem } from './errors.ts';
import { lintSettings } from './lint.ts';
import { problemAt, problemsOf } from './problems.ts';
import { Settings } from './schema.ts';
import { settingTree } from './setting-tree.ts';
import { hasPath, readSources, type SourceOptions } from './sources.ts';

export { formatProblem, SettingsError, type SettingsProblem } from './errors.ts';
export type { Settings } from './schema.ts';

export interface CheckedSettings {
  readonly settings: Settings;
  /** What was read, lowest first, as it may be shown. */
  readonly sources: readonly string[];
  /** Nothing that keeps the gateway from starting. */
  readonly warnings: readonly SettingsProblem[];
}

/**
 * The settings in force.
 *
 * @throws {SettingsError} listing every problem
 */
export function loadSettings(options?: Partial<SourceOptions>): Settings {
  return checkSettings(options).settings;
}

/**
 * The settings in force, with what is to be said about them.
 *
 * @param options `file` is read instead of the one that SLIDEGATE_CONFIG names
 * @throws {SettingsError} listing every problem
 */
export function checkSettings(options?: Partial<SourceOptions>): CheckedSettings {
  const { values, sources, problems } = readSources({ env: process.env, ...options });
  if (problems.length > 0) throw new SettingsError(problems);

  const parsed = Settings.safeParse(values);
  if (!parsed.success) {
    throw new SettingsError(problemsOf(parsed.error, { tree: settingTree(Settings), values, sources }));
  }
  const stated = sources.filter((source) => source.stated);
  const findings = lintSettings(parsed.data, (path) => stated.some((source) => hasPath(source.values, path)));
  const found = (severity: 'error' | 'warning') =>
    findings
      .filter((finding) => finding.severity === severity)
      .map(({ path, message }) => problemAt(path, message, sources));
  const errors = found('error');
  if (errors.length > 0) throw new SettingsError(errors);
  return {
    settings: freeze(parsed.data),
    sources: sources.map(({ name }) => name),
    warnings: found('warning'),
  };
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(freeze);
    Object.freeze(value);
  }
  return value;
}
