import { VizaviError } from '@vizavi/signaling';
import type { Manner } from '@vizavi/signaling';
import { AvatarSession } from '../avatar-session.ts';
import type { Reply } from '../replies.ts';
import type { Spoken } from '../utterances.ts';
import { mirror, tell } from './avatar-element-events.ts';
import { Panel } from './panel.ts';
import type { ElementState, PanelModel } from './panel.ts';
import { ATTRIBUTES, readSettings } from './settings.ts';
import { keepAliveWhileUsed, setStates } from './presence.ts';
import { requestToken } from './token.ts';
import { fill } from './texts.ts';
import { failed, microphoneFailed, queued, refused, stopped } from './words.ts';
import type { Message, Words } from './words.ts';

const NOTE_MS = 5000;

/** `<vizavi-avatar>`: a live avatar as an element of the page. What happens is told as `vizavi:…` events. */
export class VizaviAvatar extends HTMLElement {
  static readonly observedAttributes = ATTRIBUTES;
  readonly #internals = this.attachInternals();
  readonly #panel: Panel;
  #session: AvatarSession | null = null;
  #starting: Promise<void> | null = null;
  #asking: AbortController | null = null;
  #state: ElementState = 'idle';
  #status = '';
  #note = '';
  #noteTimer: ReturnType<typeof setTimeout> | undefined;
  #message: Message | null = null;
  #isHeld = false;
  #hearsVisitor = false;
  #isMicrophoneOpen = false;
  #isSoundBlocked = false;
  #wantsTyping = false;
  readonly #speaking = new Set<string>();

