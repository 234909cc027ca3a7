import test from 'ava';
import fc from 'fast-check';
import { MessageReader } from '../../src/dimse/message-reader.ts';
import {
  encodeCommandPdu,
  fragmentLength,
  framedLength,
  frameInPlace,
} from '../../src/dimse/message-writer.ts';
import { PduReader } from '../../src/dimse/pdu-reader.ts';
import { echoCommand, pData, pdv, VERIFICATION } from '../support/raw-pdu.ts';

test('a command set is one PDU, as the standard has it', (t) => {
  const bytes = encodeCommandPdu(3, {
    affectedSopClassUid: VERIFICATION,
    commandField: 0x30,
    messageId: 5,
    commandDataSetType: 0x0101,
  });
  t.deepEqual(bytes, pData(pdv(3, 'command', true, echoCommand(5))));
});

test('a data set framed in place is read back byte for byte, within the length agreed', (t) => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 3000 }),
      fc.integer({ min: 8, max: 700 }),
      fc.nat(40),
      (dataSet, maxPduLengthBytes, start) => {
        const fragmentBytes = fragmentLength(maxPduLengthBytes);
        const end = start + framedLength(dataSet.length, fragmentBytes);
        const block = Buffer.alloc(end, 0xee);
        block.set(dataSet, end - dataSet.length);

        frameInPlace(
          block,
          { start, end, dataSetBytes: dataSet.length },
          { presentationContextId: 9, fragmentBytes },
          true,
        );

        const read: Buffer[] = [];
        const ends: string[] = [];
        const reader = new PduReader(
          {
            associationPdu: () => t.fail(),
            dataPduStart() {},
            fragmentBytes: (id, isCommand, bytes) => {
              t.is(id, 9);
              t.false(isCommand);
              read.push(Buffer.from(bytes));
            },
            fragmentEnd: (_id, _isCommand, isLast) => ends.push(isLast ? 'last' : 'more'),
          },
          maxPduLengthBytes,
        );
        reader.feed(block.subarray(start));
        t.deepEqual(Buffer.concat(read), Buffer.from(dataSet));
        t.is(ends.at(-1), 'last');
        t.is(ends.indexOf('last'), ends.length - 1);
        t.false(reader.isMidPdu);
        t.true(block.subarray(0, start).every((byte) => byte === 0xee));
        t.true(read.slice(0, -1).every((bytes) => bytes.length % 2 === 0));
      },
    ),
  );
});

test('messages cut into any fragments are read as they were', (t) => {
  const message = fc.record({
    command: fc.constantFrom(echoCommand(1), echoCommand(0xffff)),
    cuts: fc.array(fc.nat(80), { maxLength: 4 }),
  });
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 5 }), (messages) => {
      const ids: (number | undefined)[] = [];
      const reader = new MessageReader(
        {
          command: (_id, command) => ids.push(command.messageId),
          dataSetBytes: () => t.fail(),
          dataSetEnd: () => t.fail(),
        },
        (id) => id === 3,
      );

      for (const { command, cuts } of messages) {
        const places = [
          0,
          ...cuts.map((cut) => Math.min(cut, command.length)).sort((a, b) => a - b),
          command.length,
        ];
        places.slice(1).forEach((end, index) => {
          const fragment = command.subarray(places[index], end);
          if (fragment.length > 0) reader.fragmentBytes(3, true, fragment);
          reader.fragmentEnd(3, true, index === places.length - 2);
        });
      }

      t.deepEqual(
        ids,
        messages.map(({ command }) => command.readUInt16LE(command.length - 12)),
      );
      t.false(reader.isMidMessage);
    }),
  );
});
