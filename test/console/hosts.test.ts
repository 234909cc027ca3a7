import { hostname } from 'node:os';
import test from 'ava';
import { isLoopback, isOwnHost } from '../../src/console/hosts.ts';

test('loopback is every address of 127.0.0.0/8, ::1 and localhost, and nothing else', (t) => {
  for (const host of ['127.0.0.1', '127.8.9.10', '::1', 'localhost', '::ffff:127.0.0.1'])
    t.true(isLoopback(host), host);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.example.org', '128.0.0.1'])
    t.false(isLoopback(host), host);
});

test('addresses, localhost, our own name and the configured names are ours, with any port', (t) => {
  const own = { host: '127.0.0.1', names: ['gateway.example.org'] };
  const ours = [
    '127.0.0.1',
    '127.0.0.1:8080',
    '[::1]:8080',
    'localhost:1',
    hostname(),
    'Gateway.Example.ORG:443',
  ];
  for (const header of ours) t.true(isOwnHost(header, own), header);
});

test('a name that somebody made resolve to us is not ours', (t) => {
  const own = { host: '127.0.0.1', names: ['gateway.example.org'] };
  const foreign = [
    undefined,
    '',
    'evil.example',
    'localhost.evil.example:8080',
    'gateway.example.org.evil.example',
  ];
  for (const header of foreign) t.false(isOwnHost(header, own), String(header));
});
