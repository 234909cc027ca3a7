import test from 'ava';
import fc from 'fast-check';
import {
  type CommandSet,
  commandSetLength,
  decodeCommandSet,
  nextMessageId,
  toErrorComment,
  writeCommandSet,
} from '../../src/dimse/command-set.ts';
import { MessageFormatError } from '../../src/dimse/errors.ts';
import { commandSet, echoCommand, storeCommand } from '../support/raw-pdu.ts';

function encode(command: CommandSet): Buffer {
  const bytes = Buffer.alloc(commandSetLength(command));
  const end = writeCommandSet(command, bytes, 0);
  if (end !== bytes.length) throw new Error(`wrote ${end} of ${bytes.length} bytes`);
  return bytes;
}

const us = fc.nat(0xffff);
const text = fc.stringMatching(/^[A-Za-z0-9.]([A-Za-z0-9. ]{0,60}[A-Za-z0-9.])?$/);
const anyCommandSet = fc.record(
  {
    commandField: us,
    commandDataSetType: us,
    messageId: us,
    messageIdBeingRespondedTo: us,
    affectedSopClassUid: text,
    affectedSopInstanceUid: text,
    requestedSopClassUid: text,
    requestedSopInstanceUid: text,
    priority: us,
    status: us,
    errorComment: text,
    moveOriginatorAeTitle: text,
    moveOriginatorMessageId: us,
  },
  { requiredKeys: ['commandField', 'commandDataSetType'] },
);

test('a command set is read as it was written', (t) => {
  fc.assert(
    fc.property(anyCommandSet, (command) => {
      t.deepEqual(decodeCommandSet(encode(command)), command);
    }),
  );
  t.pass();
});

test('a command set is written in ascending order, with even lengths and its group length', (t) => {
  fc.assert(
    fc.property(anyCommandSet, (command) => {
      const bytes = encode(command);
      t.is(bytes.readUInt32LE(8), bytes.length - 12);
      let last = -1;
      for (let at = 0; at < bytes.length; at += 8 + bytes.readUInt32LE(at + 4)) {
        t.is(bytes.readUInt16LE(at), 0);
        t.true(bytes.readUInt16LE(at + 2) > last);
        t.is(bytes.readUInt32LE(at + 4) % 2, 0);
        last = bytes.readUInt16LE(at + 2);
      }
    }),
  );
});

test('C-STORE-RQ is written byte for byte as the standard has it', (t) => {
  const bytes = encode({
    affectedSopClassUid: '1.2.840.10008.5.1.4.1.1.2',
    commandField: 1,
    messageId: 7,
    priority: 0,
    commandDataSetType: 0,
    affectedSopInstanceUid: '1.2.826.0.1.7',
  });
  t.deepEqual(bytes, storeCommand(7));
});

test('a command set is read without group length, out of order, and with elements we do not know', (t) => {
  const bytes = commandSet([0x1234, 'x'], [0x0800, 0x0101], [0x0110, 9], [0x0100, 0x30]).subarray(12);
  t.deepEqual(decodeCommandSet(bytes), { commandDataSetType: 0x0101, messageId: 9, commandField: 0x30 });
});

for (const [what, bytes] of [
  ['nothing', Buffer.alloc(0)],
  ['garbage', Buffer.alloc(64, 0xab)],
  ['zeros without an end', Buffer.alloc(61)],
  ['an element of another group', Buffer.concat([echoCommand(1), Buffer.from([8, 0, 5, 0, 0, 0, 0, 0])])],
  ['an element longer than the set', storeCommand(1).fill(0xff, 16, 20)],
  ['a header that is cut off', echoCommand(1).subarray(0, -12)],
  ['no Command Field', commandSet([0x0110, 1], [0x0800, 0x0101])],
  ['no Command Data Set Type', commandSet([0x0100, 1], [0x0110, 1])],
  ['a number of four bytes', commandSet([0x0100, Buffer.alloc(4)], [0x0800, 0x0101])],
] as const) {
  test(`a command set of ${what} is refused`, (t) => {
    t.throws(() => decodeCommandSet(bytes), { instanceOf: MessageFormatError });
  });
}

test('random bytes are read or refused with MessageFormatError, never else', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, hasStart) => {
      const candidate = hasStart ? Buffer.concat([storeCommand(1), bytes]) : Buffer.from(bytes);
      try {
        decodeCommandSet(candidate);
      } catch (error) {
        t.true(error instanceof MessageFormatError);
      }
    }),
  );
  t.pass();
});

test('toErrorComment() makes a value of VR LO of any text', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (anything) => {
      t.regex(toErrorComment(anything), /^[\x20-\x5b\x5d-\x7e]{0,64}$/);
    }),
  );
  t.is(toErrorComment('Out of resources'), 'Out of resources');
});

test('message ids are 1 to 65535, and start again', (t) => {
  t.is(nextMessageId(0), 1);
  t.is(nextMessageId(1), 2);
  t.is(nextMessageId(0xfffe), 0xffff);
  t.is(nextMessageId(0xffff), 1);
});
