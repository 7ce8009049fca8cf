import { VizaviError } from '@vizavi/signaling';
import type { Listening as Mode, RequestOf, ViewerToServer } from '@vizavi/signaling';
import type { Emit } from './avatar-events.ts';
import type { Environment, Media } from './environment.ts';
import { Microphone } from './microphone.ts';
import { MicrophoneSender } from './microphone-sender.ts';
import type { SessionLink, Started } from './session-link.ts';
import { SpeechRecognizer } from './speech-recognizer.ts';

type Route = RequestOf<ViewerToServer, 'listening.set'>['route'];

export interface ListenOptions {
  /** `push`: only between `startPushToTalk()` and `stopPushToTalk()`; by default all the time. */
  readonly mode?: 'open' | 'push';
  /** What is said is answered, or said again by the avatar, which then is a mask; by default answered. */
  readonly route?: Route;
}

export interface ListeningOptions {
  readonly link: Pick<SessionLink, 'call' | 'callNow'>;
  readonly media: Pick<Media, 'createSendTransport'>;
  readonly environment: Pick<Environment, 'openMicrophone' | 'recognition'>;
  /** BCP 47: what the browser's own speech recognition is to expect. */
  readonly lang: string;
  readonly emit: Emit;
}

/** The visitor's microphone, from the permission to the words, kept up through lost connections. */
export class Listening {
  readonly #options: ListeningOptions;
  readonly #microphone: Microphone;
  readonly #sender: MicrophoneSender;
  readonly #recognizer: SpeechRecognizer | null;
  #ears: Started['ears'] = 'server';
  #mode: Mode = 'off';
  #route: Route = 'answer';
  #isHeld = false;
  #closed = false;
  /** One thing after another: a button can be let go before the microphone is open. */
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: ListeningOptions) {
    this.#options = options;
    const { link, media, environment, emit } = options;
    this.#microphone = new Microphone({
      open: environment.openMicrophone,
      onTrack: (track) => void this.#sender.replaceTrack(track).catch(() => undefined),
      onChange: () => {
        const { isOpen, isMuted } = this.#microphone;
        emit('microphone.changed', { isOpen, isMuted });
      },
      onLost: (error) => {
        this.stop().catch(() => undefined);
        emit('microphone.failed', { error });
      },
    });
    this.#sender = new MicrophoneSender({
      createTransport: (info) => media.createSendTransport(info),
      signaling: {
        open: () => link.call('microphone.open', {}),
        connect: (dtlsParameters) => link.callNow('microphone.connect', { dtlsParameters }),
        produce: (rtpParameters) => link.callNow('microphone.produce', { rtpParameters }),
        close: () => link.callNow('microphone.close', {}),
      },
      onLost: () => void this.#restore(),
    });
    const create = environment.recognition();
    this.#recognizer = create
      ? new SpeechRecognizer({
          create,
          lang: options.lang,
          onHeard: (text, final) => void link.call('user.heard', { text, final }).catch(() => undefined),
          onUnavailable: (reason) => {
            emit('listening.unavailable', { reason });
          },
        })
      : null;
  }

  get mode(): Mode {
    return this.#mode;
  }

  get isMuted(): boolean {
    return this.#microphone.isMuted;
  }

  /** @throws VizaviError `forbidden`, `unsupported_device`, `media_failed`, and what the server answered */
  start(mode: 'open' | 'push', route: Route = this.#route): Promise<void> {
    return this.#serially(async () => {
      if (this.#mode === mode && this.#route === route) return;
      this.#microphone.holdBack(mode === 'push');
      try {
        const track = await this.#microphone.open();
        if (!this.#sender.isStanding) await this.#send(track);
        await this.#options.link.call('listening.set', { mode, route });
      } catch (error) {
        if (this.#mode === 'off') this.#release();
        else this.#microphone.holdBack(this.#mode === 'push');
        throw error;
      }
      this.#mode = mode;
      this.#route = route;
      if (this.#ears === 'browser' && !this.#recognizer)
        this.#options.emit('listening.unavailable', { reason: 'unsupported' });
      this.#recognize();
    });
  }

  stop(): Promise<void> {
    // A prompt that still waits for the person's answer is not waited for.
    if (this.#mode === 'off') this.#microphone.close();
    return this.#serially(async () => {
      if (this.#mode === 'off') return;
      this.#mode = 'off';
      this.#isHeld = false;
      this.#release();
      await this.#options.link.call('listening.set', { mode: 'off', route: this.#route });
    });
  }

  /** @throws VizaviError as `start` */
  async push(): Promise<void> {
    this.#isHeld = true;
    await this.start('push');
    await this.#serially(async () => {
      // Let go while the person was asked for the microphone.
      if (!this.#isHeld || this.#mode !== 'push') return;
      await this.#options.link.call('pushToTalk.start', {});
      this.#microphone.holdBack(false);
      this.#recognize();
    });
  }

  async letGo(): Promise<void> {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    await this.#serially(async () => {
      if (this.#mode !== 'push') return;
      // The last words come first: with the button the turn is over.
      await this.#recognizer?.stop();
      this.#microphone.holdBack(true);
      await this.#options.link.call('pushToTalk.stop', {});
    });
  }

  mute(isMuted: boolean): void {
    this.#microphone.mute(isMuted);
    this.#recognize();
  }

  /** @throws VizaviError as `start` */
  setDevice(deviceId: string | null): Promise<void> {
    return this.#serially(() => this.#microphone.setDevice(deviceId));
  }

  /** The server knows this viewer (again). */
  joined({ ears, resumed }: Started): void {
    this.#ears = ears;
    if (this.#mode !== 'off') void this.#restore(resumed);
  }

  close(): void {
    this.#closed = true;
    this.#mode = 'off';
    this.#release();
  }

  /** After a lost connection: as it was before. */
  async #restore(mayStand = false): Promise<void> {
    await this.#serially(async () => {
      const { track } = this.#microphone;
      if (this.#mode === 'off' || !track) return;
      if (!mayStand || !this.#sender.isStanding) await this.#send(track);
      await this.#options.link.call('listening.set', { mode: this.#mode, route: this.#route });
      if (this.#isHeld) await this.#options.link.call('pushToTalk.start', {});
    }).catch((error: unknown) => {
      if (this.#closed) return;
      this.stop().catch(() => undefined);
      this.#options.emit('microphone.failed', { error: VizaviError.from(error) });
    });
  }

  /** Over one connection after another, until one lasts long enough. */
  async #send(track: MediaStreamTrack): Promise<void> {
    for (;;) {
      try {
        await this.#sender.open(this.#microphone.track ?? track);
        return;
      } catch (error) {
        if (this.#closed || VizaviError.from(error).code !== 'disconnected') throw error;
      }
    }
  }

  /** Whether the browser's own recognition is to run follows from everything else. */
  #recognize(): void {
    const { track } = this.#microphone;
    const isHearing = this.#mode === 'open' || (this.#mode === 'push' && this.#isHeld);
    if (this.#ears === 'browser' && isHearing && track && !this.isMuted) this.#recognizer?.start(track);
    else void this.#recognizer?.stop();
  }

  #release(): void {
    this.#recognizer?.close();
    this.#sender.close();
    this.#microphone.close();
  }

  #serially<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(async () => {
      if (this.#closed) throw new VizaviError('invalid_state', 'the session is over');
      return work();
    });
    this.#work = done.catch(() => undefined);
    return done;
  }
}
