/** The conformance statement in Markdown, in the order of PS3.2 Annex N. */
import { markdownTable } from '../config/reference.ts';
import { CIPHER_SUITES } from '../tls/profile.ts';
import { otherInputs } from './conformance-inputs.ts';
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
    otherInputs(statement),
    storageCommitment(statement),
    transferSyntaxTable(statement),
    '## 5 Storage SOP classes',
    sopClassTable(statement),
    CHARACTER_SETS,
    security(statement),
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
    ['Storage Commitment Push Model', '1.2.840.10008.1.20.1', 'yes', 'yes'],
  ];
  return `## Overview

${markdownTable(['service', 'SOP classes', 'as SCU', 'as SCP'], services)}
Modality Performed Procedure Step, Instance Availability and Query/Retrieve are not provided: their presentation contexts are refused with "abstract syntax not supported".`;
}

function storageScp(statement: ConformanceStatement): string {
  const { inputs, sources, allowAnyCaller, answers } = statement;
  const callers = Object.entries(sources).map(([name, parameters]) => [
    name,
    ...cells(parameters, ['ae_title', 'hosts', 'certificate']),
  ]);
  const admitted = allowAnyCaller
    ? 'Any calling AE title is admitted; those below are told apart by name.'
    : 'Only the callers below are admitted; all others are rejected.';
  return [
    '## 2 Verification and Storage SCP',
    'Associations are accepted on these inputs. Of a presentation context with several transfer syntaxes the first that the requestor proposes is taken, but never a lossy one beside a native or lossless one. Data sets are kept and passed on byte for byte (storage level 2, PS3.4 B.4.1). The response leaves once the instance is on disk and committed. Asynchronous operations are not negotiated.',
    ...Object.entries(inputs)
      .filter(([, { kind }]) => kind === 'dimse-scp')
      .map(([name, parameters]) => `### Input ${name}\n\n${parameterTable(parameters)}`),
    '### Callers',
    admitted,
    ...(callers.length > 0 ? [markdownTable(['source', 'AE title', 'hosts', 'certificate'], callers)] : []),
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

function storageCommitment({ destinations, sources }: ConformanceStatement): string {
  const asked = Object.entries(destinations)
    .filter(([, { commitment }]) => commitment === 'required')
    .map(([name, parameters]) => [
      name,
      ...cells(parameters, [
        'called_ae_title',
        'calling_ae_title',
        'commitment_timeout',
        'commitment_resends_max',
      ]),
    ]);
  const reported = Object.entries(sources)
    .filter(([, { commitment }]) => commitment !== undefined)
    .map(([name, { commitment }]) => [
      name,
      ...cells(commitment as Readonly<Record<string, unknown>>, [
        'host',
        'port',
        'ae_title',
        'same_association',
        'wait',
      ]),
    ]);
  const titles = ['AE title called', 'AE title calling', 'report within', 'sent again at most'];
  return [
    '## Storage Commitment',
    'Push Model, instance 1.2.840.10008.1.20.1.1, in Explicit and Implicit VR Little Endian; up to 60 000 references and 8 MiB in a request.',
    '**As SCP.** N-ACTION (Request Storage Commitment) is answered with 0000 once the request is on disk. An instance is committed to when every destination that the rules name has taken it, and committed to it where that is asked; instances that are forwarded only as converted ones are never committed to. The report waits for what is on its way, for as long as `wait` says. N-EVENT-REPORT goes over the association of the request where that is open and at rest, else over one that this application opens, proposing the SCP role (PS3.7 D.3.3.4); it is tried again for 7 days. Storage Media File-Set ID is not used, Retrieve AE Title is not sent.',
    markdownTable(['status of N-ACTION', 'meaning'], N_ACTION_STATUSES),
    markdownTable(['Failure Reason', 'of an instance that'], FAILURE_REASONS),
    ...(reported.length > 0
      ? [markdownTable(['source', 'host', 'port', 'AE title', 'same association', 'wait'], reported)]
      : []),
    '**As SCU.** Asks the destinations below, by the AE titles that it stores with. Each request has a transaction UID of its own, which is never used again. N-EVENT-REPORT is taken on any association: that of the request, or one that the SCP opens to an input, with or without negotiation of the SCP role. What a destination does not commit to is sent again. Reports of unknown transactions are answered with 0000 and change nothing.',
    asked.length > 0
      ? markdownTable(['destination', ...titles], asked)
      : 'No destination is asked in this configuration.',
  ].join('\n\n');
}

const N_ACTION_STATUSES = [
  ['0000H', 'Success: a report follows'],
  ['0112H', 'No such SOP instance: it must be 1.2.840.10008.1.20.1.1'],
  ['0114H', 'No such argument: transaction UID or references are missing'],
  ['0115H', 'Invalid argument value: the data set cannot be read, or a UID is none'],
  ['0123H', 'No such action type'],
  [
    '0131H',
    'Duplicate transaction UID: it was used for other references. The same request again is a success',
  ],
  ['0213H', 'Resource limitation: too many references, or too many requests are open'],
];

const FAILURE_REASONS = [
  ['0110H', 'is held, was passed over by a destination, or goes nowhere but as converted ones'],
  ['0112H', 'was never received, or was discarded'],
  ['0119H', 'is of another SOP class'],
  ['0213H', 'was still on its way when the time was up'],
];

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

/** PS3.15 B.12 for connections, PS3.7 D.3.3.7 for identities. */
function security({ inputs, destinations }: ConformanceStatement): string {
  const secured = Object.entries({ ...inputs, ...destinations })
    .filter(([, { tls, url, endpoint }]) => tls !== undefined && !isPlain(url ?? endpoint))
    .map(([name]) => `\`${name}\``);
  const use =
    secured.length > 0
      ? `In this configuration ${secured.join(', ')} use it; other connections are not encrypted.`
      : 'In this configuration connections are not encrypted.';
  return `## 7 Security

Secure transport connections follow the BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile (PS3.15 B.12): TLS 1.2 and 1.3, with the cipher suites ${CIPHER_SUITES.map((suite) => `\`${suite}\``).join(', ')}. An input may ask for client certificates, or require them; a Storage SCU checks the certificate of the SCP by its authority and name, or by its SHA-256 fingerprint, and shows one of its own where asked. Sessions are not resumed. Certificates are read again when their files change. ${use}

Associations are admitted by called AE title, calling AE title, address and certificate. A source may have limits: of associations open at the same time (rejected as transient, local limit exceeded) and begun within a minute (rejected as transient, temporary congestion), and of instances per second (responses are delayed).

User Identity Negotiation (PS3.7 D.3.3.7) is accepted for every type, with a positive response where one is requested; the response carries no ticket or token of the server. Type and username are logged; identities do not admit anybody. As SCU, a username or a username with passcode may be sent.`;
}

function isPlain(url: unknown): boolean {
  return typeof url === 'string' && url.startsWith('http:');
}

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
