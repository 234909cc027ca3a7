import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request as requestOf, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
// @ts-expect-error It has no types.
import S3rver from 's3rver';

interface StorageServer {
  run(): Promise<AddressInfo>;
  close(): Promise<void>;
}

export const BUCKET = 'images';
process.env.SLIDEGATE_TEST_S3_KEY = 'S3RVER';

export interface S3Fault {
  readonly status: number;
  /** Of the error, as `AccessDenied`. */
  readonly code: string;
  /** In place of the error that the code makes. */
  readonly body?: string;
}

export interface S3Server {
  readonly endpoint: string;
  /** Settings of a destination that goes there. */
  readonly settings: Record<string, unknown>;
  /** `PUT /images/key?partNumber=1`, in order of their arrival. */
  readonly requests: readonly string[];
  /** What is answered in place of the server, which then hears nothing of it. */
  fault: (operation: string, request: IncomingMessage) => S3Fault | 'hang up' | 'silence' | undefined;
  objects(): Promise<ReadonlyMap<string, Buffer>>;
  stop(): Promise<void>;
}

/** An S3 server on a temporary folder, behind a door that does as it is told. */
export async function startS3Server(): Promise<S3Server> {
  const directory = await mkdtemp(join(tmpdir(), 's3-'));
  const storage: StorageServer = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory,
    configureBuckets: [{ name: BUCKET }],
  });
  const { port: storagePort } = await storage.run();
  const requests: string[] = [];

  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const operation = `${request.method} ${request.url}`;
    requests.push(operation);
    const fault = server.fault(operation, request);
    if (fault === 'silence') return;
    if (fault === 'hang up') return void request.resume().on('end', () => request.socket.destroy());
    if (fault) {
      const { status, code, body = `<?xml version="1.0"?><Error><Code>${code}</Code></Error>` } = fault;
      request.resume().on('end', () => {
        response.writeHead(status, { 'content-type': 'application/xml' }).end(body);
      });
      return;
    }
    const { method, url, headers } = request;
    const forwarded = requestOf(
      { port: storagePort, host: '127.0.0.1', method, path: url, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    forwarded.on('error', () => response.destroy());
    request.on('close', () => request.complete || forwarded.destroy());
    request.pipe(forwarded);
  };
  const front = createServer(handle);
  await once(front.listen(0, '127.0.0.1'), 'listening');
  const endpoint = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${storagePort}`,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
  });

  const server: S3Server = {
    endpoint,
    settings: {
      kind: 's3',
      bucket: BUCKET,
      endpoint,
      force_path_style: true,
      checksums: 'md5',
      credentials: {
        kind: 'environment',
        access_key_id_env: 'SLIDEGATE_TEST_S3_KEY',
        secret_access_key_env: 'SLIDEGATE_TEST_S3_KEY',
      },
    },
    requests,
    fault: () => undefined,
    async objects() {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET }));
      const objects = new Map<string, Buffer>();
      for (const { Key = '' } of Contents) {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
        objects.set(Key, Buffer.from((await Body?.transformToByteArray()) ?? []));
      }
      return objects;
    },
    async stop() {
      client.destroy();
      const closed = new Promise((resolve) => front.close(resolve));
      front.closeAllConnections();
      await Promise.all([closed, storage.close()]);
      await rm(directory, { recursive: true, force: true });
    },
  };
  return server;
}
