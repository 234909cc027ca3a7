import { z } from 'zod';
import { Duration } from '../duration.ts';
import type { Kind } from '../kinds.ts';
import { REASONS } from './notice.ts';

/** Settings that every kind of channel spreads into its own. */
export const channelSettings = {
  on: z
    .array(z.enum(REASONS))
    .min(1)
    .default([...REASONS])
    .describe('What is told; everything unless stated.'),
  at_most_every: Duration.prefault('15m').describe(
    'After a notice, more of the same about the same destination, source or stage is gathered for so long, and then ' +
      'told in one.',
  ),
};

/** A notice, ready to be sent. */
export interface Message {
  /** The same for every try, so that a receiver may recognize what it has got already. */
  readonly id: string;
  /** One line. */
  readonly title: string;
  /** Several lines; the first says what the title says. */
  readonly text: string;
  /** For programs; stable: see docs/notices.md. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** What a member of the table of channels must provide. */
export interface ChannelKind<Settings extends z.ZodObject> extends Kind<Settings> {
  /** Touches no network. */
  open(settings: z.infer<Settings>): Channel;
}

export interface Channel {
  /**
   * Resolves once the server has taken the message.
   *
   * @throws {NoticeError} when it did not
   */
  send(message: Message, signal: AbortSignal): Promise<void>;
}
