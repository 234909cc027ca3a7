/** Text in the character sets of the world, whole and broken, before rules that ask about it. Fault case 14. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { spoolReaches, startTestGateway } from '../support/gateway.ts';
import { dataSetsBelow } from '../support/part10.ts';
import { RequestorPeer } from '../support/peer.ts';
import { type SmallInstance, smallInstance } from '../support/small-instance.ts';
import { auditFiles, auditLedger } from '../support/spool-audit.ts';

const NAMES = ['Buc^Jérôme', 'Люкceмбypг', '山田^太郎', '김희중', '王^小东'];
const RULES = `rules:
${NAMES.map(
  (name, index) => `  - name: name ${index}
    when: { attribute: PatientName, contains: "${name}" }
    to: [named-${index}]
`,
).join('')}  - name: comparisons of every kind
    when:
      any:
        - { attribute: PatientName, matches: "^(x+x+)+y$" }
        - { attribute: PatientID, is: nobody }
        - { attribute: InstitutionName, in: [nowhere] }
    to: [others]
otherwise: { to: [others] }
`;

/** Specific Character Set, Patient's Name as bytes, and the destination that the rules must find. */
const READABLE: readonly (readonly [terms: string, name: Buffer, destination: string])[] = [
  ['ISO_IR 100', Buffer.from('Buc^Jérôme', 'latin1'), 'named-0'],
  ['ISO_IR 192', Buffer.from('Buc^Jérôme'), 'named-0'],
  ['ISO_IR 144', Buffer.from('\xbb\xee\xdace\xdc\xd1yp\xd3', 'latin1'), 'named-1'],
  ['ISO_IR 192', Buffer.from('Yamada^Tarou=山田^太郎=やまだ^たろう'), 'named-2'],
  ['\\ISO 2022 IR 87', Buffer.from('Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=', 'latin1'), 'named-2'],
  ['\\ISO 2022 IR 149', Buffer.from('Hong=\x1b$)C\xb1\xe8\xc8\xf1\xc1\xdf=', 'latin1'), 'named-3'],
  ['GB18030', Buffer.from('Wang=\xcd\xf5^\xd0\xa1\xb6\xab=', 'latin1'), 'named-4'],
  ['\\ISO 2022 IR 58', Buffer.from('W=\x1b$)A\xcd\xf5^\x1b$)A\xd0\xa1\xb6\xab=', 'latin1'), 'named-4'],
];

/** What nobody can read, or not whole: no rule matches, and none throws. */
const UNREADABLE: readonly (readonly [terms: string, name: Buffer])[] = [
  ['ISO_IR 192', Buffer.from([0xc3, 0x28, 0xff, 0xfe, 0x80])],
  ['ISO_IR 192', Buffer.from('山田').subarray(0, -1)],
  ['\\ISO 2022 IR 87', Buffer.from('\x1b$B;', 'latin1')],
  ['\\ISO 2022 IR 87', Buffer.from('\x1b$B\x7f\x7f\x00\x1b', 'latin1')],
  ['\\ISO 2022 IR 87', Buffer.from('\x1b\x1b\x1b(', 'latin1')],
  ['\\ISO 2022 IR 149', Buffer.from('\x1b$)C\xb1', 'latin1')],
  ['GB18030', Buffer.from([0x81, 0x30, 0x81])],
  ['ISO_IR 999', Buffer.from('\xbb\xee', 'latin1')],
  ['not a character set', Buffer.from('\xe9\xe8', 'latin1')],
  ['\\\\\\\\', Buffer.from('\xe9', 'latin1')],
  ['', Buffer.from('J\xe9r\xf4me', 'latin1')],
  ['ISO_IR 100', Buffer.alloc(64, 0)],
];

const OTHERS = 'others';
const TERMS = [...new Set([...READABLE, ...UNREADABLE].map(([terms]) => terms))];

test('rules match what is readable in any character set, never throw on the rest, and change no byte', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'slidegate-character-sets-'));
  const names = [...NAMES.map((_, index) => `named-${index}`), OTHERS];
  const destinations = Object.fromEntries(
    names.map((name) => [name, { kind: 'folder', path: join(folder, name) }]),
  );
  await using gateway = await startTestGateway({
    rules: RULES,
    folder,
    settings: { destinations: { outbox: null, ...destinations } },
  });
  const random = fc.sample(fc.tuple(fc.constantFrom(...TERMS), fc.uint8Array({ maxLength: 60 })), {
    numRuns: 300,
    seed: 14,
  });
  const sent = [
    ...READABLE.map(([terms, name, destination]) => ({ instance: named(terms, name), destination })),
    ...UNREADABLE.map(([terms, name]) => ({ instance: named(terms, name), destination: OTHERS })),
    // Random bytes may come to read as anything: these need only arrive somewhere.
    ...random.map(([terms, name]) => ({ instance: named(terms, name), destination: undefined })),
  ];

  const peer = await RequestorPeer.associate(gateway.port, [sent[0]!.instance]);
  for (const { instance } of sent) t.regex(await peer.store(instance), /: 0000H$/);
  await peer.release();

  const { states } = await spoolReaches(gateway.spool, (now) => now.states.pending === 0);
  t.deepEqual(states, { pending: 0, held: 0, discarded: 0, delivered: sent.length });
  const arrived = new Map(
    await Promise.all(names.map(async (name) => [name, await dataSetsBelow(join(folder, name))] as const)),
  );
  for (const { instance, destination } of sent) {
    const { sopInstanceUid, dataSet } = instance;
    const there = names.filter((name) => arrived.get(name)?.has(sopInstanceUid));
    t.is(there.length, 1);
    if (destination !== undefined) t.deepEqual(there, [destination], sopInstanceUid);
    t.true(
      arrived
        .get(there[0] ?? '')
        ?.get(sopInstanceUid)
        ?.dataSet.equals(dataSet),
    );
  }
  const directory = join(folder, 'spool');
  t.deepEqual([...auditLedger(directory), ...auditFiles(directory)], []);
});

let instances = 0;

function named(terms: string, name: Uint8Array): SmallInstance {
  instances += 1;
  const padded = Buffer.concat([name, Buffer.alloc(name.length % 2, ' ')]);
  return smallInstance({
    sopInstanceUid: `1.2.3.14.${instances}`,
    patientName: padded,
    elements: [
      [0x0008_0005, 'CS', terms],
      [0x0008_0080, 'LO', padded],
    ],
  });
}
