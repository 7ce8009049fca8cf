import type { Caption } from '../captions.ts';
import { Cutout } from '../cutout/cutout.ts';
import { holdToTalk } from './talk-button.ts';
import { sendTyped } from './composer.ts';
import type { Composer } from './composer.ts';
import { call, icon } from './dom.ts';
import { posterUrl } from './settings.ts';
import type { Settings } from './settings.ts';
import { fill } from './texts.ts';
import { createView, press } from './view.ts';
import type { View } from './view.ts';
import type { Message, Words } from './words.ts';

/** idle → connecting → (queued →) live ⇄ waiting → ended or failed */
export type ElementState = 'idle' | 'connecting' | 'queued' | 'live' | 'waiting' | 'ended' | 'failed';

export interface PanelActions {
  readonly onStart: () => void;
  readonly composer: Composer;
  readonly onInterrupt: () => void;
  readonly onLeave: () => void;
  readonly onSound: () => void;
  readonly onHold: () => void;
  readonly onLetGo: () => void;
  readonly onMicrophone: () => void;
}

/** What the panel shows at one moment. */
export interface PanelModel {
  readonly settings: Settings;
  readonly state: ElementState;
  readonly status: string;
  readonly message: Message | null;
  readonly name: string;
  readonly isSpeaking: boolean;
  readonly hearsVisitor: boolean;
  readonly microphone: 'off' | 'on' | 'muted' | 'held';
  readonly isSoundBlocked: boolean;
  /** Nobody turns speech to text: people type. */
  readonly wantsTyping: boolean;
  readonly mayStart: boolean;
}

/** All that is seen of `<vizavi-avatar>`. */
export class Panel {
  readonly view: View;
  #cutout: Cutout | null = null;
  /** The person's own choice goes before the attribute. */
  #captionsWanted: boolean | null = null;
  #caption: Caption | null = null;
  #model: PanelModel | null = null;

