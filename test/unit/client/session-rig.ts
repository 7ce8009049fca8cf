import { VizaviError } from '@vizavi/signaling';
import type { NoticeName, NoticeOf, PageState, Role, ServerToViewer } from '@vizavi/signaling';
import { AvatarSession } from '../../../client/src/avatar-session.ts';
import type { Media } from '../../../client/src/environment.ts';
import type { MediaReceiverOptions } from '../../../client/src/media-receiver.ts';
import { FakeMicrophones } from './fake-microphones.ts';
import { FakeRecognition } from './fake-recognition.ts';
import { FakeSendTransport } from './fake-send-transport.ts';
import type { ViewerChannelOptions } from '../../../client/src/session-link.ts';

export interface SentCall {
  readonly type: string;
  readonly body: Record<string, unknown>;
}

type Answer = (body: Record<string, unknown>) => unknown;

const TRANSPORT = { id: 't', iceParameters: {}, iceCandidates: [], dtlsParameters: {} };

/** An AvatarSession with the server and the browser's media in memory. */
export class SessionRig {
  /** What the server has been asked, in order. */
  readonly calls: SentCall[] = [];
  /** What was done to the media. */
  readonly mediaWork: string[] = [];
  readonly session: AvatarSession;
  /** Whether the server still has this viewer's media. */
  mediaStands = false;
  mediaFailure: VizaviError | null = null;
  dials = 0;
  closed = false;
  nowMs = 0;
  readonly microphones = new FakeMicrophones();
  /** Ways of the microphone's sound, in the order in which they were made. */
  readonly sendTransports: FakeSendTransport[] = [];
  /** Who turns speech to text, and who this viewer is, as the server says. */
  ears: 'server' | 'browser' = 'server';
  role: Role = 'visitor';
  page: PageState = {};
  readonly #answers = new Map<string, Answer>();
  readonly #unanswered = new Set<(error: VizaviError) => void>();
  #channel!: ViewerChannelOptions;
  #media!: MediaReceiverOptions;
  #connected = false;
  #ids = 0;
  #seq = 0;

  /** @param hasRecognition whether the browser has speech recognition */
  constructor(hasRecognition = true) {
    this.answer('session.start', () => {
      const resumed = this.mediaStands;
      this.mediaStands = true;
      return {
        sessionId: 's',
        state: 'live',
        resumed,
        routerRtpCapabilities: {},
        transport: resumed ? null : TRANSPORT,
        queue: null,
        role: this.role,
        ears: this.ears,
        page: this.page,
        avatar: { id: 'mira', name: 'Mira', fps: 25, width: 512, height: 512 },
      };
    });
    this.answer('microphone.open', () => ({ transport: TRANSPORT }));
    this.answer('microphone.produce', () => ({ producerId: 'p' }));
    FakeRecognition.reset();
    this.session = new AvatarSession(
      'token',
      { url: 'http://localhost', lang: 'en' },
      {
        openChannel: (options) => {
          this.#channel = options;
          const call = (type: string, body: object) => this.#call(type, { ...body });
          const isConnected = (): boolean => this.#connected;
          return {
            peer: {
              call: call as never,
              get connected() {
                return isConnected();
              },
            },
            open: () => (this.dials += 1),
            close: () => {
              this.closed = true;
            },
            drop: () => {
              this.disconnect();
              this.dials += 1;
            },
          };
        },
        createMedia: (options) => {
          this.#media = options;
          return this.#createMedia();
        },
        openMicrophone: (constraints) => this.microphones.open(constraints),
        recognition: () => (hasRecognition ? FakeRecognition : null),
        nowMs: () => this.nowMs,
        newId: () => `id-${++this.#ids}`,
      },
    );
  }

  /** The server answers calls of this type so from now on; a promise that never settles is no answer. */
  answer(type: string, answer: Answer): void {
    this.#answers.set(type, answer);
  }

  /** Joined, with media. */
  async joined(): Promise<this> {
    const ready = this.session.start();
    this.connect();
    await ready;
    return this;
  }

  connect(): void {
    this.#connected = true;
    this.#channel.onConnect();
  }

  disconnect(): void {
    this.#connected = false;
    this.#channel.onDisconnect('transport close');
    for (const reject of this.#unanswered) reject(new VizaviError('disconnected', 'lost'));
    this.#unanswered.clear();
  }

  refuse(error: VizaviError): void {
    this.#channel.onRefused(error);
  }

  /** An event from the server, with the next number or this one. */
  event<T extends NoticeName<ServerToViewer>>(
    type: T,
    body: NoticeOf<ServerToViewer, T>,
    seq = this.#seq,
  ): void {
    this.#seq = Math.max(this.#seq, seq + 1);
    this.#channel.notices[type](body as never, seq);
  }

  ended(utteranceId: string, outcome: 'spoken' | 'interrupted'): void {
    this.event('avatar.speak_ended', { utteranceId, outcome, playedMs: 900, error: null });
  }

  /** The way to the SFU broke for good. */
  loseMedia(): void {
    this.mediaStands = false;
    this.#media.onLost();
  }

  sent(type: string): Record<string, unknown>[] {
    return this.calls.filter((call) => call.type === type).map(({ body }) => body);
  }

  #call(type: string, body: Record<string, unknown>): Promise<unknown> {
    if (!this.#connected) return Promise.reject(new VizaviError('disconnected', 'not connected'));
    this.calls.push({ type, body });
    return new Promise((resolve, reject) => {
      this.#unanswered.add(reject);
      const answered = Promise.resolve().then(() => (this.#answers.get(type) ?? (() => ({})))(body));
      answered.then(resolve, reject).finally(() => this.#unanswered.delete(reject));
    });
  }

  #createMedia(): Media {
    const isStanding = (): boolean => this.mediaStands && this.mediaWork.length > 0;
    const work = (name: string) => async () => {
      this.mediaWork.push(name);
      if (this.mediaFailure) throw this.mediaFailure;
    };
    return {
      stream: {} as MediaStream,
      get isStanding() {
        return isStanding();
      },
      open: work('open'),
      consumeAgain: work('consumeAgain'),
      recover: work('recover'),
      createSendTransport: () => {
        const transport = new FakeSendTransport();
        this.sendTransports.push(transport);
        return transport as never;
      },
      reports: async () => ({ audio: null, video: null }),
      close: () => void this.mediaWork.push('close'),
    };
  }
}

/** Lets everything that is ready run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

export const never = new Promise<never>(() => undefined);
