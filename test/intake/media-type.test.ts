import test from 'ava';
import { accepts, parseMediaType } from '../../src/intake/media-type.ts';

test('parameters are read with quotes and without, also where clients write a slash without quotes', (t) => {
  const type = parseMediaType('Multipart/Related; type="application/dicom";boundary=a-b_c ; Boundary=later');

  t.is(type?.essence, 'multipart/related');
  t.deepEqual(
    [...(type?.parameters ?? [])],
    [
      ['type', 'application/dicom'],
      ['boundary', 'a-b_c'],
    ],
  );
  t.is(
    parseMediaType('multipart/related;type=application/dicom')?.parameters.get('type'),
    'application/dicom',
  );
  t.is(parseMediaType('a/b; x="one \\"two\\"; three";')?.parameters.get('x'), 'one "two"; three');
});

test('what is no media type is undefined', (t) => {
  for (const text of ['', 'application', 'a/b c', 'a/b; x="open', '/', 'a/b; =1']) {
    t.is(parseMediaType(text), undefined, text);
  }
});

test('an Accept header is understood with ranges, qualities and the multipart form', (t) => {
  const json = ['application/dicom+json', 'application/json'];

  t.true(accepts(undefined, json));
  t.true(accepts('*/*', json));
  t.true(accepts('text/html, application/*;q=0.5', json));
  t.true(accepts('application/dicom+xml, application/dicom+json', json));
  t.true(accepts('multipart/related; type="application/dicom+json"', json));
  t.false(accepts('application/dicom+xml', json));
  t.false(accepts('application/dicom+json;q=0', json));
  t.false(accepts('text/html, image/*', json));
});