  constructor() {
    super();
    this.#panel = new Panel(this.attachShadow({ mode: 'open', delegatesFocus: false }), {
      onStart: () => void this.start().catch(() => undefined),
      composer: { send: (text) => this.message(text), onRefused: this.showError },
      onInterrupt: () => void this.interrupt().catch(this.showError),
      onLeave: () => void this.stop(),
      onSound: () => void this.unmute(),
      onHold: () => {
        this.#hold(true);
      },
      onLetGo: () => {
        this.#hold(false);
      },
      onMicrophone: () => void this.#toggleMicrophone(),
    });
    this.addEventListener('keydown', ({ key }) => {
      if (key === 'Escape' && this.#speaking.size > 0) void this.interrupt().catch(this.showError);
    });
    keepAliveWhileUsed(this, () => this.#session);
  }

  connectedCallback(): void {
    this.#render();
    if (readSettings(this).autostart) void this.start().catch(() => undefined);
  }

  disconnectedCallback(): void {
    // An element that is only moved is back in a moment.
    queueMicrotask(() => {
      if (this.isConnected) return;
      void this.stop();
      this.#panel.close();
    });
  }

  attributeChangedCallback(): void {
    if (this.isConnected) this.#render();
  }

  /** The session that is under way; null before `start()` and after its end. */
  get session(): AvatarSession | null {
    return this.#session;
  }

  get state(): ElementState {
    return this.#state;
  }

  /** Begins a conversation. @throws VizaviError why it cannot; the element shows it, too */
  start(): Promise<void> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = null;
      throw error;
    });
    return this.#starting;
  }

  /** Ends the conversation. */
  async stop(): Promise<void> {
    this.#asking?.abort(new VizaviError('interrupted', 'stopped before it had started'));
    await this.#session?.stop();
  }

  /** Says this. @throws VizaviError as `AvatarSession.repeat`; `invalid_state` while there is no conversation */
  async repeat(text: string, manner: Manner = {}): Promise<Spoken> {
    return this.#need().repeat(text, manner);
  }

  /** Answers this. @throws VizaviError as `AvatarSession.message`; `invalid_state` while there is no conversation */
  async message(text: string): Promise<Reply> {
    return this.#need().message(text);
  }

  /** Silence, now. @throws VizaviError `invalid_state` while there is no conversation */
  async interrupt(): Promise<void> {
    await this.#need().interrupt();
  }

  /** Sound on; call it from a user's gesture. */
  async unmute(): Promise<void> {
    this.#isSoundBlocked = false;
    this.#render();
    await this.#session?.unmute();
  }

  async #start(): Promise<void> {
    const settings = readSettings(this);
    this.#message = null;
    this.#wantsTyping = this.#isSoundBlocked = false;
    this.#set('connecting', settings.texts.connecting);
    const asking = new AbortController();
    this.#asking = asking;
    try {
      const token = settings.token ?? (await requestToken(settings, asking.signal));
      asking.signal.throwIfAborted();
      const session = new AvatarSession(token, {
        url: settings.src,
        ...(settings.lang !== null && { lang: settings.lang }),
      });
      this.#session = session;
      // For whoever made this element; not for the whole page.
      this.dispatchEvent(new CustomEvent('vizavi:token', { detail: { token } }));
      this.#listen(session);
      session.attach(this.#panel.view.video);
      await session.start();
      this.#set('live');
      if (settings.greeting !== null) session.repeat(settings.greeting).catch(this.showError);
      if (settings.listen === 'open') void this.#toggleMicrophone();
    } catch (cause) {
      this.#session = null;
      const { aborted } = asking.signal;
      const error = VizaviError.from(aborted ? asking.signal.reason : cause);
      if (aborted) this.#set('idle');
      else this.#fail(error);
      throw error;
    }
  }

  #listen(session: AvatarSession): void {
    let isRecovering = false;
    const mended = (): void => {
      isRecovering = false;
      if (this.#state === 'waiting') this.#set('live');
    };
    session.on('session.queue_changed', (place) => {
      this.#set('queued', queued(this.#texts, place));
    });
    session.on('session.connection_changed', ({ connected }) => {
      if (connected && !isRecovering) mended();
      else if (!connected && this.#state === 'live') this.#set('waiting', this.#texts.reconnecting);
    });
    session.on('session.media_changed', ({ scope }) => {
      isRecovering = scope === 'recovering';
      if (!isRecovering) mended();
      else if (this.#state === 'live') this.#set('waiting', this.#texts.mending);
    });
    session.on('session.autoplay_blocked', () => {
      this.#isSoundBlocked = true;
      this.#render();
    });
    session.on('session.stopped', ({ reason }) => {
      if (this.#session !== session) return;
      const wasLive = this.#state === 'live' || this.#state === 'waiting';
      this.#session = this.#starting = null;
      this.#speaking.clear();
      this.#isHeld = this.#hearsVisitor = this.#isMicrophoneOpen = false;
      this.#panel.showCaption(null);
      this.#message = stopped(this.#texts, reason);
      // What kept it from starting is told by `start()`.
      if (wasLive || reason === 'client') this.#set('ended');
    });
    session.on('avatar.speak_started', ({ utteranceId }) => {
      this.#speaking.add(utteranceId);
      this.#render();
    });
    session.on('avatar.speak_ended', ({ utteranceId, outcome }) => {
      this.#speaking.delete(utteranceId);
      if (outcome === 'failed') this.#tell(this.#texts.unsaid);
      this.#render();
    });
    session.on('user.speak_started', () => {
      this.#hearsVisitor = true;
      this.#render();
    });
    session.on('user.speak_ended', () => {
      this.#hearsVisitor = false;
      this.#render();
    });
    session.on('user.transcription', ({ text, typed }) => {
      if (!typed) this.#panel.log(`${this.#texts.you}: ${text}`);
    });
    session.on('avatar.transcription', ({ text }) => {
      this.#panel.log(`${this.#name}: ${text}`);
    });
    session.on('captions.changed', ({ caption }) => {
      this.#panel.showCaption(caption);
    });
    session.on('avatar.text_skipped', ({ text }) => {
      this.#tell(fill(this.#texts.skipped, { text: text.slice(0, 24) }));
    });
    session.on('microphone.changed', ({ isOpen }) => {
      this.#isMicrophoneOpen = isOpen;
      this.#render();
    });
    session.on('microphone.failed', ({ error }) => {
      this.#tell(microphoneFailed(this.#texts, error));
    });
    session.on('listening.unavailable', () => {
      this.#wantsTyping = true;
      this.#tell(this.#texts.typeInstead);
    });
    mirror(session, this);
  }

  async #toggleMicrophone(): Promise<void> {
    const session = this.#session;
    if (!session) return;
    if (session.listening !== 'off') {
      if (session.isMicrophoneMuted) session.unmuteMicrophone();
      else session.muteMicrophone();
      return;
    }
    await session.startListening().catch((error: unknown) => {
      this.showMicrophoneError(error);
    });
  }

  #hold(isHeld: boolean): void {
    const session = this.#session;
    this.#isHeld = isHeld && session !== null;
    // Nobody is heard between two pushes.
    if (!isHeld) this.#hearsVisitor = false;
    this.#render();
    const done = isHeld ? session?.startPushToTalk() : session?.stopPushToTalk();
    done?.catch((error: unknown) => {
      this.#isHeld = false;
      this.showMicrophoneError(error);
    });
  }

  /** Tells the person why their microphone could not be used. */
  showMicrophoneError(error: unknown): void {
    const known = VizaviError.from(error);
    if (!this.#session || known.code === 'interrupted') return;
    this.#wantsTyping = true;
    this.#tell(microphoneFailed(this.#texts, known));
    tell(this, 'error', { error: known });
  }

  /** A word in passing. */
  #tell(text: string): void {
    clearTimeout(this.#noteTimer);
    this.#note = text;
    this.#noteTimer = setTimeout(() => {
      this.#note = '';
      this.#render();
    }, NOTE_MS);
    this.#render();
  }

  /** Tells the person, in passing, why something that they wanted was refused. */
  readonly showError = (cause: unknown): void => {
    const error = VizaviError.from(cause);
    if (!this.#session || error.code === 'interrupted') return;
    this.#tell(refused(this.#texts, error));
    tell(this, 'error', { error });
  };

  #fail(error: VizaviError): void {
    this.#message = failed(this.#texts, error);
    this.#set('failed');
    tell(this, 'error', { error });
  }

  #need(): AvatarSession {
    if (!this.#session)
      throw new VizaviError('invalid_state', 'there is no conversation: call start() first');
    return this.#session;
  }

  get #texts(): Words {
    return readSettings(this).texts;
  }

  get #name(): string {
    const id = this.getAttribute('avatar') ?? '';
    return (
      this.#session?.avatar?.name ??
      (id === '' ? this.#texts.unnamed : id.charAt(0).toUpperCase() + id.slice(1))
    );
  }

  #set(state: ElementState, status = ''): void {
    const hasChanged = this.#state !== state;
    this.#state = state;
    this.#status = status;
    this.#render();
    if (hasChanged) tell(this, 'state', { state });
  }

  #render(): void {
    const settings = readSettings(this);
    if (this.getAttribute('state') !== this.#state) this.setAttribute('state', this.#state);
    const isSpeaking = this.#speaking.size > 0;
    setStates(this.#internals, this.#state, {
      speaking: isSpeaking,
      listening: this.#isMicrophoneOpen,
      hearing: this.#hearsVisitor,
    });
    const model: PanelModel = {
      settings,
      state: this.#state,
      status: this.#status || this.#note,
      message: this.#message,
      name: this.#name,
      isSpeaking,
      hearsVisitor: this.#hearsVisitor,
      microphone: this.#microphone,
      isSoundBlocked: this.#isSoundBlocked,
      wantsTyping: this.#wantsTyping,
      mayStart: this.#state === 'idle' || settings.token === null,
    };
    this.#panel.render(model);
  }

  get #microphone(): PanelModel['microphone'] {
    if (this.#isHeld) return 'held';
    if (!this.#isMicrophoneOpen) return 'off';
    return this.#session?.isMicrophoneMuted ? 'muted' : 'on';
  }
}
