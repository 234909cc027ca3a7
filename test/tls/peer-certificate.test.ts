import test from 'ava';
import fc from 'fast-check';
import {
  FINGERPRINT,
  matchesSubject,
  normalizeFingerprint,
  type PeerCertificate,
  parseSubject,
} from '../../src/tls/peer-certificate.ts';

const CT1: PeerCertificate = {
  subject: 'O=General Hospital\\, East, OU=Radiology, OU=CT, CN=CT1',
  attributes: { O: ['General Hospital, East'], OU: ['Radiology', 'CT'], CN: ['CT1'] },
  fingerprint256: 'AA:BB',
};

for (const [text, isMatch] of [
  ['CN=CT1', true],
  ['cn=CT1', true],
  [' CN = CT1 , O=General Hospital\\, East', true],
  ['OU=CT', true],
  ['OU=Radiology, OU=CT', true],
  ['CN=CT', false],
  ['CN=CT11', false],
  ['CN=ct1', false],
  ['CN=CT1, C=DE', false],
  ['OU=CT1', false],
] as const) {
  test(`"${text}" is ${isMatch ? '' : 'not '}the subject of CT1`, (t) => {
    const pattern = parseSubject(text);
    t.not(pattern, undefined);
    t.is(matchesSubject(CT1, pattern ?? []), isMatch);
  });
}

test('what is no subject is none: it would match every certificate', (t) => {
  for (const text of [
    '',
    ' ',
    'CT1',
    'CN=',
    '=CT1',
    'CN=CT1,',
    ',CN=CT1',
    'CN=CT1,,O=X',
    'CN=CT1\\',
    '/CN=CT1',
  ]) {
    t.is(parseSubject(text), undefined, text);
  }
});

test('a subject as it is shown is read as itself', (t) => {
  t.deepEqual(parseSubject(CT1.subject), [
    ['O', 'General Hospital, East'],
    ['OU', 'Radiology'],
    ['OU', 'CT'],
    ['CN', 'CT1'],
  ]);
});

test('any text is a subject with at least one attribute, or none', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('C', 'N', '=', ',', '\\', ' ', 'ä') }), (text) => {
      const pattern = parseSubject(text);
      return pattern === undefined || (pattern.length > 0 && pattern.every(([type, value]) => type && value));
    }),
  );
  t.pass();
});

test('fingerprints are the same with colons or without, in any case', (t) => {
  const digits = 'ab'.repeat(32);
  const shown = Array.from({ length: 32 }, () => 'AB').join(':');
  for (const text of [digits, digits.toUpperCase(), shown, shown.toLowerCase()]) {
    t.regex(text, FINGERPRINT);
    t.is(normalizeFingerprint(text), shown);
  }
  for (const text of ['', 'ab', `${digits}ab`, `${digits.slice(2)}xy`, `sha256:${digits}`]) {
    t.notRegex(text, FINGERPRINT);
  }
});
