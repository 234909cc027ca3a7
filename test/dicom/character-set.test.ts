import test from 'ava';
import fc from 'fast-check';
import { characterSetOf, DEFAULT_CHARACTER_SET } from '../../src/dicom/character-set.ts';
import { ValueError } from '../../src/dicom/errors.ts';

/** Bytes written as the examples of PS3.5 Annexes H, I, J, K: `\e` is the escape byte. */
function bytesOf(text: string): Uint8Array {
  return Buffer.from(text.replaceAll('\\e', '\x1b'), 'latin1');
}

function decode(terms: readonly string[], text: string): string {
  return characterSetOf(terms).decode(bytesOf(text));
}

test('sets of one byte a character', (t) => {
  t.is(decode(['ISO_IR 100'], 'Buc^J\xe9r\xf4me'), 'Buc^Jérôme');
  t.is(decode(['ISO_IR 101'], 'Wa\xb3\xeasa'), 'Wałęsa');
  t.is(decode(['ISO_IR 144'], '\xbb\xee\xda'), 'Люк');
  t.is(decode(['ISO_IR 127'], '\xe2\xc8\xc7\xe6\xea'), 'قباني');
  t.is(decode(['ISO_IR 126'], '\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2'), 'Διονυσιος');
  t.is(decode(['ISO_IR 138'], '\xf9\xf8\xe5\xef'), 'שרון');
  t.is(decode(['ISO_IR 148'], '\xc7avu\xfeo\xf0lu'), 'Çavuşoğlu');
  t.is(decode(['ISO_IR 166'], '\xb9\xd2\xc2'), 'นาย');
  t.is(decode(['ISO_IR 13'], '\xd4\xcf\xc0\xde^\xc0\xdb\xb3'), 'ﾔﾏﾀﾞ^ﾀﾛｳ');
});

test('UTF-8, GB18030 and GBK', (t) => {
  t.is(
    characterSetOf(['ISO_IR 192']).decode(Buffer.from('Wang^XiaoDong=王^小东=')),
    'Wang^XiaoDong=王^小东=',
  );
  t.is(decode(['GB18030'], 'Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab='), 'Wang^XiaoDong=王^小东=');
  t.is(decode(['GBK'], '\xcd\xf5^\xd0\xa1\xb6\xab'), '王^小东');
});

test('Japanese: kanji by escape sequence, katakana by the first set', (t) => {
  t.is(
    decode(
      ['', 'ISO 2022 IR 87'],
      'Yamada^Tarou=\\e$B;3ED\\e(B^\\e$BB@O:\\e(B=\\e$B$d$^$@\\e(B^\\e$B$?$m$&\\e(B',
    ),
    'Yamada^Tarou=山田^太郎=やまだ^たろう',
  );
  t.is(
    decode(
      ['ISO 2022 IR 13', 'ISO 2022 IR 87'],
      '\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\\e$B;3ED\\e(J^\\e$BB@O:\\e(J=\\e$B$d$^$@\\e(J^\\e$B$?$m$&\\e(J',
    ),
    'ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう',
  );
  t.is(decode(['', 'ISO 2022 IR 159'], '\\e$(D0!\\e(B'), '丂');
});

test('Korean and Chinese: the upper half by escape sequence', (t) => {
  t.is(
    decode(
      ['', 'ISO 2022 IR 149'],
      'Hong^Gildong=\\e$)C\xfb\xf3^\\e$)C\xd1\xce\xd4\xd7=\\e$)C\xc8\xab^\\e$)C\xb1\xe6\xb5\xbf',
    ),
    'Hong^Gildong=洪^吉洞=홍^길동',
  );
  t.is(
    decode(['', 'ISO 2022 IR 58'], 'Zhang^XiaoDong=\\e$)A\xd5\xc5^\\e$)A\xd0\xa1\xb6\xab='),
    'Zhang^XiaoDong=张^小东=',
  );
});

test('a delimiter brings back the first set', (t) => {
  t.is(decode(['', 'ISO 2022 IR 100', 'ISO 2022 IR 144'], '\\e-L\xbb^\\e-A\xe9'), 'Л^é');
  t.is(decode(['ISO 2022 IR 100', 'ISO 2022 IR 144'], '\\e-L\xbb\\\xe9'), 'Л\\é');
});

test('a backslash within a character of two bytes separates no values', (t) => {
  t.is(decode(['', 'ISO 2022 IR 87'], '\\e$B\x3d\x5c\\e(B'), '旬');
  t.is(decode(['GBK'], '\xd5\x5c'), '誠');
});

test('terms are known in the ways they are misspelt', (t) => {
  for (const term of ['ISO IR 192', 'ISO-IR 192', 'iso_ir 192', 'UTF-8', 'ISO_IR_192 ']) {
    t.is(characterSetOf([term]).decode(Buffer.from('é')), 'é', term);
  }
});

test('text is written in the set of the data set, or refused', (t) => {
  const written = (terms: readonly string[], text: string) => Buffer.from(characterSetOf(terms).encode(text));

  t.deepEqual(written(['ISO_IR 100'], 'Jérôme'), Buffer.from('Jérôme', 'latin1'));
  t.deepEqual(written(['ISO_IR 192'], 'Jérôme 王'), Buffer.from('Jérôme 王'));
  t.deepEqual(written(['ISO_IR 144'], 'Люк'), Buffer.of(0xbb, 0xee, 0xda));
  t.deepEqual(written(['GB18030'], 'Wang'), Buffer.from('Wang'));
  for (const terms of [[], ['ISO_IR 144'], ['ISO 2022 IR 100'], ['', 'ISO 2022 IR 87']]) {
    t.throws(() => characterSetOf(terms).encode('é王'), { instanceOf: ValueError });
  }
});

test('a character outside the set is not named in the error', (t) => {
  const error = t.throws(() => DEFAULT_CHARACTER_SET.encode('Jérôme'), { instanceOf: ValueError });
  t.notRegex(error.message, /[éô]/);
});

test('what a single-byte set wrote, it reads', (t) => {
  const set = characterSetOf(['ISO_IR 100']);
  fc.assert(
    fc.property(
      fc.string({ unit: fc.integer({ min: 0xa0, max: 0xff }).map((code) => String.fromCharCode(code)) }),
      (text) => {
        t.is(set.decode(set.encode(text)), text);
      },
    ),
  );
});

test('decoding never throws, and leaves ASCII as it is', (t) => {
  const terms = fc.array(
    fc.constantFrom(
      '',
      'ISO_IR 100',
      'ISO 2022 IR 13',
      'ISO 2022 IR 87',
      'ISO 2022 IR 149',
      'ISO_IR 192',
      'GB18030',
      'x',
    ),
    { maxLength: 3 },
  );
  fc.assert(
    fc.property(terms, fc.uint8Array(), fc.stringMatching(/^[A-Z^=\\ ]*$/), (names, bytes, ascii) => {
      characterSetOf(names).decode(bytes);
      t.is(characterSetOf(names).decode(Buffer.from(ascii)), ascii);
    }),
  );
});

test('an error about a character set shows no text that may be a patient', (t) => {
  const error = t.throws(() => characterSetOf(['DOE^JANE']).encode('Ω'));
  t.false(error?.message.includes('DOE'));
});