  constructor(root: ShadowRoot, actions: PanelActions) {
    const view = createView(root);
    this.view = view;
    view.startSlot.addEventListener('click', actions.onStart);
    view.sound.addEventListener('click', actions.onSound);
    view.silence.addEventListener('click', actions.onInterrupt);
    view.leave.addEventListener('click', actions.onLeave);
    view.captions.addEventListener('click', () => {
      this.#captionsWanted = !this.#showsCaptions();
      this.#renderCaption();
    });
    view.talk.addEventListener('click', () => {
      if (this.#model?.settings.listen === 'open') actions.onMicrophone();
    });
    holdToTalk(view.talk, {
      isHolding: () => this.#model?.settings.listen === 'push',
      onHold: actions.onHold,
      onLetGo: actions.onLetGo,
    });
    sendTyped(view.form, view.input, actions.composer);
    // A picture that is not there is none.
    view.poster.addEventListener('error', () => (view.poster.hidden = true));
    view.poster.addEventListener('load', () => {
      view.poster.hidden = false;
      if (this.#model) this.#cut(this.#model);
    });
  }

  render(model: PanelModel): void {
    const { view } = this;
    const { settings, state, name } = model;
    const { texts } = settings;
    const before = this.#model;
    this.#model = model;
    const poster = posterUrl(settings) ?? '';
    if (poster !== '' && view.poster.getAttribute('src') !== poster) view.poster.src = poster;
    const isLive = state === 'live' || state === 'waiting';
    if (before?.settings.texts !== texts) view.say(texts);
    view.stage.ariaLabel = name;
    view.video.ariaLabel = fill(texts.video, { name });
    view.stage.toggleAttribute('data-still', !isLive);
    view.stage.toggleAttribute('data-dim', ['connecting', 'queued', 'waiting'].includes(state));
    view.stage.toggleAttribute('data-over', state === 'ended' || state === 'failed');
    view.stage.toggleAttribute('data-speaking', model.isSpeaking);
    view.stage.toggleAttribute('data-hears', model.hearsVisitor);
    if (view.status.textContent !== model.status) view.status.textContent = model.status;
    view.status.toggleAttribute('data-busy', ['connecting', 'queued', 'waiting'].includes(state));
    this.#renderCard(model);
    this.#renderBar(model, isLive);
    this.#renderCaption();
    if (before?.state !== state || before.settings.isTransparent !== settings.isTransparent) this.#cut(model);
  }

  showCaption(caption: Caption | null): void {
    this.#caption = caption;
    this.#renderCaption();
  }

  /** For people who hear the page instead of seeing it. */
  log(text: string): void {
    const line = document.createElement('p');
    line.textContent = text;
    this.view.log.append(line);
    while (this.view.log.childElementCount > 5) this.view.log.firstElementChild?.remove();
  }

  close(): void {
    this.#cutout?.close();
    this.#cutout = null;
    this.view.stage.removeAttribute('data-cut');
  }

  #renderCard({ settings: { texts }, state, message, name, mayStart }: PanelModel): void {
    const { view } = this;
    const isOver = state === 'ended' || state === 'failed';
    view.card.hidden = state !== 'idle' && !isOver;
    view.notice.hidden = isOver;
    view.title.textContent = isOver ? (message?.[0] ?? '') : fill(texts.meet, { name });
    view.text.hidden = !isOver;
    view.text.textContent = message?.[1] ?? '';
    view.start.textContent = isOver ? texts.again : texts.start;
    view.startSlot.hidden = !mayStart;
  }

  #renderBar(model: PanelModel, isLive: boolean): void {
    const { view } = this;
    const { settings, microphone, name } = model;
    const { controls, listen, texts } = settings;
    view.controls.hidden = !isLive || controls === 'none';
    view.form.hidden = controls !== 'full' && !model.wantsTyping;
    view.input.placeholder = view.input.ariaLabel = settings.placeholder ?? fill(texts.ask, { name });
    view.silence.disabled = !model.isSpeaking;
    view.talk.hidden = listen === 'off';
    call(view.talk, talkLabel(texts, listen, microphone));
    press(view.talk, microphone === (listen === 'push' ? 'held' : 'on'));
    view.talk.replaceChildren(
      icon(listen === 'open' && microphone !== 'on' ? 'microphoneOff' : 'microphone'),
    );
    view.sound.hidden = !model.isSoundBlocked || !isLive;
  }

  #showsCaptions(): boolean {
    return this.#captionsWanted ?? this.#model?.settings.captions ?? false;
  }

  #renderCaption(): void {
    const { view } = this;
    const isShown = this.#showsCaptions();
    press(view.captions, isShown);
    const { text, saidLength } = this.#caption ?? { text: '', saidLength: 0 };
    const given = view.captionSlot.assignedElements();
    for (const element of given) element.textContent = isShown ? text : '';
    const said = document.createElement('b');
    said.textContent = text.slice(0, saidLength);
    view.caption.replaceChildren(...(isShown && text !== '' ? [said, text.slice(saidLength)] : []));
  }

  /** The poster, then the video, without the wall. */
  #cut({ settings, state }: PanelModel): void {
    const { view } = this;
    if (!settings.isTransparent) {
      this.close();
      return;
    }
    this.#cutout ??= Cutout.create(view.canvas, (isShown) => {
      view.stage.toggleAttribute('data-cut', isShown);
    });
    if (state === 'live') this.#cutout?.follow(view.video);
    else if (state !== 'waiting' && view.poster.complete && view.poster.naturalWidth > 0)
      this.#cutout?.draw(view.poster);
  }
}

function talkLabel(texts: Words, listen: Settings['listen'], microphone: PanelModel['microphone']): string {
  if (listen === 'push') return microphone === 'held' ? texts.pushing : texts.push;
  return microphone === 'on' ? texts.mute : texts.talk;
}
