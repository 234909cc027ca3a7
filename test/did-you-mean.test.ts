import test from 'ava';
import fc from 'fast-check';
import { closest, didYouMean } from '../src/did-you-mean.ts';

test('a letter too many, too few, wrong or swapped is forgiven', (t) => {
  for (const typed of ['prot', 'ports', 'por', 'pprt'])
    t.is(closest(typed, ['host', 'port', 'kind']), 'port', typed);
});

test('a beginning is completed', (t) => {
  t.is(closest('dest', ['sources', 'destinations']), 'destinations');
});

test('of two that are near the nearer one is suggested', (t) => {
  t.is(closest('inputz', ['output', 'inputs']), 'inputs');
});

test('nothing is suggested for what looks like nothing', (t) => {
  t.is(closest('banana', ['host', 'port']), undefined);
  t.is(didYouMean('banana', ['host', 'port']), '');
  t.is(didYouMean('hosst', ['host', 'port']), '; did you mean "host"?');
});

test('a word is always nearest to itself, whatever else there is', (t) => {
  const word = fc.string({ minLength: 1, maxLength: 12 });
  fc.assert(fc.property(word, (typed) => closest(typed, [typed]) === typed));
  t.pass();
});
