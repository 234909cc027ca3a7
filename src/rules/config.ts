import { z } from 'zod';

/** Settings of the rules. */
export const RulesSettings = z.strictObject({
  path: z
    .string()
    .min(1)
    .default('./rules')
    .describe('A rule file, or a folder whose *.yaml files are read by name (not those of folders in it).'),
});
export type RulesSettings = z.infer<typeof RulesSettings>;
