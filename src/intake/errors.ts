import { GatewayError } from '../errors.ts';

/** An input cannot take its place: its address is in use, or not ours. */
export class InputUnavailableError extends GatewayError {
  override readonly code = 'INPUT_UNAVAILABLE';
  override readonly disposition = 'hold';
}
