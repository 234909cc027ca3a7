import type { z } from 'zod';
import { unionOfKinds } from '../kinds.ts';
import { dimseScp } from './dimse-scp.ts';
import { folderInput } from './folder-input.ts';
import type { Input, InputDeps, InputKind } from './input-kind.ts';
import { stowRs } from './stow-rs.ts';

/** Every input kind. To add one: write its file, then add its line here. */
const inputKinds = {
  'dimse-scp': dimseScp,
  'stow-rs': stowRs,
  folder: folderInput,
};

export const InputSettings = unionOfKinds(inputKinds);
export type InputSettings = z.infer<typeof InputSettings>;

/** @throws {InputUnavailableError} */
export function startInput(settings: InputSettings, deps: InputDeps): Promise<Input> {
  // The table pairs each kind with its own settings; TypeScript cannot see the pairing.
  const kind = inputKinds[settings.kind] as unknown as InputKind<z.ZodObject>;
  return kind.start(settings, deps);
}
