/**
 * One word of the command line. To add one: write its file with a `Command`, then add its line to
 * `commands.ts`. Whatever is slow to load (codecs, the spool, the DIMSE library) is imported inside `run`.
 */
export interface Command {
  readonly name: string;
  /** One line of `slidegate --help`. */
  readonly summary: string;
  /** What `slidegate <name> --help` prints: the forms of the command and its options. */
  readonly usage: string;
  /**
   * Reads its own arguments with `parseArgs` of node:util, which `main.ts` turns into exit code 2 when it throws.
   *
   * @returns the exit code: 0 done, 1 failed or refused, 2 wrong use
   * @throws {UsageError} when the arguments make no sense
   * @throws {GatewayError} when what was asked for could not be done; `main.ts` prints it and exits with 1
   */
  run(args: readonly string[]): Promise<number>;
}

/** The command was used wrongly: exit code 2, with the usage. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
