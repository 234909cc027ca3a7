/**
 * # S3
 *
 * Instances as Part 10 objects in a bucket of Amazon S3, or of a server that speaks as it does.
 *
 * - An object is there complete or not at all; the server has checked what it got, and then tells its length.
 * - Written twice it is the same object: a retry replaces, it never adds.
 * - An object of another instance is never overwritten, whatever the template makes of the two.
 * - What is wrong with the keys, the bucket, the clock or the server keeps instances waiting, and holds none.
 */
import type { DestinationKind, DestinationSession } from './destination-kind.ts';
import type { PreparedInstance } from './outgoing.ts';
import { S3Settings } from './s3-settings.ts';

/** Instances as objects in a bucket. */
export const s3 = {
  settings: S3Settings,
  async open(settings, deps): Promise<DestinationSession<PreparedInstance>> {
    // Of some size: whoever has no bucket need not carry it.
    const { S3Session } = await import('./s3-session.ts');
    return new S3Session(settings, deps);
  },
  addressOf({ bucket, endpoint, region, template }) {
    const url = endpoint === undefined ? undefined : new URL(endpoint);
    return {
      place: `${url?.origin ?? region} ${bucket} ${template}`,
      setting: 'bucket',
      ...(url && {
        server: { host: url.hostname, port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80) },
      }),
    };
  },
} satisfies DestinationKind<typeof S3Settings>;
