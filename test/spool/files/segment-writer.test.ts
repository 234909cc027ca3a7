import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { SegmentWriter, segmentFileName } from '../../../src/spool/files/segment-writer.ts';
import type { StepName } from '../../../src/spool/steps.ts';

function openWriter(options: { segmentBytesMax?: number; failAt?: () => StepName | undefined } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'slidegate-segments-'));
  const clock = { nowMs: 0 };
  const step = (name: StepName) => {
    if (options.failAt?.() === name)
      throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
  };
  const segments = new SegmentWriter(
    {
      folder,
      segmentBytesMax: options.segmentBytesMax ?? 1e6,
      segmentAgeMsMax: 600_000,
      nowMs: () => clock.nowMs,
      step,
    },
    7,
  );
  const read = (segmentId: number, offset: number, length: number) =>
    readFileSync(join(folder, segmentFileName(segmentId))).toString('latin1', offset, offset + length);
  return {
    folder,
    clock,
    segments,
    read,
    [Symbol.dispose]() {
      segments.roll();
      rmSync(folder, { recursive: true });
    },
  };
}

const bytes = (text: string) => Buffer.from(text, 'latin1');

test('SegmentWriter says where each instance of a group lies', (t) => {
  using writer = openWriter();

  const first = writer.segments.append([[bytes('abc'), bytes('de')], [bytes('f')]]);
  const second = writer.segments.append([[bytes('ghij')]]);

  t.is(first.segmentId, 7);
  t.is(second.segmentId, 7);
  t.is(writer.read(7, first.offsets[0] as number, 5), 'abcde');
  t.is(writer.read(7, first.offsets[1] as number, 1), 'f');
  t.is(writer.read(7, second.offsets[0] as number, 4), 'ghij');
  t.is(second.sizeBytes, (second.offsets[0] as number) + 4);
});

test('SegmentWriter writes groups of more buffers than one call takes', (t) => {
  using writer = openWriter();
  const group = Array.from({ length: 3000 }, (_, index) => [bytes(`<${index}>`), bytes('')]);

  const { offsets } = writer.segments.append(group);

  for (const index of [0, 1023, 1024, 2999]) {
    const text = `<${index}>`;
    t.is(writer.read(7, offsets[index] as number, text.length), text);
  }
});

test('SegmentWriter begins a new segment when the last is big enough, or old enough', (t) => {
  using writer = openWriter({ segmentBytesMax: 100 });
  t.is(writer.segments.append([[Buffer.alloc(90)]]).segmentId, 7);
  t.true(writer.segments.isDueToRoll);
  t.is(writer.segments.append([[Buffer.alloc(10)]]).segmentId, 8);
  writer.clock.nowMs = 599_999;
  t.is(writer.segments.append([[Buffer.alloc(10)]]).segmentId, 8);

  writer.clock.nowMs = 600_000;

  t.is(writer.segments.append([[Buffer.alloc(10)]]).segmentId, 9);
});

for (const failing of ['segment-writing', 'segment-written', 'segment-synced'] as const) {
  test(`SegmentWriter leaves nothing of a group that fails at ${failing}, and what was synced before stays`, (t) => {
    let failAt: StepName | undefined;
    using writer = openWriter({ failAt: () => failAt });
    const kept = writer.segments.append([[bytes('kept')]]);
    failAt = failing;

    t.throws(() => writer.segments.append([[bytes('lost')]]), { message: /ENOSPC/ });

    t.false(writer.segments.isHealthy);
    t.is(writer.segments.currentId, undefined);
    t.is(readFileSync(join(writer.folder, segmentFileName(7))).byteLength, kept.sizeBytes);
    failAt = undefined;
    const next = writer.segments.append([[bytes('next')]]);
    t.true(writer.segments.isHealthy);
    t.is(next.segmentId, 8);
    t.is(writer.read(8, next.offsets[0] as number, 4), 'next');
    t.is(writer.read(7, kept.offsets[0] as number, 4), 'kept');
  });
}

test('SegmentWriter stays sick, and leaves no file, while no new segment can be made', (t) => {
  let failAt: StepName | undefined = 'segment-created';
  using writer = openWriter({ failAt: () => failAt });

  t.throws(() => writer.segments.append([[bytes('lost')]]));
  t.throws(() => writer.segments.openSegment());

  t.false(writer.segments.isHealthy);
  t.deepEqual(readdirSync(writer.folder), []);
  failAt = undefined;
  writer.segments.openSegment();
  t.true(writer.segments.isHealthy);
});
