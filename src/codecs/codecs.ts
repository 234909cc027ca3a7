import type { Codec } from './codec.ts';
import { jpegBaseline } from './jpeg-baseline.ts';
import { native } from './native.ts';
import { rle } from './rle.ts';

/** Every codec. To add one: write its file, then add its name here. */
const codecs: readonly Codec[] = [native, rle, jpegBaseline];

const codecsByTransferSyntax = new Map(
  codecs.flatMap((codec) => codec.transferSyntaxUids.map((uid) => [uid, codec] as const)),
);

/** The codec of a transfer syntax; undefined when frames in it cannot be decoded here. */
export function codecOf(transferSyntaxUid: string): Codec | undefined {
  return codecsByTransferSyntax.get(transferSyntaxUid);
}

/** Transfer syntaxes whose frames can be decoded. */
export const decodableTransferSyntaxUids: readonly string[] = [...codecsByTransferSyntax.keys()];
