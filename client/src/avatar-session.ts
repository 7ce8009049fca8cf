import type {
  Gesture,
  Listening as ListeningMode,
  Manner,
  PageState,
  ResultOf,
  Role,
  SessionEvent,
  SessionState,
  ViewerToServer,
} from '@vizavi/signaling';
import type { AvatarEvents, Emit } from './avatar-events.ts';
import type { Caption } from './captions.ts';
import { Conversation } from './conversation.ts';
import { browser } from './environment.ts';
import type { Environment } from './environment.ts';
import { Listening } from './listening.ts';
import type { ListenOptions } from './listening.ts';
import type { PcmSource } from './pcm-source.ts';
import { assertTextFits } from './replies.ts';
import type { Reply } from './replies.ts';
import { SessionLife } from './session-life.ts';
import type { Started } from './session-link.ts';
import { bufferMs, combineStats, inboundOf } from './session-stats.ts';
import type { SessionStats, StatsSample } from './session-stats.ts';
import { Speech } from './speech.ts';
import type { ToolHandler } from './tools.ts';
import type { TranscriptEntry } from './transcript.ts';
import { TypedEmitter } from './typed-emitter.ts';
import { Utterances } from './utterances.ts';
import type { Spoken } from './utterances.ts';

export interface AvatarSessionOptions {
  /** http(s) address of the vizavi server; by default the one that the page came from. */
  readonly url?: string;
  /** BCP 47, such as `en-GB`: what this browser is to listen for; by default the page's language. */
  readonly lang?: string;
}

/**
 * One viewer of one session: sees and hears the avatar, talks with it, and tells it what to say. Lost connections are
 * made again, and what was under way goes on.
 */
export class AvatarSession extends TypedEmitter<AvatarEvents> {
  readonly #environment: Environment;
  readonly #life: SessionLife;
  readonly #utterances: Utterances;
  readonly #speech: Speech;
  readonly #conversation: Conversation;
  readonly #listening: Listening;
  #lastSample: StatsSample | null = null;
  #page: PageState = {};

