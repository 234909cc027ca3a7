import { GatewayError } from '../errors.ts';

/** The console or the metrics listener could not open its port. */
export class ListenError extends GatewayError {
  override readonly code = 'CONSOLE_CANNOT_LISTEN';
  override readonly disposition = 'hold';

  constructor(setting: string, { host, port }: { host: string; port: number }, cause: NodeJS.ErrnoException) {
    const reason = cause.code === 'EADDRINUSE' ? 'the port must be free, and is in use' : cause.message;
    super(`Cannot listen on ${host}:${port} (${setting}): ${reason}`, { setting, host, port }, { cause });
  }
}

/** A request of the API that makes no sense; answered with 400. */
export class RequestError extends GatewayError {
  override readonly code = 'CONSOLE_BAD_REQUEST';
  override readonly disposition = 'hold';
}
