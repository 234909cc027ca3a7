/** The client of the SDK, made from the settings of a destination. */
import { type AgentOptions, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { connectTls, type TlsTarget } from '../tls/client.ts';
import { readKey } from './http-auth.ts';
import type { S3Settings } from './s3-settings.ts';

/** Attempts of the client itself at one request, within an attempt at the instance: a stray 503 costs no upload. */
const TRIES = 3;
/** The client reads credentials again five minutes before they expire. */
const CREDENTIALS_MS = 600_000;

export function openS3Client(settings: S3Settings, tls: TlsTarget | undefined): S3Client {
  const agent = { keepAlive: true, noDelay: true, maxSockets: settings.uploads_max * settings.parts_max + 2 };
  const checksums = settings.checksums === 'crc32' ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED';
  return new S3Client({
    region: settings.region,
    ...(settings.endpoint && { endpoint: settings.endpoint }),
    forcePathStyle: settings.force_path_style,
    maxAttempts: TRIES,
    requestChecksumCalculation: checksums,
    responseChecksumValidation: 'WHEN_REQUIRED', // Nothing is read back but the head of a file.
    requestHandler: {
      connectionTimeout: settings.connect_timeout,
      socketTimeout: settings.response_timeout, // Without a byte either way: a slow line is no fault.
      httpAgent: new HttpAgent(agent),
      httpsAgent: tls ? new JudgingAgent(agent, tls) : new HttpsAgent(agent),
    },
    ...credentialsOf(settings),
  });
}

function credentialsOf({ credentials }: S3Settings): Pick<S3ClientConfig, 'credentials' | 'profile'> {
  switch (credentials.kind) {
    case 'default':
      return {};
    case 'profile':
      return { profile: credentials.profile };
    case 'environment': {
      const { access_key_id_env: id, secret_access_key_env: secret } = credentials;
      return {
        credentials: async () => ({
          accessKeyId: await readKey('access key ID', { env: id }),
          secretAccessKey: await readKey('secret access key', { env: secret }),
        }),
      };
    }
    case 'files': {
      const { access_key_id_file: id, secret_access_key_file: secret } = credentials;
      return {
        credentials: async () => ({
          accessKeyId: await readKey('access key ID', { file: id }),
          secretAccessKey: await readKey('secret access key', { file: secret }),
          expiration: new Date(Date.now() + CREDENTIALS_MS),
        }),
      };
    }
    default:
      return credentials satisfies never;
  }
}

/** Connects as every destination over TLS does, and hands out what it has judged. */
class JudgingAgent extends HttpsAgent {
  readonly #tls: TlsTarget;

  constructor(options: AgentOptions, tls: TlsTarget) {
    super(options);
    this.#tls = tls;
  }

  override createConnection(
    options: Parameters<HttpsAgent['createConnection']>[0],
    callback: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const address = {
      host: String(options.host),
      port: Number(options.port ?? 443),
      noDelay: true,
      keepAlive: true,
    };
    const fail = (error: Error) => callback(error, socket);
    const socket = connectTls(address, this.#tls, () => {
      socket.off('error', fail);
      callback(null, socket);
    });
    socket.once('error', fail);
  }
}
