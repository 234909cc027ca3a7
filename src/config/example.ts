/** Every setting with its meaning and default, ready to copy from; made from the schema. */
import { stringify } from 'yaml';
import type { Setting } from './setting-tree.ts';

const HEADER = `# yaml-language-server: $schema=./slidegate.schema.json
#
# Every setting of Slidegate with its default. Made from the settings themselves by \`npm run generate\`.
#
# Copy what you change into a file of your own and name that file in SLIDEGATE_CONFIG. Lines that begin with "# "
# explain; lines that begin with "#" alone are settings: take the "#" away to set them. What has no default shows
# an example.
`;

/** For settings without a default, by name; the rest is made from the type. */
const EXAMPLES: Readonly<Record<string, unknown>> = {
  host: '10.0.0.5',
  hosts: ['10.0.0.0/24'],
  port: 104,
  ae_title: 'CT1',
  called_ae_title: 'PACS',
  calling_ae_title: 'SLIDEGATE',
  path: './outbox',
  url: 'https://pacs.example.org/dicom-web',
  endpoint: 'https://s3.example.org',
  bucket: 'images',
  storage_class: 'STANDARD_IA',
  time_zone: 'Europe/Berlin',
  certificate: '/etc/slidegate/gate.pem',
  key: '/etc/slidegate/gate.key',
  key_passphrase_env: 'GATE_KEY_PASSPHRASE',
  ca: '/etc/slidegate/ca.pem',
  server_name: 'pacs.example.org',
  username: 'gate',
  passcode_env: 'PACS_PASSCODE',
  subject: 'CN=CT1, O=General Hospital',
  sha256: '3f9a'.repeat(16),
  user: 'gate',
  password_file: '/etc/slidegate/mail-password',
  password_env: 'MAIL_PASSWORD',
  from: 'slidegate@hospital.example',
  to: ['pacs@hospital.example'],
  url_file: '/etc/slidegate/webhook-url',
  url_env: 'WEBHOOK_URL',
  secret_file: '/etc/slidegate/webhook-secret',
  secret_env: 'WEBHOOK_SECRET',
};
/** Settings that stand in the place of the one before them: both together are wrong. */
const INSTEAD = new Set(['password_env', 'url_file', 'url_env', 'secret_env']);
/** Names for the members of a section with names of the site's own choice. */
const NAMES: Readonly<Record<string, string>> = { sources: 'ct1' };
const LINE_LENGTH = 106;

export function exampleYaml(settings: Setting): string {
  if (settings.type !== 'section')
    throw new TypeError('Cannot make an example: the settings must be a section');
  const sections = [...settings.members].map(([name, section]) => lines(name, section, '').join('\n'));
  return `${HEADER}\n${sections.join('\n\n')}\n`;
}

/** One setting with all that is below it, its comment first. */
function lines(name: string, setting: Setting, indent: string): readonly string[] {
  const comment = commentOf(setting).flatMap((text) => wrap(text, `${indent}# `));
  const deeper = `${indent}  `;
  switch (setting.type) {
    case 'section':
      return [...comment, `${indent}#${name}:`, ...members(setting, deeper)];
    case 'kinds': {
      // An object of which the default says the kind; otherwise of the first.
      const kind =
        (setting.default as { kind?: string } | undefined)?.kind ?? [...setting.kinds.keys()][0] ?? '';
      const chosen = setting.kinds.get(kind);
      return [...comment, `${indent}#${name}:`, ...(chosen ? members(chosen, deeper) : [])];
    }
    case 'named':
      return [...comment, `${indent}#${name}:`, ...namedMembers(name, setting.each, deeper)];
    default:
      return [...comment, ...wrapValue(name, setting, indent)];
  }
}

function members(section: Setting, indent: string): readonly string[] {
  if (section.type !== 'section') return [];
  return [...section.members].flatMap(([name, member]) => lines(name, member, indent));
}

/** One example per kind, or one. */
function namedMembers(section: string, each: Setting, indent: string): readonly string[] {
  if (each.type !== 'kinds') return lines(NAMES[section] ?? 'example', each, indent);
  return [...each.kinds].flatMap(([kind, setting]) => lines(`my-${kind}`, setting, indent));
}

function commentOf(setting: Setting): readonly string[] {
  return setting.description ? [setting.description] : [];
}

function wrapValue(name: string, setting: Setting, indent: string): readonly string[] {
  const value = stringify({ [name]: exampleValue(name, setting) }, { collectionStyle: 'flow', lineWidth: 0 });
  // `{ name: value }` in flow style; the outer braces are not ours.
  const text = value
    .trim()
    .replace(/^\{\s*/, '')
    .replace(/\s*\}$/, '');
  return [INSTEAD.has(name) ? `${indent}# or instead: ${text}` : `${indent}#${text}`];
}

function exampleValue(name: string, setting: Setting): unknown {
  if (setting.default !== undefined) return setting.default;
  if (Object.hasOwn(EXAMPLES, name)) return EXAMPLES[name];
  if (setting.type === 'list') return [];
  if (setting.type !== 'value') return {};
  const { schema } = setting;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.type === 'integer' || schema.type === 'number') return schema.minimum ?? 1;
  if (schema.type === 'boolean') return false;
  return setting.expects.includes('duration') ? '30s' : 'example';
}

function wrap(text: string, prefix: string): readonly string[] {
  const wrapped: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line && prefix.length + line.length + 1 + word.length > LINE_LENGTH) {
      wrapped.push(prefix + line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return [...wrapped, prefix + line];
}
