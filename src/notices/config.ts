import { z } from 'zod';
import { ChannelSettings } from './channels.ts';

/** Who is told when something needs a person. */
export const NoticesSettings = z.record(z.string(), ChannelSettings).default({});
export type NoticesSettings = z.infer<typeof NoticesSettings>;
