import test from 'ava';
import { remove } from '../../src/rules/action-remove.ts';

test('remove takes out one attribute or several, private ones and ones in sequences too', (t) => {
  const editsOf = (options: unknown) => remove.plan(remove.options.parse(options));

  t.deepEqual(editsOf('PatientAddress'), { step: 'edit', edits: [{ remove: 'PatientAddress' }] });
  const paths = ['(0009,1001)', 'RequestAttributesSequence.AccessionNumber', 'RequestAttributesSequence[1]'];
  t.deepEqual(editsOf(paths), { step: 'edit', edits: paths.map((remove) => ({ remove })) });
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
