/** What can be set, in the three forms that people and editors read: made from the schema, like everything else. */
import { readErrorCodes } from './error-codes.ts';
import { exampleYaml } from './example.ts';
import { settingsJsonSchema } from './json-schema.ts';
import { referenceOfSettings, referencePage } from './reference.ts';
import { Settings } from './schema.ts';
import { type Setting, settingTree } from './setting-tree.ts';

/**
 * The settings at a path, or all of them.
 *
 * @param path dotted, such as `spool` or `destinations`; only for Markdown
 * @returns undefined when there is no such setting
 */
export function describeSettings(format: 'markdown' | 'json' | 'yaml', path = ''): string | undefined {
  if (format === 'json') return settingsJsonSchema(Settings);
  const tree = settingTree(Settings);
  if (format === 'yaml') return exampleYaml(tree);
  const setting = path === '' ? tree : memberAt(tree, path.split('.'));
  return setting && referenceOfSettings(setting, path);
}

/** config/slidegate.schema.json */
export function generateJsonSchema(): string {
  return settingsJsonSchema(Settings);
}

/** config/slidegate.example.yaml */
export function generateExample(): string {
  return exampleYaml(settingTree(Settings));
}

/** config/REFERENCE.md */
export function generateReference(): Promise<string> {
  return referencePage(settingTree(Settings), readErrorCodes());
}

function memberAt(setting: Setting, [name, ...rest]: readonly string[]): Setting | undefined {
  if (name === undefined) return setting;
  if (setting.type === 'section') {
    const member = setting.members.get(name);
    return member && memberAt(member, rest);
  }
  return setting.type === 'named' ? memberAt(setting.each, rest) : undefined;
}
