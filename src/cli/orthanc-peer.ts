import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { startPeer } from './peer-process.ts';

/** Where Debian's package orthanc-wsi puts it. */
const WHOLE_SLIDE_PLUGIN = '/usr/share/orthanc/plugins/libOrthancWSI.so';
/** Where Debian's package orthanc-dicomweb puts it; for `Plugins`. Its services are below `/dicom-web`. */
export const DICOM_WEB_PLUGIN = '/usr/share/orthanc/plugins/libOrthancDicomWeb.so';

export interface Orthanc {
  readonly dicomPort: number;
  readonly httpPort: number;
  readonly pid: number;
  get(path: string): Promise<unknown>;
  getBytes(path: string): Promise<Buffer>;
  stop(): Promise<void>;
}

/**
 * Starts Orthanc on loopback, with a storage of its own: the peer of benchmarks and interop tests.
 *
 * @param extra settings of Orthanc on top of ours, such as `LuaScripts` or `DicomModalities`
 * @throws {Error} when Orthanc is not installed or does not start
 */
export async function startOrthanc(extra: Record<string, unknown> = {}): Promise<Orthanc> {
  const folder = await mkdtemp(join(tmpdir(), 'slidegate-orthanc-'));
  const [dicomPort, httpPort] = [await freePort(), await freePort()];
  await mkdir(join(folder, 'storage'));
  const settings = {
    Name: 'PACS',
    DicomAet: 'ORTHANC',
    DicomPort: dicomPort,
    HttpPort: httpPort,
    RemoteAccessAllowed: false,
    AuthenticationEnabled: false,
    StorageDirectory: join(folder, 'storage'),
    IndexDirectory: join(folder, 'storage'),
    Plugins: existsSync(WHOLE_SLIDE_PLUGIN) ? [WHOLE_SLIDE_PLUGIN] : [],
    DicomAlwaysAllowStore: true,
    DicomCheckCalledAet: false,
    UnknownSopClassAccepted: true,
    StableAge: 1,
    ...extra,
  };
  await writeFile(join(folder, 'orthanc.json'), JSON.stringify(settings));
  const peer = await startPeer('Orthanc', [join(folder, 'orthanc.json')], { port: dicomPort, cwd: folder });
  const fetchOk = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${httpPort}${path}`);
    if (!response.ok) throw new Error(`Orthanc answers ${response.status} to ${path}`);
    return response;
  };
  return {
    dicomPort,
    httpPort,
    pid: peer.process.pid ?? 0,
    get: async (path) => (await fetchOk(path)).json(),
    getBytes: async (path) => Buffer.from(await (await fetchOk(path)).arrayBuffer()),
    async stop() {
      await peer.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
