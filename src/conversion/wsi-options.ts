import { z } from 'zod';

const Millimetres = z.number().positive().lt(1000);

/** Options of the job `wsi`, as a rule or the command line states them. */
export const WsiOptions = z.strictObject({
  tile: z
    .int()
    .min(64)
    .max(4096)
    .multipleOf(16)
    .default(512)
    .describe('Side of a tile in pixels; JPEG wants multiples of 16.'),
  quality: z.int().min(1).max(100).default(85).describe('JPEG quality; from 90 on colour is stored in full.'),
  spacingMm: z
    .tuple([Millimetres, Millimetres])
    .optional()
    .describe('Pixel spacing in mm, between rows and between columns, for sources that state none.'),
  spacingFrom: z
    .string()
    .optional()
    .describe('Attribute to take for pixel spacing where Pixel Spacing and Pixel Measures are missing.'),
  sliceThicknessMm: Millimetres.optional().describe(
    'Thickness of the section in mm, for sources that state none.',
  ),
});
export type WsiOptions = z.output<typeof WsiOptions>;
