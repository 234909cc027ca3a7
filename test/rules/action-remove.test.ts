import test from 'ava';
import { remove } from '../../src/rules/action-remove.ts';

test('remove takes out one attribute or several, private ones and ones in sequences too', (t) => {
  const editsOf = (options: unknown) => remove.plan(remove.options.parse(options));

  t.deepEqual(editsOf('PatientAddress'), { step: 'edit', edits: [{ remove: 'PatientAddress' }] });
  t.deepEqual(editsOf(['(0009,1001)', 'RequestAttributesSequence[0].AccessionNumber']), {
    step: 'edit',
    edits: [{ remove: '(0009,1001)' }, { remove: 'RequestAttributesSequence[0].AccessionNumber' }],
  });
});

test('remove leaves alone what makes an instance readable', (t) => {
  for (const attribute of [
    'SOPInstanceUID',
    'SpecificCharacterSet',
    'Rows',
    'TransferSyntaxUID',
    '(0010,0000)',
  ]) {
    t.false(remove.options.safeParse(attribute).success, attribute);
  }
});
