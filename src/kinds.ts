import { z } from 'zod';

/** What every member of a table of kinds has: the schema of its settings, with a literal `kind`. */
export interface Kind<Settings extends z.ZodObject> {
  readonly settings: Settings;
}

type SettingsOf<Table> = {
  [Name in keyof Table]: Table[Name] extends Kind<infer S> ? S : never;
}[keyof Table];

/**
 * The settings schema of a table of kinds: a union that narrows on `kind`.
 *
 * @throws {TypeError} when the table is empty
 */
export function unionOfKinds<Table extends Record<string, Kind<z.ZodObject>>>(
  table: Table,
): z.ZodDiscriminatedUnion<[SettingsOf<Table>, ...SettingsOf<Table>[]]> {
  const schemas = Object.values(table).map((kind) => kind.settings);
  const [first, ...rest] = schemas;
  if (first === undefined) throw new TypeError('Cannot make settings of kinds: the table is empty');
  // The values of the table are exactly SettingsOf<Table>; Object.values() forgets it.
  return z.discriminatedUnion('kind', [first, ...rest] as never) as never;
}
