import { leftover } from './leftover.mjs';

const CREATE_LIMIT_MS = 10_000;
/** So long may a connection be mended before the visitor is told the truth. */
const DISCONNECTED_LIMIT_MS = 12_000;
/** The avatar's worker starts again in a few seconds. */
const RECOVERING_LIMIT_MS = 30_000;
/** A face that stands still for so long is no face. */
const FROZEN_LIMIT_S = 12;
const KEEP_ALIVE_S = 20;
/** Ends that are nobody's fault. */
const QUIET_ENDS = ['ok', 'client', 'time_limit', 'inactivity'];

/**
 * One visitor and the session that belongs to them. When it is over nothing is left of it.
 *
 * `tell` is called with what happens: `joined`, `queued` (place), `caption` (caption or null), `heard` (text), `busy`
 * (boolean), `doing`, `active`, `mending` (boolean), `blocked` (the sound wants a touch), `deaf` (code: the microphone
 * is of no use), `over` and `failed` (code).
 */
export class Visit {
  #options;
  #session = null;
  #ended = false;
  #isMending = false;
  #limit = 0;
  #tick = 0;
  #seconds = 0;
  #frames = 0;
  #frozenSeconds = 0;
  #spoken = new Set();
  #isHearing = false;

  /**
   * @param {{
   *   client: typeof import('@vizavi/client'),
   *   settings: Record<string, any>,
   *   video: HTMLVideoElement,
   *   tell: (what: string, detail?: any) => void,
   * }} options
   */
  constructor(options) {
    this.#options = options;
  }

  get avatar() {
    return this.#session?.avatar ?? null;
  }

  /** Never rejects: what goes wrong is told. */
  async start() {
    const { client, settings, video } = this.#options;
    try {
      await leftover.end(client);
      const token = await createSession(client, settings);
      leftover.keep(token);
      const session = new client.AvatarSession(token, { lang: settings.lang });
      this.#session = session;
      if (this.#ended) {
        // The visitor has gone meanwhile.
        session.start().catch(() => undefined);
        await this.#stop();
        return;
      }
      this.#listen(session);
      session.attach(video);
      await session.start();
      if (this.#ended) return;
      this.#tick = setInterval(() => this.#watch(), 1000);
      this.#tell('joined');
      void this.#open();
    } catch (error) {
      this.#fail(error.code ?? 'internal');
    }
  }

  /** Resolves when it was said, or will not be. */
  async say(text) {
    await this.#session?.repeat(text).catch(() => undefined);
  }

  async ask(text) {
    await this.#session?.message(text).catch(({ code }) => this.#tell('stumbled', code));
  }

  interrupt() {
    if (this.#spoken.size > 0) this.#session?.interrupt().catch(() => undefined);
  }

  unmute() {
    void this.#session?.unmute();
  }

  push() {
    this.#session?.startPushToTalk().catch(({ code }) => this.#tell('deaf', code));
  }

  letGo() {
    this.#session?.stopPushToTalk().catch(() => undefined);
  }

  /** Says nothing more to anybody; the session is closed. */
  async end() {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#tick);
    clearTimeout(this.#limit);
    await this.#stop();
  }

  async #stop() {
    const session = this.#session;
    this.#session = null;
    // What has come to an end on the server needs no word from here.
    await session?.stop().catch(() => undefined);
    // Where nobody could be told, the next visitor's page does it.
    if (!this.#isMending) leftover.forget();
  }

  #tell(what, detail) {
    if (!this.#ended) this.#options.tell(what, detail);
  }

  #fail(code) {
    this.#tell('failed', code);
    void this.end();
  }

  async #open() {
    const { listen } = this.#options.settings;
    if (listen !== 'open') return;
    await this.#session
      ?.startListening()
      .then(() => this.#tell('listening'))
      .catch(({ code }) => this.#tell('deaf', code));
  }

  #listen(session) {
    const on = (type, run) => session.on(type, (body) => this.#ended || run(body));
    on('session.queue_changed', (place) => this.#tell('queued', place));
    on('session.autoplay_blocked', () => this.#tell('blocked'));
    on('session.connection_changed', ({ connected }) => this.#mend(!connected, DISCONNECTED_LIMIT_MS));
    on('session.media_changed', ({ scope }) => this.#mend(scope === 'recovering', RECOVERING_LIMIT_MS));
    on('session.stopped', ({ reason }) => {
      // What `start()` rejects with says more.
      if (session.avatar === null) return;
      if (QUIET_ENDS.includes(reason)) this.#tell('over', reason);
      else this.#fail(reason);
    });
    on('avatar.speak_started', ({ utteranceId }) => {
      this.#spoken.add(utteranceId);
      this.#told();
    });
    on('avatar.speak_ended', ({ utteranceId }) => {
      this.#spoken.delete(utteranceId);
      this.#told();
    });
    on('captions.changed', ({ caption }) => this.#tell('caption', caption));
    on('user.speak_started', () => {
      this.#isHearing = true;
      this.#told();
      this.#tell('active');
    });
    on('user.speak_ended', () => {
      this.#isHearing = false;
      this.#told();
    });
    on('user.transcription.chunk', ({ text }) => {
      this.#tell('heard', text);
      this.#tell('active');
    });
    on('user.transcription', ({ text }) => {
      this.#tell('heard', text);
      this.#tell('active');
    });
    on('listening.unavailable', ({ reason }) => this.#tell('deaf', reason));
    on('microphone.failed', ({ error }) => this.#tell('deaf', error.code));
  }

  #told() {
    this.#tell('busy', this.#spoken.size > 0 || this.#isHearing);
    this.#tell('doing', this.#isHearing ? 'hearing' : this.#spoken.size > 0 ? 'speaking' : 'listening');
  }

  #mend(isMending, limitMs) {
    clearTimeout(this.#limit);
    this.#isMending = isMending;
    this.#tell('mending', isMending);
    if (isMending) this.#limit = setTimeout(() => this.#fail('disconnected'), limitMs);
  }

  #watch() {
    this.#seconds += 1;
    if (this.#seconds % KEEP_ALIVE_S === 0) this.#session?.keepAlive().catch(() => undefined);
    const { totalVideoFrames } = this.#options.video.getVideoPlaybackQuality();
    const moves = totalVideoFrames !== this.#frames || this.#isMending || document.hidden;
    this.#frames = totalVideoFrames;
    this.#frozenSeconds = moves ? 0 : this.#frozenSeconds + 1;
    if (this.#frozenSeconds > FROZEN_LIMIT_S) this.#fail('media_failed');
  }
}

/** @throws VizaviError */
async function createSession({ VizaviError }, { tokenUrl, avatar, voice, lang, timeout }) {
  const body = {
    ...(avatar && { avatarId: avatar }),
    ...(voice && { voice }),
    language: lang,
    // A kiosk that lost its power keeps its avatar no longer than this.
    idleTimeoutSec: timeout + 60,
  };
  const response = await fetch(tokenUrl ?? '/v1/sessions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(CREATE_LIMIT_MS),
  }).catch((cause) => {
    throw new VizaviError('disconnected', 'no session could be asked for', { cause });
  });
  const { token, error } = await response.json().catch(() => ({}));
  if (!response.ok || typeof token !== 'string') {
    throw new VizaviError(error?.code ?? 'unavailable', error?.message ?? `HTTP ${response.status}`);
  }
  return token;
}
