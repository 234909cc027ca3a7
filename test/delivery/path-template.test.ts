import { isAbsolute, join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { isUniquePerInstance, parsePathTemplate, renderPath } from '../../src/delivery/path-template.ts';

function render(template: string, values: Record<string, string> = {}): string {
  return renderPath(parsePathTemplate(template), (attribute) => values[attribute]);
}

test('attributes in braces are replaced by their values', (t) => {
  const path = render('{PatientID}/{(0008,0060)}-{SOPInstanceUID}.dcm', {
    PatientID: '4711',
    '(0008,0060)': 'SM',
    SOPInstanceUID: '1.2.3',
  });

  t.is(path, '4711/SM-1.2.3.dcm');
});

test('a file always ends in .dcm', (t) => {
  t.is(render('{SOPInstanceUID}', { SOPInstanceUID: '1.2' }), '1.2.dcm');
});

test('a missing or empty value becomes an underscore', (t) => {
  t.is(render('{PatientID}/{SOPInstanceUID}.dcm', { SOPInstanceUID: '  ' }), '_/_.dcm');
});

test('a value cannot leave its folder, name a device or hold what file systems refuse', (t) => {
  t.is(render('{PatientID}/a', { PatientID: '../../etc/passwd' }), '_.._etc_passwd/a.dcm');
  t.is(render('{PatientID}/a', { PatientID: '..' }), '_/a.dcm');
  t.is(render('{PatientID}/a', { PatientID: 'DOE^JANE: "x"\u0000' }), 'DOE^JANE_ _x__/a.dcm');
  t.is(render('{PatientID}/a', { PatientID: 'nul' }), '_nul/a.dcm');
});

test('long names are cut, and keep their ending', (t) => {
  const name = render('{PatientID}.dcm', { PatientID: 'ä'.repeat(500) });

  t.true(Buffer.byteLength(name) <= 200);
  t.true(name.endsWith('ä.dcm'));
});

test('a template that is absolute, climbs or names no attribute is refused', (t) => {
  for (const template of [
    '/etc/{StudyID}',
    'a/../{StudyID}',
    'a//{StudyID}',
    './{StudyID}',
    '',
    '{NoSuchKeyword}',
    '{StudyID}}b',
    '{a',
    'x\u0000{StudyID}',
    'all/image.dcm',
  ]) {
    t.throws(() => parsePathTemplate(template), undefined, template);
  }
});

test('whatever the values, the path stays in the folder', (t) => {
  const value = fc.string({ unit: 'binary', maxLength: 300 });
  t.notThrows(() =>
    fc.assert(
      fc.property(value, value, (PatientID, StudyID) => {
        const path = render('a/{PatientID}/{StudyID}{PatientID}.dcm', { PatientID, StudyID });
        const parts = path.split('/');
        return (
          parts.length === 3 &&
          !isAbsolute(path) &&
          join('/root', path).startsWith('/root/a/') &&
          parts.every(
            (part) => part !== '' && part !== '.' && part !== '..' && Buffer.byteLength(part) <= 200,
          )
        );
      }),
    ),
  );
});

test('a file named by the UID of the instance is that of no other; one that is cut, or named otherwise, may be', (t) => {
  for (const template of ['{SOPInstanceUID}', '{PatientID}/x-{SOPInstanceUID}.dcm']) {
    t.true(isUniquePerInstance(parsePathTemplate(template)), template);
  }
  for (const template of [
    '{SOPInstanceUID}/{Modality}',
    '{PatientName}{SOPInstanceUID}',
    `${'x'.repeat(140)}{SOPInstanceUID}`,
  ]) {
    t.false(isUniquePerInstance(parsePathTemplate(template)), template);
  }
});
