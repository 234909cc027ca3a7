import { z } from 'zod';
import { actionKind } from './action-kind.ts';
import { attributeOption } from './editable-attribute.ts';
import { number, oneOrMore, strict } from './rule-schema.ts';

const Millimetres = number((value) => value > 0 && value < 1000, 'must be millimetres, greater than 0');

const Options = strict({
  to: z.literal(
    'wsi',
    'must be wsi: VL Whole Slide Microscopy, the one kind of object there is to convert to',
  ),
  tile: number(
    (value) => value % 16 === 0 && value >= 64 && value <= 4096,
    'must be a multiple of 16 from 64 to 4096, in pixels',
  ).optional(),
  quality: number(
    (value) => Number.isInteger(value) && value >= 1 && value <= 100,
    'must be a JPEG quality, 1 to 100',
  ).optional(),
  'spacing-mm': oneOrMore(Millimetres)
    .refine((pair) => pair.length <= 2, 'must be one number, or [row spacing, column spacing]')
    .optional(),
  'spacing-from': attributeOption().optional(),
  'slice-thickness-mm': Millimetres.optional(),
}).refine((options) => options['spacing-mm'] === undefined || options['spacing-from'] === undefined, {
  message: 'states the spacing twice: write spacing-mm or spacing-from',
  path: ['spacing-from'],
});

/** Makes a slide pyramid of an image. Options that the rule leaves out are the conversion's to choose. */
export const convert = actionKind({
  options: Options,
  plan(options) {
    const [row, column = row] = options['spacing-mm'] ?? [];
    const stated = {
      tile: options.tile,
      quality: options.quality,
      spacingMm: row === undefined ? undefined : [row, column],
      spacingFrom: options['spacing-from']?.name,
      sliceThicknessMm: options['slice-thickness-mm'],
    };
    return {
      step: 'convert',
      job: options.to,
      options: Object.fromEntries(Object.entries(stated).filter(([, value]) => value !== undefined)),
      lossy: `lossy JPEG${options.quality === undefined ? '' : ` ${options.quality}`}`,
    };
  },
});
