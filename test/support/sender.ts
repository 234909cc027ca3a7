import { openAssociation } from '../../src/dimse/service-user.ts';
import type { Capture } from './secondary-capture.ts';

/** Sends instances on one association, as a modality would; the statuses in order. */
export async function sendInstances(port: number, captures: readonly Capture[]): Promise<number[]> {
  const pairs = new Map(captures.map((one) => [`${one.sopClassUid} ${one.transferSyntaxUid}`, one]));
  const association = await openAssociation(
    {
      host: '127.0.0.1',
      port,
      calledAeTitle: 'SLIDEGATE',
      callingAeTitle: 'MODALITY',
      connectTimeoutMs: 5_000,
      associationTimeoutMs: 5_000,
      responseTimeoutMs: 60_000,
      maxPduLengthBytes: 131_072,
    },
    [...pairs.values()].map(({ sopClassUid, transferSyntaxUid }) => ({
      abstractSyntaxUid: sopClassUid,
      transferSyntaxUids: [transferSyntaxUid],
    })),
  );
  const statuses: number[] = [];
  for (const { dataSet, ...command } of captures) {
    const { status } = await association.store(command, {
      lengthBytes: dataSet.byteLength,
      async read(into, position) {
        const part = dataSet.subarray(position, position + into.byteLength);
        into.set(part);
        return part.byteLength;
      },
    });
    statuses.push(status);
  }
  await association.release();
  return statuses;
}
