import { deflateRawSync, inflateRawSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { type AttributeEdit, applyEdits } from '../../src/dicom/edits.ts';
import { EditError, TagPathError } from '../../src/dicom/errors.ts';
import { indexHeader } from '../../src/dicom/header-index.ts';
import { DEFLATED_LE, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE } from '../../src/dicom/transfer-syntax.ts';
import {
  BIG_ENDIAN,
  EXPLICIT,
  el,
  IMPLICIT,
  type RawElementSpec,
  type RawEncoding,
  rawElements,
  us,
} from '../support/raw-elements.ts';

const ENCODINGS: Readonly<Record<string, RawEncoding>> = {
  [EXPLICIT_LE]: EXPLICIT,
  [IMPLICIT_LE]: IMPLICIT,
  [EXPLICIT_BE]: BIG_ENDIAN,
};
const META_BYTES = 100;

const PIXELS = el(0x7fe00010, 'OW', new Uint8Array(64).fill(7));

/** One of everything that a careless rewriting would lose or change. */
const SPECS = [
  el(0x00080005, 'CS', 'ISO_IR 100'),
  el(0x00080060, 'CS', 'OT'),
  el(0x00091001, 'UN', 'odd'),
  el(0x00100010, 'PN', 'M\xfcller  '),
  el(0x00280010, 'US', us(2)),
  el(0x00400275, 'SQ', [[el(0x00400007, 'LO', 'one ')], [el(0x00400007, 'LO', 'two ')]]),
  el(0x00480105, 'SQ', [[el(0x00480106, 'SH', '1 '), el(0x00480107, 'ST', 'odd')], []], {
    undefinedLength: true,
  }),
  el(0x00880904, 'LO', 'last'),
];

/** The data set after the edits, as it would be sent. */
function edited(
  specs: readonly RawElementSpec[],
  edits: readonly AttributeEdit[],
  options: { uid?: string; headBytes?: number } = {},
): Buffer {
  const { uid = EXPLICIT_LE, headBytes } = options;
  const file = Buffer.concat([Buffer.alloc(META_BYTES, 1), rawElements(ENCODINGS[uid]!, specs)]);
  const before = Buffer.from(file);
  const head = file.subarray(0, headBytes);
  const index = indexHeader(head, {
    transferSyntaxUid: uid,
    dataSetOffset: META_BYTES,
    totalBytes: file.length,
  });
  const { prefix, restOffset } = applyEdits(index, head, edits);
  if (!file.equals(before)) throw new Error('The head was changed');
  return Buffer.concat([prefix, file.subarray(restOffset)]);
}

function withSpecs(change: (specs: RawElementSpec[]) => void): readonly RawElementSpec[] {
  const specs = [...SPECS, PIXELS];
  change(specs);
  return specs;
}

for (const uid of [EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE]) {
  const expect = (change: (specs: RawElementSpec[]) => void) =>
    rawElements(ENCODINGS[uid]!, withSpecs(change));
  const apply = (...edits: readonly AttributeEdit[]) => edited([...SPECS, PIXELS], edits, { uid });

  test(`no edit changes nothing in ${uid}`, (t) => {
    t.deepEqual(
      apply(),
      expect(() => {}),
    );
    t.deepEqual(
      apply({ remove: 'PatientID' }),
      expect(() => {}),
    );
    t.deepEqual(
      apply({ remove: 'RequestAttributesSequence[7]' }),
      expect(() => {}),
    );
  });

  test(`a value is set in place in ${uid}, in the character set of the data set`, (t) => {
    t.deepEqual(
      apply({ set: 'PatientName', value: ['Möll'] }),
      expect((specs) => {
        specs[3] = el(0x00100010, 'PN', 'M\xf6ll');
      }),
    );
  });

  test(`numbers and several values are set in ${uid}`, (t) => {
    t.deepEqual(
      apply({ set: 'Rows', value: [3] }, { set: 'Modality', value: ['A', 'BC'] }),
      expect((specs) => {
        specs[4] = el(0x00280010, 'US', us(3));
        specs[1] = el(0x00080060, 'CS', 'A\\BC');
      }),
    );
  });

  test(`an absent attribute is put in the order of tags in ${uid}`, (t) => {
    t.deepEqual(
      apply({ set: 'PatientID', value: ['4711'] }, { set: 'BurnedInAnnotation', value: [] }),
      expect((specs) => {
        specs.splice(5, 0, el(0x00280301, 'CS', ''));
        specs.splice(4, 0, el(0x00100020, 'LO', '4711'));
      }),
    );
  });

  test(`attributes are removed, also those of a private block, in ${uid}`, (t) => {
    t.deepEqual(
      apply({ remove: '(0009,1001)' }, { remove: 'OpticalPathSequence' }),
      expect((specs) => {
        specs.splice(6, 1);
        specs.splice(2, 1);
      }),
    );
  });

  test(`a nested value is set, and the lengths around it follow, in ${uid}`, (t) => {
    t.deepEqual(
      apply(
        { set: 'RequestAttributesSequence[1].ScheduledProcedureStepDescription', value: ['longer'] },
        { set: 'OpticalPathSequence[0].OpticalPathIdentifier', value: ['12345'] },
      ),
      expect((specs) => {
        specs[5] = el(0x00400275, 'SQ', [[el(0x00400007, 'LO', 'one ')], [el(0x00400007, 'LO', 'longer')]]);
        specs[6] = el(0x00480105, 'SQ', [[el(0x00480106, 'SH', '12345 '), el(0x00480107, 'ST', 'odd')], []], {
          undefinedLength: true,
        });
      }),
    );
  });

  test(`without an index all items are changed in ${uid}`, (t) => {
    t.deepEqual(
      apply(
        { set: 'RequestAttributesSequence.AccessionNumber', value: ['A1'] },
        { remove: 'OpticalPathSequence.OpticalPathDescription' },
      ),
      expect((specs) => {
        specs[5] = el(0x00400275, 'SQ', [
          [el(0x00080050, 'SH', 'A1'), el(0x00400007, 'LO', 'one ')],
          [el(0x00080050, 'SH', 'A1'), el(0x00400007, 'LO', 'two ')],
        ]);
        specs[6] = el(0x00480105, 'SQ', [[el(0x00480106, 'SH', '1 ')], []], { undefinedLength: true });
      }),
    );
  });

  test(`an item is removed, and one is added behind the last, in ${uid}`, (t) => {
    t.deepEqual(
      apply(
        { remove: 'RequestAttributesSequence[0]' },
        { set: 'OpticalPathSequence[2].OpticalPathIdentifier', value: ['2'] },
      ),
      expect((specs) => {
        specs[5] = el(0x00400275, 'SQ', [[el(0x00400007, 'LO', 'two ')]]);
        const before = rawElements(ENCODINGS[uid]!, [specs[6]!]);
        const item = rawElements(ENCODINGS[uid]!, [el(0, 'SQ', [[el(0x00480106, 'SH', '2 ')]])]).subarray(
          uid === IMPLICIT_LE ? 8 : 12,
        );
        const raw = Buffer.concat([before.subarray(0, -8), item, before.subarray(-8)]);
        specs[6] = el(0, '', '', { raw });
      }),
    );
  });

  test(`sequences and items are made on the way in ${uid}`, (t) => {
    t.deepEqual(
      apply({
        set: 'ReferencedStudySequence.PurposeOfReferenceCodeSequence[0].CodeValue',
        value: ['121311'],
      }),
      expect((specs) => {
        const code = el(0x0040a170, 'SQ', [[el(0x00080100, 'SH', '121311')]]);
        specs.splice(2, 0, el(0x00081110, 'SQ', [[code]]));
      }),
    );
  });
}

test('group lengths that would be wrong are left out, others stay', (t) => {
  const length = (group: number) => el(group * 0x10000, 'UL', Uint8Array.of(99, 0, 0, 0));
  const specs = [
    length(0x0008),
    el(0x00080001, 'UL', Uint8Array.of(99, 0, 0, 0)),
    el(0x00080060, 'CS', 'OT'),
    length(0x0010),
    el(0x00100010, 'PN', 'A^B '),
    length(0x0040),
    el(0x00400275, 'SQ', [[length(0x0040), el(0x00400007, 'LO', 'one ')]]),
  ];

  t.deepEqual(
    edited(specs, [{ set: 'RequestAttributesSequence.ScheduledProcedureStepDescription', value: ['x'] }]),
    rawElements(EXPLICIT, [
      length(0x0008),
      el(0x00080060, 'CS', 'OT'),
      length(0x0010),
      el(0x00100010, 'PN', 'A^B '),
      el(0x00400275, 'SQ', [[el(0x00400007, 'LO', 'x ')]]),
    ]),
  );
});

test('items inside UN of undefined length are edited in implicit VR', (t) => {
  const specs = (text: string) => [
    el(0x00091010, 'UN', [[el(0x00080100, 'SH', text)]], { undefinedLength: true, itemEncoding: IMPLICIT }),
    PIXELS,
  ];

  t.deepEqual(
    edited(specs('AB'), [{ set: '(0009,1010)[0].CodeValue', value: ['longer'] }]),
    rawElements(EXPLICIT, specs('longer')),
  );
});

test('an item with a character set of its own is edited in that', (t) => {
  const specs = (text: string) => [
    el(0x00080005, 'CS', 'ISO_IR 100'),
    el(0x00400275, 'SQ', [[el(0x00080005, 'CS', 'ISO_IR 192'), el(0x00400007, 'LO', text)]]),
  ];

  t.deepEqual(
    edited(specs('x '), [
      { set: 'RequestAttributesSequence.ScheduledProcedureStepDescription', value: ['ö'] },
    ]),
    rawElements(EXPLICIT, specs('\xc3\xb6')),
  );
});

test('an edit of the character set holds for the edits behind it', (t) => {
  t.deepEqual(
    edited(
      [el(0x00100010, 'PN', 'A ')],
      [
        { set: 'SpecificCharacterSet', value: ['ISO_IR 192'] },
        { set: 'PatientName', value: ['ö'] },
      ],
    ),
    rawElements(EXPLICIT, [el(0x00080005, 'CS', 'ISO_IR 192'), el(0x00100010, 'PN', '\xc3\xb6')]),
  );
});

test('a private attribute that is missing is written as text', (t) => {
  t.deepEqual(
    edited(
      [PIXELS],
      [
        { set: '(0009,0010)', value: ['ACME'] },
        { set: '(0009,1002)', value: ['x'] },
      ],
    ),
    rawElements(EXPLICIT, [el(0x00090010, 'LO', 'ACME'), el(0x00091002, 'LO', 'x '), PIXELS]),
  );
});

test('an attribute that stands twice is replaced as one', (t) => {
  t.deepEqual(
    edited(
      [el(0x00080060, 'CS', 'A '), el(0x00080060, 'CS', 'B '), PIXELS],
      [{ set: 'Modality', value: ['CT'] }],
    ),
    rawElements(EXPLICIT, [el(0x00080060, 'CS', 'CT'), PIXELS]),
  );
});

test('later edits win', (t) => {
  t.deepEqual(
    edited(
      [PIXELS],
      [
        { set: 'Modality', value: ['CT'] },
        { set: 'Modality', value: ['MR'] },
      ],
    ),
    rawElements(EXPLICIT, [el(0x00080060, 'CS', 'MR'), PIXELS]),
  );
  t.deepEqual(
    edited([PIXELS], [{ set: 'Modality', value: ['CT'] }, { remove: 'Modality' }]),
    rawElements(EXPLICIT, [PIXELS]),
  );
});

test('pixel data need not be at hand', (t) => {
  const specs = [...SPECS, el(0x7fe00010, 'OW', new Uint8Array(5000))];
  const headBytes = META_BYTES + rawElements(EXPLICIT, SPECS).length + 20;

  t.deepEqual(
    edited(specs, [{ set: 'Modality', value: ['CT'] }], { headBytes }),
    edited(specs, [{ set: 'Modality', value: ['CT'] }]),
  );
});

test('a header too long to be read is edited as far as it is', (t) => {
  const specs = [...SPECS, el(0x00880906, 'UT', 'x'.repeat(5000)), el(0x00880907, 'LO', 'y '), PIXELS];
  for (const headBytes of [META_BYTES + 250, META_BYTES + 500]) {
    const apply = (set: string) => edited(specs, [{ set, value: ['CT'] }], { headBytes });

    t.deepEqual(apply('Modality'), edited(specs, [{ set: 'Modality', value: ['CT'] }]));
    t.throws(() => apply('(0088,0912)'), { instanceOf: EditError });
  }
});

test('a deflated data set in memory is edited and deflated again', (t) => {
  const file = Buffer.concat([
    Buffer.alloc(META_BYTES),
    deflateRawSync(rawElements(EXPLICIT, [...SPECS, PIXELS])),
  ]);
  const index = indexHeader(file, {
    transferSyntaxUid: DEFLATED_LE,
    dataSetOffset: META_BYTES,
    totalBytes: file.length,
  });
  const edits = [{ set: 'Modality', value: ['CT'] }];

  const { prefix, restOffset } = applyEdits(index, file, edits);

  t.is(restOffset, file.length);
  t.is(prefix.length % 2, 0);
  t.deepEqual(inflateRawSync(prefix), edited([...SPECS, PIXELS], edits));
  t.throws(() => applyEdits(index, file.subarray(0, -10), edits), { instanceOf: EditError });
});

test('what may not be edited is refused', (t) => {
  for (const edit of [
    { set: 'SOPInstanceUID', value: ['1.2'] },
    { remove: 'SOPClassUID' },
    { set: 'PixelData', value: ['x'] },
    { set: '(FFFA,FFFA)', value: [] },
    { set: '(0002,0010)', value: ['1.2'] },
    { set: '(0010,0000)', value: [1] },
    { set: 'ImageType[2]', value: ['x'] },
    { remove: 'Modality[0]' },
    { set: 'RequestAttributesSequence', value: ['x'] },
    { set: 'RequestAttributesSequence[5].AccessionNumber', value: ['x'] },
    { set: 'ReferencedStudySequence[1].StudyInstanceUID', value: ['x'] },
    { set: 'Rows', value: [70_000] },
    { set: 'Rows', value: ['x'] },
    { set: 'PatientName', value: ['王'] },
    { set: 'ExtendedOffsetTable', value: ['x'] },
  ]) {
    t.throws(() => edited([...SPECS, PIXELS], [edit]), { instanceOf: EditError }, JSON.stringify(edit));
  }
  t.throws(() => edited(SPECS, [{ remove: 'PatientNme' }]), { instanceOf: TagPathError });
});

test('a nested UID of another instance may be edited', (t) => {
  const specs = (uid: string) => [el(0x00081140, 'SQ', [[el(0x00081155, 'UI', uid)]]), PIXELS];

  t.deepEqual(
    edited(specs('1.22'), [{ set: 'ReferencedImageSequence[0].ReferencedSOPInstanceUID', value: ['1.2.3'] }]),
    rawElements(EXPLICIT, specs('1.2.3\0')),
  );
});

test('a damaged header is not edited', (t) => {
  const file = rawElements(EXPLICIT, SPECS).subarray(0, -2);
  const index = indexHeader(file, {
    transferSyntaxUid: EXPLICIT_LE,
    dataSetOffset: 0,
    totalBytes: file.length,
  });

  t.throws(() => applyEdits(index, file, [{ set: 'Modality', value: ['CT'] }]), { instanceOf: EditError });
});

test('removing what was set brings back the bytes, whatever the data set', (t) => {
  const text = fc.stringMatching(/^[a-z]{0,8}$/);
  const leaf = fc.tuple(fc.constantFrom(0x00080100, 0x00080104, 0x00091001, 0x00400007), text);
  const leaves = fc
    .uniqueArray(leaf, { selector: ([tag]) => tag, maxLength: 4 })
    .map((list) => list.toSorted(([a], [b]) => a - b).map(([tag, value]) => el(tag, 'LO', value)));
  const sequence = fc
    .tuple(fc.array(leaves, { maxLength: 3 }), fc.boolean())
    .map(([items, undefinedLength]) => el(0x00400275, 'SQ', items, { undefinedLength }));
  const dataSet = fc
    .tuple(leaves, fc.option(sequence, { nil: undefined }))
    .map(([before, nested]) => [
      ...before.filter(({ tag }) => tag < 0x00400007),
      ...(nested ? [nested] : []),
      PIXELS,
    ]);
  const path = fc.constantFrom(
    'PatientID',
    'StudyID',
    'RequestAttributesSequence.StudyID',
    'ReferencedStudySequence',
  );
  fc.assert(
    fc.property(dataSet, path, fc.constantFrom(EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE), (specs, set, uid) => {
      fc.pre(
        set !== 'RequestAttributesSequence.StudyID' ||
          specs.some(({ tag, value }) => tag === 0x00400275 && Array.isArray(value) && value.length > 0),
      );
      const before = rawElements(ENCODINGS[uid]!, specs);
      const value = set === 'ReferencedStudySequence' ? [] : ['x'];

      const changed = edited(specs, [{ set, value }], { uid });
      const back = edited(specs, [{ set, value }, { remove: set }], { uid });

      t.notDeepEqual(changed, before);
      t.deepEqual(back, before);
    }),
  );
});

test('whatever the damage, applyEdits() makes a readable header or throws an EditError', (t) => {
  const specimen = rawElements(EXPLICIT, [...SPECS, PIXELS]);
  const damage = fc.array(fc.tuple(fc.nat(specimen.length - 1), fc.nat(255)), { maxLength: 4 });
  const edits = [
    { set: 'PatientID', value: ['x'] },
    { set: 'RequestAttributesSequence.AccessionNumber', value: ['y'] },
    { remove: 'OpticalPathSequence[0]' },
  ];
  fc.assert(
    fc.property(damage, fc.nat(specimen.length), (changes, headBytes) => {
      const file = Buffer.from(specimen);
      for (const [at, value] of changes) file[at] = value;
      const head = file.subarray(0, headBytes);
      const options = { transferSyntaxUid: EXPLICIT_LE, dataSetOffset: 0, totalBytes: file.length };
      const index = indexHeader(head, options);
      try {
        const { prefix, restOffset } = applyEdits(index, head, edits);
        const after = Buffer.concat([prefix, file.subarray(restOffset)]);
        const cut = prefix.length + Math.max(0, head.length - restOffset);
        const again = indexHeader(after.subarray(0, cut), { ...options, totalBytes: after.length });
        t.is(again.fault?.tag, index.fault?.tag);
      } catch (error) {
        if (!(error instanceof EditError)) throw error;
      }
    }),
    { numRuns: 500 },
  );
});
