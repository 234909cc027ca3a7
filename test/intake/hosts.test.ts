import test from 'ava';
import fc from 'fast-check';
import { hostMatcher, isHostRange, isLoopback } from '../../src/intake/hosts.ts';

test('addresses and ranges are told from what is neither', (t) => {
  for (const range of ['10.0.0.5', '10.0.0.0/8', '0.0.0.0/0', '::1', 'fd00::/8', '::/0', '::ffff:10.0.0.1']) {
    t.true(isHostRange(range), range);
  }
  for (const text of [
    '',
    'pacs.local',
    '10.0.0',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    'fd00::/129',
    '1.2.3.4/x',
    '/8',
  ]) {
    t.false(isHostRange(text), text);
  }
});

test('an address is in a range when its first bits are those of the range', (t) => {
  const toNumber = (address: string) => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const address = fc
    .tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))
    .map((parts) => parts.join('.'));
  fc.assert(
    fc.property(address, address, fc.nat(32), (network, candidate, bits) => {
      const size = 2 ** (32 - bits);
      const expected = Math.floor(toNumber(network) / size) === Math.floor(toNumber(candidate) / size);
      t.is(hostMatcher([`${network}/${bits}`])(candidate), expected);
    }),
  );
});

test('what is no address is in no range', (t) => {
  t.false(hostMatcher(['0.0.0.0/0', '::/0'])('localhost'));
  t.false(hostMatcher([])('127.0.0.1'));
});

test('loopback is what only this machine reaches', (t) => {
  for (const host of ['localhost', '127.0.0.1', '127.8.8.8', '::1']) t.true(isLoopback(host), host);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'gateway.local', '']) t.false(isLoopback(host), host);
});
