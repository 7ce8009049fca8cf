import { Channel } from '@vizavi/signaling/channel';
import { MediaReceiver } from './media-receiver.ts';
import type { MediaReceiverOptions } from './media-receiver.ts';
import { browserRecognition } from './speech-recognizer.ts';
import type { RecognitionConstructor } from './speech-recognizer.ts';
import type { ViewerChannel, ViewerChannelOptions } from './session-link.ts';

export type Media = Pick<
  MediaReceiver,
  'stream' | 'isStanding' | 'open' | 'consumeAgain' | 'recover' | 'reports' | 'createSendTransport' | 'close'
>;

/** What a session needs of the browser. */
export interface Environment {
  readonly openChannel: (options: ViewerChannelOptions) => ViewerChannel;
  readonly createMedia: (options: MediaReceiverOptions) => Media;
  /** A microphone's sound; rejects as `MediaDevices.getUserMedia` does. */
  readonly openMicrophone: (constraints: MediaTrackConstraints) => Promise<MediaStreamTrack>;
  /** The browser's own speech to text; null where it has none. */
  readonly recognition: () => RecognitionConstructor | null;
  /** `performance.now()`: that of frames, too. */
  readonly nowMs: () => number;
  readonly newId: () => string;
}

export const browser: Environment = {
  openChannel: (options) => new Channel(options),
  createMedia: (options) => new MediaReceiver(options),
  openMicrophone: async (audio) => {
    // Missing outside of https and localhost.
    const devices = navigator.mediaDevices as MediaDevices | undefined;
    if (!devices) throw new DOMException('a microphone needs https', 'NotSupportedError');
    const [track] = (await devices.getUserMedia({ audio })).getAudioTracks();
    if (!track) throw new DOMException('no sound', 'NotFoundError');
    return track;
  },
  recognition: browserRecognition,
  nowMs: () => performance.now(),
  // randomUUID exists only on https and localhost.
  newId: () =>
    Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join(
      '',
    ),
};
