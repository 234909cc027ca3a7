import type { z } from 'zod';
import { unionOfKinds } from '../kinds.ts';
import type { Channel, ChannelKind } from './channel-kind.ts';
import { email } from './email.ts';
import { webhook } from './webhook.ts';

/** Every kind of channel. To add one: write its file, then add its line here. */
const channelKinds = {
  email,
  webhook,
};

export const ChannelSettings = unionOfKinds(channelKinds);
export type ChannelSettings = z.infer<typeof ChannelSettings>;

export function openChannel(settings: ChannelSettings): Channel {
  // The table pairs each kind with its own settings; TypeScript cannot see the pairing.
  const kind = channelKinds[settings.kind] as unknown as ChannelKind<z.ZodObject>;
  return kind.open(settings);
}
