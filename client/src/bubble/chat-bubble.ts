import type { VizaviAvatar } from '../element/vizavi-avatar.ts';
import { sendTyped } from '../element/composer.ts';
import type { Settings } from '../element/settings.ts';
import { holdToTalk } from '../element/talk-button.ts';
import type { TranscriptEntry } from '../transcript.ts';
import { createBubbleView, showTranscript } from './bubble-view.ts';
import { Memory } from './memory.ts';
import type { BubbleView } from './memory.ts';
import type { BubbleSettings } from './settings.ts';

const TEASER_AFTER_MS = 1500;

/** A round face over the page. It costs the server nothing, and the page little, until somebody taps it. */
export class ChatBubble {
  readonly #settings: BubbleSettings;
  readonly #memory: Memory;
  readonly #view: ReturnType<typeof createBubbleView>;
  #avatar: VizaviAvatar | null = null;
  #loading: Promise<unknown> | null = null;
  /** What was said before the conversation that goes on now: also on another page. */
  #before: readonly TranscriptEntry[];
  #unfinished = '';

  constructor(settings: BubbleSettings) {
    this.#settings = settings;
    this.#memory = new Memory(`vizavi.bubble ${settings.src} ${settings.avatar}`);
    this.#before = this.#memory.now.transcript;
    this.#view = createBubbleView(settings);
    this.#wire();
    document.body.append(this.#view.host);
    this.#showTranscript();
    const { view, token, isGreeted } = this.#memory.now;
    if (view !== 'closed' && token !== null) void this.#open(view, token);
    else if (settings.greeting !== null && !isGreeted) setTimeout(this.#tease, TEASER_AFTER_MS);
  }

  /** Takes it off the page; ends the conversation. */
  async remove(): Promise<void> {
    await this.#close();
    this.#view.host.remove();
  }

  #wire(): void {
    const { face, dismiss, greeting, minimise, close, back, panel, form, input, talk } = this.#view;
    // Whoever comes near may well tap: what is needed then is fetched meanwhile.
    for (const type of ['pointerenter', 'focus'])
      face.addEventListener(type, () => void this.#load().catch(() => undefined));
    for (const opener of [face, greeting])
      opener.addEventListener('click', () => void this.#open('open', null));
    dismiss.addEventListener('click', () => {
      this.#endTeaser();
    });
    minimise.addEventListener('click', () => {
      this.#show('mini');
    });
    back.addEventListener('click', () => {
      this.#show('open');
    });
    close.addEventListener('click', () => void this.#close());
    panel.addEventListener('keydown', ({ key }) => {
      if (key !== 'Escape') return;
      if (this.#avatar?.matches(':state(speaking)'))
        void this.#avatar.interrupt().catch(this.#avatar.showError);
      else this.#show('mini');
    });
    sendTyped(form, input, {
      send: (text) => (this.#avatar?.session ? this.#avatar.message(text) : undefined),
      onRefused: (error) => this.#avatar?.showError(error),
    });
    const { listen } = this.#settings;
    talk.hidden = listen === 'off';
    holdToTalk(talk, {
      isHolding: () => listen === 'push' && this.#avatar?.session != null,
      onHold: () => {
        this.#hold(true);
      },
      onLetGo: () => {
        this.#hold(false);
      },
    });
    if (listen === 'open') talk.addEventListener('click', () => void this.#toggleListening());
  }

  async #open(view: BubbleView, token: string | null): Promise<void> {
    this.#endTeaser();
    this.#show(view);
    await this.#load().catch(() => undefined);
    const avatar = (this.#avatar ??= this.#createAvatar());
    if (token !== null) avatar.setAttribute('token', token);
    else if (this.#settings.greeting !== null) avatar.setAttribute('greeting', this.#settings.greeting);
    await avatar.start().catch(() => {
      if (token === null) return;
      // The conversation of the page before is over.
      avatar.removeAttribute('token');
      this.#memory.change({ token: null });
      this.#show('closed');
    });
  }

  async #close(): Promise<void> {
    this.#show('closed');
    this.#memory.change({ token: null, transcript: [] });
    const avatar = this.#avatar;
    this.#avatar = null;
    await avatar?.stop();
    avatar?.remove();
    this.#before = [];
    this.#showTranscript();
    this.#view.face.focus({ preventScroll: true });
  }

  #load(): Promise<unknown> {
    this.#loading ??= import('../element.ts').catch((error: unknown) => {
      this.#loading = null;
      throw error;
    });
    return this.#loading;
  }

  #createAvatar(): VizaviAvatar {
    const { src, avatar: id, passed } = this.#settings;
    const avatar = document.createElement('vizavi-avatar');
    const attributes = { src, avatar: id, controls: 'none', captions: 'on', ...passed };
    for (const [name, value] of Object.entries(attributes)) avatar.setAttribute(name, value);
    avatar.addEventListener('vizavi:token', (event) => {
      const { token } = (event as CustomEvent<{ token: NonNullable<Settings['token']> }>).detail;
      this.#memory.change({ token });
    });
    avatar.addEventListener('vizavi:stopped', () => {
      this.#before = this.#memory.now.transcript;
      avatar.removeAttribute('token');
      this.#memory.change({ token: null });
    });
    avatar.addEventListener('vizavi:transcript', () => {
      this.#unfinished = '';
      this.#showTranscript();
    });
    avatar.addEventListener('vizavi:hearing', (event) => {
      this.#unfinished = (event as CustomEvent<{ text: string }>).detail.text;
      this.#showTranscript();
    });
    avatar.addEventListener('vizavi:listening-unavailable', () => {
      this.#view.input.focus();
    });
    avatar.addEventListener('vizavi:microphone', () => {
      this.#showMicrophone();
    });
    this.#view.live.replaceChildren(avatar);
    return avatar;
  }

  #show(view: BubbleView): void {
    const { frame, panel, face, input, back } = this.#view;
    frame.dataset['view'] = view;
    panel.hidden = view === 'closed';
    face.hidden = view !== 'closed';
    this.#memory.change({ view });
    // On a phone the keyboard would cover the face: there the panel alone takes the focus.
    const first = matchMedia('(hover: hover)').matches ? input : panel;
    if (view === 'open') first.focus({ preventScroll: true });
    if (view === 'mini') back.focus({ preventScroll: true });
  }

  #showTranscript(): void {
    const now = this.#avatar?.session?.transcript ?? [];
    // A server tells whoever comes back what was said before.
    const isTold = new Set(now.map(({ role, id }) => `${role} ${id}`));
    const before = this.#before.filter(({ role, id }) => !isTold.has(`${role} ${id}`));
    const transcript = [...before, ...now];
    this.#memory.change({ transcript });
    showTranscript(this.#view.said, transcript, this.#unfinished, this.#settings.texts);
  }

  #hold(isHeld: boolean): void {
    const session = this.#avatar?.session;
    this.#view.talk.setAttribute('aria-pressed', String(isHeld));
    const done = isHeld ? session?.startPushToTalk() : session?.stopPushToTalk();
    done?.catch((error: unknown) => {
      this.#view.talk.setAttribute('aria-pressed', 'false');
      this.#avatar?.showMicrophoneError(error);
    });
  }

  async #toggleListening(): Promise<void> {
    const session = this.#avatar?.session;
    if (!session) return;
    try {
      if (session.listening === 'off') await session.startListening();
      else await session.stopListening();
    } catch (error) {
      this.#avatar?.showMicrophoneError(error);
    }
    this.#showMicrophone();
  }

  #showMicrophone(): void {
    if (this.#settings.listen !== 'open') return;
    this.#view.talk.setAttribute('aria-pressed', String(this.#avatar?.session?.listening === 'open'));
  }

  readonly #tease = (): void => {
    if (this.#memory.now.view !== 'closed' || this.#settings.greeting === null) return;
    this.#view.greeting.textContent = this.#settings.greeting;
    this.#view.teaser.hidden = false;
  };

  #endTeaser(): void {
    this.#view.teaser.hidden = true;
    this.#memory.change({ isGreeted: true });
  }
}
