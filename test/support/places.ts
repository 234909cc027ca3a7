/** Of every kind of destination one that can be looked into, put out of order and told to refuse. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { destinationKinds } from '../../src/delivery/destinations.ts';
import { readFileMeta } from '../../src/dicom/file-meta.ts';
import { dataSetOf, dataSetsBelow } from './part10.ts';
import { startS3Server } from './s3-server.ts';
import { startStoragePeer } from './storage-peer.ts';
import { failedReport, startStowServer } from './stow-server.ts';

export interface Place {
  readonly settings: Record<string, unknown>;
  /** Data sets that it has, by SOP Instance UID. */
  contents(): Promise<ReadonlyMap<string, Buffer>>;
  /** Whatever it is sent from now on, it will not take; `sopInstanceUid` is what it will be sent. */
  refuse(sopInstanceUid: string): Promise<void>;
  /** It is no longer there. Safe to call twice. */
  vanish(): Promise<void>;
}

/** The patient of `smallInstance`. */
const TEMPLATE = '{PatientID}/{SOPInstanceUID}.dcm';
const PATIENT_ID = 'P-4711';

export const places: Record<keyof typeof destinationKinds, () => Promise<Place>> = {
  async 'dimse-scu'() {
    let status = 0;
    const peer = await startStoragePeer({ answer: () => ({ status }) });
    return {
      settings: { kind: 'dimse-scu', host: '127.0.0.1', port: peer.port, called_ae_title: 'PACS' },
      contents: async () =>
        new Map(peer.kept.map(({ sopInstanceUid, dataSet }) => [sopInstanceUid, dataSet])),
      async refuse() {
        status = 0xc000;
      },
      vanish: () => peer.stop(),
    };
  },

  async folder() {
    const path = await mkdtemp(join(tmpdir(), 'place-'));
    return {
      settings: { kind: 'folder', path, create: false, template: TEMPLATE },
      async contents() {
        const found = await dataSetsBelow(path);
        return new Map([...found].map(([uid, { dataSet }]) => [uid, dataSet]));
      },
      async refuse(sopInstanceUid) {
        // A folder where the file should be.
        await mkdir(join(path, PATIENT_ID, `${sopInstanceUid}.dcm`), { recursive: true });
      },
      vanish: () => rm(path, { recursive: true, force: true }),
    };
  },

  async s3() {
    const server = await startS3Server();
    let isThere = true;
    return {
      settings: { ...server.settings, part_size_bytes: 5 * 1024 * 1024, template: TEMPLATE },
      async contents() {
        const files = [...(await server.objects()).values()];
        return new Map(files.map((file) => [readFileMeta(file).sopInstanceUid ?? '', dataSetOf(file)]));
      },
      async refuse() {
        server.fault = (operation) =>
          operation.startsWith('PUT') ? { status: 400, code: 'EntityTooLarge' } : undefined;
      },
      async vanish() {
        if (isThere) await server.stop();
        isThere = false;
      },
    };
  },

  async 'stow-rs'() {
    const server = await startStowServer();
    return {
      settings: { kind: 'stow-rs', url: server.url },
      contents: async () =>
        new Map(
          server.stored.map(({ sopInstanceUid, part10File }) => [sopInstanceUid, dataSetOf(part10File)]),
        ),
      async refuse() {
        server.answer = ({ sopInstanceUid }) => failedReport(409, sopInstanceUid, 0xc000);
      },
      vanish: () => server.stop(),
    };
  },
};
