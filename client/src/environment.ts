import { Channel } from '@vizavi/signaling/channel';
import { MediaReceiver } from './media-receiver.ts';
import type { MediaReceiverOptions } from './media-receiver.ts';
import type { ViewerChannel, ViewerChannelOptions } from './session-link.ts';

export type Media = Pick<
  MediaReceiver,
  'stream' | 'isStanding' | 'open' | 'consumeAgain' | 'recover' | 'reports' | 'close'
>;

/** What a session needs of the browser. */
export interface Environment {
  readonly openChannel: (options: ViewerChannelOptions) => ViewerChannel;
  readonly createMedia: (options: MediaReceiverOptions) => Media;
  /** `performance.now()`: that of frames, too. */
  readonly nowMs: () => number;
  readonly newId: () => string;
}

export const browser: Environment = {
  openChannel: (options) => new Channel(options),
  createMedia: (options) => new MediaReceiver(options),
  nowMs: () => performance.now(),
  // randomUUID exists only on https and localhost.
  newId: () =>
    Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join(
      '',
    ),
};
