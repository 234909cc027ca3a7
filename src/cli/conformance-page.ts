/** The conformance statement in Markdown, in the order of PS3.2 Annex N. */
import { markdownTable } from '../config/reference.ts';
import type { ConformanceStatement, ProducedObject } from './conformance-statement.ts';

export function conformancePage(statement: ConformanceStatement): string {
  const { product, produced } = statement;
  return [
    `# DICOM conformance statement: ${product.name} ${product.version}`,
    'Made by `slidegate conformance` from the tables that the program runs on and from the settings in force. Durations are in milliseconds, lengths in bytes.',
    overview(statement),
    '## 1 Implementation',
    markdownTable(
      ['item', 'value'],
      [
        ['Implementation Class UID', product.implementationClassUid],
        ['Implementation Version Name', product.implementationVersionName],
        ['Application context', '1.2.840.10008.3.1.1.1 (DICOM application context)'],
      ],
    ),
    storageScp(statement),
    storageScu(statement),
    transferSyntaxTable(statement),
    '## 5 Storage SOP classes',
    sopClassTable(statement),
    CHARACTER_SETS,
    SECURITY,
    ...(produced ? [producedObject(produced)] : []),
  ]
    .join('\n\n')
    .replace(/\n{3,}/g, '\n\n');
}

function overview({ acceptUnknownSopClasses }: ConformanceStatement): string {
  const storage = acceptUnknownSopClasses ? 'all of section 5, and any other' : 'all of section 5';
  const services = [
    ['Verification', '1.2.840.10008.1.1', 'yes', 'yes'],
    ['Storage', storage, 'yes', 'yes'],
  ];
  return `## Overview

${markdownTable(['service', 'SOP classes', 'as SCU', 'as SCP'], services)}
Storage commitment, Modality Performed Procedure Step, Instance Availability and Query/Retrieve are not provided: their presentation contexts are refused with "abstract syntax not supported".`;
}

function storageScp(statement: ConformanceStatement): string {
  const { inputs, sources, allowAnyCaller, answers } = statement;
  const callers = Object.entries(sources).map(([name, parameters]) => [
    name,
    ...cells(parameters, ['ae_title', 'hosts']),
  ]);
  const admitted = allowAnyCaller
    ? 'Any calling AE title is admitted; those below are told apart by name.'
    : 'Only the callers below are admitted; all others are rejected.';
  return [
    '## 2 Verification and Storage SCP',
    'Associations are accepted on these inputs. Of a presentation context with several transfer syntaxes the first that the requestor proposes is taken, but never a lossy one beside a native or lossless one. Data sets are kept and passed on byte for byte (storage level 2, PS3.4 B.4.1). The response leaves once the instance is on disk and committed. Asynchronous operations are not negotiated.',
    ...Object.entries(inputs).map(
      ([name, parameters]) => `### Input ${name}\n\n${parameterTable(parameters)}`,
    ),
    '### Callers',
    admitted,
    ...(callers.length > 0 ? [markdownTable(['source', 'AE title', 'hosts'], callers)] : []),
    '### Responses to C-STORE',
    markdownTable(
      ['status', 'meaning'],
      answers.map(({ status, meaning }) => [status, meaning]),
    ),
  ].join('\n\n');
}

function storageScu({ destinations, reactions }: ConformanceStatement): string {
  const outcome: Readonly<Record<string, string>> = {
    delivered: 'delivered',
    warning: 'delivered, with a warning that is kept',
    duplicate: 'delivered, unless the destination is set to treat it as an error',
    'retry-long': 'tried again, after a long wait',
    'retry-limited': 'tried again a few times, then held',
    hold: 'held for an operator',
    'protocol-error': 'unclear: sent again',
  };
  return [
    '## 3 Verification and Storage SCU',
    'One presentation context is proposed for every SOP class and transfer syntax that waits, besides Explicit and Implicit VR Little Endian for each SOP class; what is native is rewritten between these two where the receiver takes only the other. Instances keep their SOP Instance UID whatever happens.',
    ...Object.entries(destinations).map(
      ([name, parameters]) => `### Destination ${name}\n\n${parameterTable(parameters)}`,
    ),
    '### What responses to C-STORE lead to',
    markdownTable(
      ['status', 'meaning', 'the instance is'],
      reactions.map((row) => [row.statuses, row.meaning, outcome[row.outcome] ?? row.outcome]),
    ),
    'An association that is aborted, or a response that does not come in time, leaves it unclear whether the instance was taken: it is sent again.',
  ].join('\n\n');
}

function transferSyntaxTable({ transferSyntaxes }: ConformanceStatement): string {
  const rows = transferSyntaxes.map(({ uid, title, name, retired }) => [
    retired ? `${title} (retired)` : title,
    uid,
    `\`${name}\``,
  ]);
  return `## 4 Transfer syntaxes\n\nAccepted for every storage SOP class, stored and forwarded unchanged.\n\n${markdownTable(['transfer syntax', 'UID', 'name in settings'], rows)}`;
}

function sopClassTable({ storageSopClasses, acceptUnknownSopClasses }: ConformanceStatement): string {
  const rows = storageSopClasses.map(({ uid, name, retired }) => [retired ? `${name} (retired)` : name, uid]);
  const others = acceptUnknownSopClasses
    ? 'SOP classes that are not in this table, private ones too, are accepted as well.'
    : 'Other SOP classes are refused.';
  return `${others}\n\n${markdownTable(['SOP class', 'UID'], rows)}`;
}

const CHARACTER_SETS = `## 6 Character sets

Data sets pass through unchanged, whatever their Specific Character Set. Rules read ISO_IR 6, 13, 100, 101, 109, 110, 126, 127, 138, 144, 148, 166, 192, ISO 2022 code extensions for Japanese, Korean and Chinese, GB18030 and GBK. Values set by a rule are written in the character set of the data set; converted instances use ISO_IR 192.`;

const SECURITY = `## 7 Security

Associations are admitted by calling AE title, called AE title and address. Connections are not encrypted.`;

function producedObject({ name, sopClassUid, modules }: ProducedObject): string {
  const tables = modules.map(({ name: module, usage, attributes }) => {
    const rows = attributes.map(({ tag, keyword, type, depth }) => [
      `${'>'.repeat(depth)}${keyword}`,
      tag,
      type,
    ]);
    const table =
      rows.length > 0 ? markdownTable(['attribute', 'tag', 'type'], rows) : 'No attribute of Type 1 or 2.\n';
    return `### ${module} (${usage})\n\n${table}`;
  });
  return [
    `## 8 Converted instances: ${name}`,
    `SOP class ${sopClassUid}. Attributes of Type 1, 1C, 2 and 2C that every converted instance is checked for before it is sent; conditional ones where their condition holds. M mandatory, C conditional.`,
    ...tables,
  ].join('\n\n');
}

function parameterTable(parameters: Readonly<Record<string, unknown>>): string {
  const rows = Object.entries(parameters).map(([name, value]) => [`\`${name}\``, shown(value)]);
  return markdownTable(['setting', 'value'], rows);
}

function cells(parameters: Readonly<Record<string, unknown>>, names: readonly string[]): readonly string[] {
  return names.map((name) => (parameters[name] === undefined ? 'any' : shown(parameters[name])));
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.map(shown).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