  /** `token` comes from `POST /v1/sessions`, asked by your server. */
  constructor(token: string, options: AvatarSessionOptions = {}, environment: Environment = browser) {
    super();
    const emit: Emit = (type, body) => {
      this.emit(type, body);
    };
    const { nowMs, newId } = environment;
    this.#environment = environment;
    this.#utterances = new Utterances(nowMs);
    this.#life = new SessionLife({
      url: options.url ?? location.origin,
      token,
      environment,
      emit,
      onEvent: (event) => {
        this.#onEvent(event);
      },
      onJoined: (started) => {
        this.#page = started.page;
        this.#listening.joined(started);
      },
      onEnd: (error) => {
        this.#listening.close();
        this.#utterances.close(error);
        this.#conversation.close(error);
      },
    });
    const { link, media } = this.#life;
    this.#speech = new Speech(link, this.#utterances, newId);
    this.#conversation = new Conversation({ link, nowMs, newId, emit, delayMs: () => this.#soundDelayMs() });
    const lang = options.lang ?? pageLanguage();
    this.#listening = new Listening({ link, media, environment, lang, emit });
  }

  /** `joining` until somebody sees the avatar, `queued` while it waits for one, `live`, `closing`, `closed`. */
  get state(): SessionState {
    return this.#life.state;
  }

  /**
   * Joins. Resolves when picture and sound are on their way; `session.queue_changed` tells of a wait before that.
   *
   * @throws VizaviError `unauthorized`, `token_expired`, `unsupported_device`, `timeout` and others; the session is
   *   closed then
   */
  start(): Promise<void> {
    return this.#life.start();
  }

  /** Whom this session shows; null until the server has answered. */
  get avatar(): Readonly<Started['avatar']> | null {
    return this.#life.started?.avatar ?? null;
  }

  /** Who this viewer is; null until the server has answered. */
  get role(): Role | null {
    return this.#life.started?.role ?? null;
  }

  /** Shows the avatar in this element, before or after `start()`. */
  attach(video: HTMLVideoElement): void {
    if (this.state !== 'closed') this.#life.player.attach(video);
  }

  /** Sound on, after `session.autoplay_blocked`. Call it from a user's gesture. */
  async unmute(): Promise<void> {
    await this.#life.player.unmute();
  }

  /**
   * Says `text`, after what it is saying now. Resolves when it was spoken or interrupted.
   *
   * @throws VizaviError `invalid_text`, `text_too_long`, `too_many_requests`, `voice_failed` and others
   */
  async repeat(text: string, manner: Manner = {}): Promise<Spoken> {
    return this.#speech.repeat(text, manner);
  }

  /**
   * Lets the avatar speak this sound: mono PCM at one of 8000, 16000, 22050, 24000, 32000, 44100, 48000 Hz. A stream is
   * said as it comes.
   *
   * @throws VizaviError `invalid_audio` and others, or whatever the stream throws
   */
  async repeatAudio(pcm: PcmSource, manner: Manner & { readonly sampleRate: number }): Promise<Spoken> {
    return this.#speech.repeatAudio(pcm, manner);
  }

  /** Head and brows do this now, speaking or not. @throws VizaviError `forbidden` for an audience, and others */
  async gesture(gesture: Gesture): Promise<void> {
    await this.#life.link.call('gesture', { gesture });
  }

  /**
   * Asks the avatar something, or tells it: it answers. Resolves when the answer was spoken or interrupted.
   *
   * @throws VizaviError `invalid_text`, `text_too_long`, `too_many_requests`, `brain_failed`, `forbidden` and others
   */
  async message(text: string): Promise<Reply> {
    return this.#conversation.message(text);
  }

  /** A question for the presenters, who hear of it as `audience.asked`. @throws VizaviError `too_many_requests` and others */
  async askPresenter(text: string): Promise<void> {
    assertTextFits(text);
    await this.#life.link.call('audience.ask', { askId: this.#environment.newId(), text });
  }

  /** Silence, now, and nothing of what waits is said. Resolves when the avatar is silent. */
  async interrupt(): Promise<ResultOf<ViewerToServer, 'interrupt'>> {
    this.#speech.interruptWaiting();
    return this.#life.link.call('interrupt', {});
  }

  /**
   * Opens the microphone; the avatar listens from now on, and falls silent when somebody speaks. Call it from a user's
   * gesture: the browser may ask for permission.
   *
   * @throws VizaviError `forbidden` when the person refuses, `unsupported_device` without a microphone, `interrupted` when
   *   `stopListening()` came first, `media_failed` and others
   */
  async startListening(options: ListenOptions = {}): Promise<void> {
    await this.#listening.start(options.mode ?? 'open', options.route);
  }

  /** Closes the microphone. */
  async stopListening(): Promise<void> {
    await this.#listening.stop();
  }

  /** What is said from now on counts. @throws VizaviError as `startListening` */
  async startPushToTalk(): Promise<void> {
    await this.#listening.push();
  }

  /** What was said is one turn, and is answered. */
  async stopPushToTalk(): Promise<void> {
    await this.#listening.letGo();
  }

  /** How the microphone is used now. */
  get listening(): ListeningMode {
    return this.#listening.mode;
  }

  get isMicrophoneMuted(): boolean {
    return this.#listening.isMuted;
  }

  muteMicrophone(): void {
    this.#listening.mute(true);
  }

  unmuteMicrophone(): void {
    this.#listening.mute(false);
  }

  /**
   * Another microphone, by its id of `MediaDevices.enumerateDevices`; null is the browser's choice.
   *
   * @throws VizaviError as `startListening`; the one before stays in use then
   */
  async setInputDevice(deviceId: string | null): Promise<void> {
    await this.#listening.setDevice(deviceId);
  }

  /**
   * What the page does when the avatar calls the tool `name`; `'*'` is asked about all that have no handler of their own.
   * How long it may take is the server's decision. Answers how to take the handler away.
   */
  onTool(name: string, handler: ToolHandler): () => void {
    return this.#conversation.onTool(name, handler);
  }

  /** What all viewers' pages are to show, such as the number of a slide; `page.changed` tells of it. */
  get page(): PageState {
    return this.#page;
  }

  /** For the pages of all viewers. @throws VizaviError `forbidden` for an audience, `invalid_message` above 4,000 characters */
  async setPage(state: PageState): Promise<void> {
    await this.#life.link.call('page.set', { state });
  }

  /** Who said what since this page joined, oldest first; `transcript.changed` tells of a new array. */
  get transcript(): readonly TranscriptEntry[] {
    return this.#conversation.transcript;
  }

  /** What is being said now, word by word: `captions.changed`. */
  get caption(): Caption | null {
    return this.#conversation.caption;
  }

  /** Somebody is here: the session is not closed for inactivity for now. */
  async keepAlive(): Promise<void> {
    await this.#life.link.call('session.keepAlive', {});
  }

  /** Ends the session, for every viewer. */
  async stop(): Promise<void> {
    await this.#life.stop();
  }

  /** @throws VizaviError */
  async stats(): Promise<SessionStats> {
    const { nowMs } = this.#environment;
    const askedMs = nowMs();
    const asked = this.#life.link
      .call('session.stats', {})
      .then((server) => ({ server, roundTripMs: nowMs() - askedMs }));
    const [{ server, roundTripMs }, reports] = await Promise.all([asked, this.#life.media.reports()]);
    const now: StatsSample = { audio: inboundOf(reports.audio), video: inboundOf(reports.video) };
    const before = this.#lastSample;
    this.#lastSample = now;
    return combineStats({
      ...this.#life.times,
      framesPresented: this.#life.player.framesPresented,
      roundTripMs,
      server,
      now,
      before,
    });
  }

  #onEvent(event: SessionEvent): void {
    if (event.type === 'avatar.speak_started') this.#utterances.started(event.body);
    if (event.type === 'avatar.speak_ended') this.#utterances.ended(event.body);
    if (event.type === 'page.changed') this.#page = event.body.state;
    this.#conversation.receive(event);
    this.emit(event.type, event.body);
  }

  /** Sound waits in the browser's buffer before it is heard. */
  async #soundDelayMs(): Promise<number> {
    const { audio } = await this.#life.media.reports();
    return bufferMs(inboundOf(audio)) ?? 0;
  }
}

function pageLanguage(): string {
  const page = (globalThis as { document?: Document }).document;
  return page?.documentElement.lang || (globalThis.navigator as Navigator | undefined)?.language || 'en';
}
