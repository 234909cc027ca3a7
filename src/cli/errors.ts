import { GatewayError } from '../errors.ts';

/** No gateway answers where the settings say that its console is. */
export class GatewayUnreachableError extends GatewayError {
  override readonly code = 'GATEWAY_UNREACHABLE';
  override readonly disposition = 'retry';
}

/** The running gateway refused what was asked of it. */
export class GatewayRefusedError extends GatewayError {
  override readonly code = 'GATEWAY_REFUSED';
  override readonly disposition = 'hold';
}

/** A file named on the command line cannot be read. */
export class FileUnreadableError extends GatewayError {
  override readonly code = 'FILE_UNREADABLE';
  override readonly disposition = 'hold';
}

/** The demo did not end as it should. */
export class DemoError extends GatewayError {
  override readonly code = 'DEMO_FAILED';
  override readonly disposition = 'hold';
}

/** An inventory to compare cannot be read. */
export class InventoryUnreadableError extends GatewayError {
  override readonly code = 'INVENTORY_UNREADABLE';
  override readonly disposition = 'retry';
}
