import { z } from 'zod';

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const TimeOfDay = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'must be a time of day such as 18:30');

/** Times of the week. One that ends before it begins runs past midnight; its day is that of its beginning. */
export const Windows = z
  .array(
    z
      .strictObject({
        days: z
          .array(z.enum(DAYS))
          .min(1)
          .default([...DAYS])
          .describe('Days of the week on which the window begins.'),
        from: TimeOfDay.describe('When it begins, such as 18:30.'),
        to: TimeOfDay.describe('When it ends; before `from`, on the next day.'),
      })
      .refine(({ from, to }) => from !== to, {
        path: ['to'],
        message:
          'must be another time than `from`, for else it never opens (a whole day is from 00:00 to 24:00)',
      }),
  )
  .default([]);
export type Windows = z.infer<typeof Windows>;
