/** How a failed piece of work should be treated by whoever scheduled it. */
export type Disposition =
  | 'retry' // It may succeed later without anyone's help.
  | 'hold' // It will fail until a person changes the instance or the configuration.
  | 'unclear'; // The peer may have taken the instance before the failure.

/**
 * An operating error: expected, named by `code`, and carrying what an operator needs to act.
 *
 * The message says what could not be done, what is and what should be; it never holds a patient's data,
 * for it goes to logs, metrics and the console.
 */
export abstract class GatewayError extends Error {
  abstract readonly code: string;
  abstract readonly disposition: Disposition;
  readonly context: Readonly<Record<string, string | number>>;

  constructor(message: string, context: Record<string, string | number> = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.context = Object.freeze({ ...context });
  }
}
