import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import {
  type Arrival,
  type Claim,
  type Committed,
  openSpool,
  type Reception,
  type Spool,
  SpoolSettings,
} from '../../src/spool/spool.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { type SmallInstance, smallInstance } from './small-instance.ts';

export interface TemporarySpool extends AsyncDisposable {
  readonly directory: string;
  readonly settings: z.input<typeof SpoolSettings>;
  spool: Spool;
  /** Closes the spool and opens it again, as a restart does. */
  reopen(settings?: Partial<z.input<typeof SpoolSettings>>): Promise<Spool>;
}

const telemetry = createTelemetry({ level: 'silent' });

/** A spool in a folder of its own, which goes with it. */
export async function openTemporarySpool(
  options: { settings?: Partial<z.input<typeof SpoolSettings>>; stepModule?: URL; directory?: string } = {},
): Promise<TemporarySpool> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'slidegate-spool-')));
  const settings = { directory, watermark_free_bytes: 0, ...options.settings };
  const dependencies = { telemetry, ...(options.stepModule && { stepModule: options.stepModule }) };
  const temporary: TemporarySpool = {
    directory,
    settings,
    spool: await openSpool(SpoolSettings.parse(settings), dependencies),
    async reopen(changes = {}) {
      await temporary.spool.close();
      temporary.spool = await openSpool(SpoolSettings.parse({ ...settings, ...changes }), dependencies);
      return temporary.spool;
    },
    async [Symbol.asyncDispose]() {
      await temporary.spool.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
  return temporary;
}

let instances = 0;

/** An instance like no other. */
export function newInstance(options: Partial<Parameters<typeof smallInstance>[0]> = {}): SmallInstance {
  instances += 1;
  return smallInstance({ sopInstanceUid: `1.2.3.${process.pid}.${instances}`, ...options });
}

export function arrivalOf(instance: SmallInstance, facts: Partial<Arrival> = {}): Arrival {
  const { sopClassUid, sopInstanceUid, transferSyntaxUid, fileMeta } = instance;
  return {
    sopClassUid,
    sopInstanceUid,
    transferSyntaxUid,
    source: 'ct1',
    callingAeTitle: 'CT1',
    calledAeTitle: 'SLIDEGATE',
    peerAddress: '127.0.0.1',
    fileMeta,
    ...facts,
  };
}

/** Writes a data set as it would come from a socket, pausing when asked to. */
export async function writeAll(reception: Reception, bytes: Uint8Array, pieceBytes = 60_000): Promise<void> {
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) {
    if (reception.write(bytes.subarray(at, at + pieceBytes))) continue;
    await new Promise<void>((resume) => reception.onWritable(resume));
  }
}

/** Receives an instance and returns its entry. */
export async function receive(
  spool: Spool,
  instance = newInstance(),
  facts: Partial<Arrival> = {},
): Promise<Committed> {
  const reception = spool.receive(arrivalOf(instance, facts));
  await writeAll(reception, instance.dataSet);
  return reception.commit();
}

const never = new AbortController().signal;

/** The tasks of a kind that can be had at once or come soon. */
export function claim(spool: Spool, kind: Claim['kind'], limit = 1): Promise<readonly Claim[]> {
  return spool.claim({ kind, limit }, never);
}

/** What can be claimed now, without waiting. */
export async function claimNow(spool: Spool, kind: Claim['kind'], limit = 100): Promise<readonly Claim[]> {
  const hurry = new AbortController();
  const claims = spool.claim({ kind, limit }, hurry.signal);
  // Requests are answered in order: by the time the status is here, the claim has had its chance.
  const settled = await Promise.race([claims, spool.status().then(() => undefined)]);
  if (settled !== undefined) return settled;
  const late = await Promise.race([
    claims,
    new Promise<undefined>((resolve) => setImmediate(resolve, undefined)),
  ]);
  if (late !== undefined) return late;
  hurry.abort();
  return claims;
}

/** Reads a whole instance. */
export async function readInstance(spool: Spool, entryId: number): Promise<Buffer> {
  const stored = await spool.open(entryId);
  const bytes = Buffer.alloc(stored.sizeBytes);
  await stored.read(bytes, 0);
  await stored.close();
  return bytes;
}
