import { KioskMachine } from './machine.mjs';
import { Visit } from './visit.mjs';

/** Receives one visitor after another: joins the machine, the visit that is under way, and what is seen of both. */
export class Reception {
  #options;
  #machine;
  #visit = null;
  #hasTalked = false;

  /**
   * @param {{
   *   client: typeof import('@vizavi/client'),
   *   clock: ConstructorParameters<typeof KioskMachine>[0]['clock'],
   *   settings: Record<string, any>,
   *   texts: Record<string, string>,
   *   view: import('./view.mjs').View,
   *   status: import('./status.mjs').Status,
   *   video: HTMLVideoElement,
   *   probe: () => Promise<boolean>,
   *   onState: () => void,
   *   onOutdated: () => void,
   * }} options `onOutdated`: this page and the server no longer understand each other
   */
  constructor(options) {
    this.#options = options;
    const { clock, settings, probe, video, view } = options;
    this.#machine = new KioskMachine({
      clock,
      random: Math.random,
      timeoutMs: settings.timeout * 1000,
      onState: (state, before) => this.#onState(state, before),
      probe,
    });
    video.addEventListener('playing', () => view.showPicture(this.hasVisitor));
  }

  get state() {
    return this.#machine.state;
  }

  get hasVisitor() {
    return this.#machine.hasVisitor;
  }

  /** An event of the machine. */
  send(event) {
    this.#machine.send(event);
  }

  /** Somebody has touched the screen, but no button. */
  touched() {
    if (!this.hasVisitor) {
      this.send('wake');
      return;
    }
    if (this.state === 'talking' || this.state === 'greeting') this.#visit?.interrupt();
    this.send('active');
  }

  ask(topic) {
    void this.#visit?.ask(topic);
  }

  unmute() {
    this.#visit?.unmute();
  }

  push() {
    this.#visit?.push();
  }

  letGo() {
    this.#visit?.letGo();
  }

  #onState(state, before) {
    const { view, status, texts, onState } = this.#options;
    status.state = state;
    view.showState(state, this.#machine.countdownMs);
    if (!this.hasVisitor) {
      void this.#visit?.end();
      this.#visit = null;
    }
    if (state === 'waking') this.#welcome(before === 'resting');
    if (state === 'greeting') void this.#greet(this.#visit);
    if (state === 'talking') {
      if (before === 'leaving' || before === 'parting') this.#visit?.interrupt();
      view.showDoing('listening');
    }
    if (state === 'leaving') void this.#visit?.say(texts.stillThere);
    if (state === 'parting') void this.#part(this.#visit);
    if (state === 'asleep') this.#hasTalked = false;
    onState();
  }

  #welcome(isAgain) {
    const { client, settings, status, video } = this.#options;
    if (!isAgain) status.visitors += 1;
    const visit = new Visit({
      client,
      settings,
      video,
      // A visit that is over has nothing to tell.
      tell: (what, detail) => this.#visit === visit && this.#told(what, detail),
    });
    this.#visit = visit;
    void visit.start();
  }

  async #greet(visit) {
    const { settings, texts, view } = this.#options;
    if (visit.avatar) view.showPoster(visit.avatar.id);
    const greeting = this.#hasTalked ? texts.greetingAgain : (settings.greeting ?? texts.greeting);
    this.#hasTalked = true;
    await visit.say(greeting);
    if (this.#visit === visit) this.send('greeted');
  }

  async #part(visit) {
    const { settings, texts } = this.#options;
    visit.interrupt();
    await visit.say(settings.goodbye ?? texts.goodbye);
    if (this.#visit === visit) this.send('said');
  }

  #told(what, detail) {
    const { view, status, onOutdated } = this.#options;
    switch (what) {
      case 'joined':
      case 'active':
      case 'over':
        this.send(what);
        break;
      case 'failed':
        status.failed(detail);
        if (detail === 'unsupported_version') onOutdated();
        this.send('failed');
        break;
      case 'queued':
        this.#machine.queued();
        view.showQueue(detail);
        break;
      case 'busy':
        this.#machine.setBusy(detail);
        break;
      case 'doing':
        view.showDoing(detail);
        break;
      case 'caption':
        view.showCaption(detail);
        break;
      case 'heard':
        view.showHeard(detail);
        break;
      case 'mending':
        view.showMending(detail);
        break;
      case 'blocked':
        view.offerSound();
        break;
      case 'deaf':
        status.failed(`listen_${detail}`);
        view.showDeaf();
        break;
      case 'stumbled':
        status.failed(detail);
        break;
      default:
    }
  }
}
