import { SpoolError, type SpoolErrorCode } from './errors.ts';

/** A {@link SpoolError} on its way between threads. */
export interface WireError {
  readonly code: SpoolErrorCode;
  readonly message: string;
  readonly context: Readonly<Record<string, string | number>>;
}

/** Anything but a {@link SpoolError} is a request gone wrong. */
export function toWireError(error: unknown): WireError {
  if (error instanceof SpoolError) {
    return { code: error.code, message: error.message, context: error.context };
  }
  return { code: 'REQUEST_REJECTED', message: `Cannot do the request: ${reasonOf(error)}`, context: {} };
}

export function fromWireError({ code, message, context }: WireError): SpoolError {
  return new SpoolError(code, message, { ...context });
}

/** The text of whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
