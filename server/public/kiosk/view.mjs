import { queueText } from './texts.mjs';

const $ = (id) => document.getElementById(id);

/** Everything that is seen. Words of a visitor are nowhere else, and gone with `forget()`. */
export class View {
  #texts;
  #settings;
  #countdown = 0;
  #isDeaf = false;

  /** @param {{ settings: Record<string, any>, texts: Record<string, string>, topics: string[] }} options */
  constructor({ settings, texts, topics, onTopic }) {
    this.#texts = texts;
    this.#settings = settings;
    document.documentElement.lang = settings.lang;
    document.title = settings.title ?? 'vizavi';
    document.body.dataset.fit = settings.fit;
    $('title').textContent = settings.title ?? '';
    $('badge').textContent = texts.badge;
    $('notice').textContent = texts.notice;
    $('done').textContent = texts.done;
    $('push').textContent = texts.push;
    $('sound').textContent = texts.sound;
    $('camera').querySelector('span').textContent = texts.camera;
    $('topics').replaceChildren(
      ...topics.map((topic) =>
        Object.assign(document.createElement('button'), {
          textContent: topic,
          onclick: () => onTopic(topic),
        }),
      ),
    );
    this.showState('asleep', 0);
  }

  /** @param {string} state @param {number} countdownMs how long `leaving` lasts */
  showState(state, countdownMs) {
    const { body } = document;
    body.dataset.state = state;
    clearInterval(this.#countdown);
    const texts = this.#texts;
    const lines = {
      asleep: texts.touch,
      waking: texts.waking,
      leaving: texts.stillThere,
      resting: texts.resting,
    };
    const more = { asleep: texts.invitation, leaving: texts.stay, resting: texts.restingText };
    $('line').textContent = lines[state] ?? '';
    $('more').textContent = more[state] ?? '';
    $('push').hidden = this.#settings.listen !== 'push';
    if (state === 'leaving') this.#countDown(countdownMs);
    if (state === 'asleep' || state === 'resting') this.forget();
  }

  /** Of the visitor, and of what they were told. */
  forget() {
    this.showCaption(null);
    this.showHeard('');
    this.showMending(false);
    this.showPicture(false);
    $('sound').hidden = true;
    $('push').classList.remove('held');
    this.#isDeaf = false;
    delete document.body.dataset.doing;
  }

  /** Nothing that is said will be understood. */
  showDeaf() {
    this.#isDeaf = true;
    if (document.body.dataset.doing !== 'speaking') this.showDoing('listening');
  }

  /** The browser wants a touch before it lets anything be heard. */
  offerSound() {
    $('sound').hidden = false;
  }

  /** @param {'listening' | 'hearing' | 'speaking'} doing what the avatar does now */
  showDoing(doing) {
    const { body } = document;
    if (!['greeting', 'talking'].includes(body.dataset.state)) return;
    const { listening, hearing, speaking, topicsOnly } = this.#texts;
    const listen = this.#isDeaf ? 'off' : this.#settings.listen;
    const isQuiet = doing === 'listening' && listen !== 'open';
    body.dataset.doing = isQuiet ? 'waiting' : doing;
    const quiet = listen === 'push' || $('topics').childElementCount === 0 ? '' : topicsOnly;
    $('line').textContent = isQuiet ? quiet : { listening, hearing, speaking }[doing];
    $('push').hidden = listen !== 'push';
  }

  showQueue(place) {
    $('line').textContent = this.#texts.queued;
    $('more').textContent = queueText(this.#texts, place);
  }

  /** @param {{ text: string, saidLength: number } | null} caption */
  showCaption(caption) {
    if (this.#settings.captions === 'off' || !caption) {
      $('caption').replaceChildren();
      return;
    }
    const said = Object.assign(document.createElement('b'), {
      textContent: caption.text.slice(0, caption.saidLength),
    });
    $('caption').replaceChildren(said, caption.text.slice(caption.saidLength));
    this.showHeard('');
  }

  showHeard(text) {
    $('heard').textContent = this.#settings.captions === 'off' || text === '' ? '' : `“${text}”`;
  }

  showMending(isMending) {
    const { body } = document;
    if (body.hasAttribute('data-mending') === isMending) return;
    body.toggleAttribute('data-mending', isMending);
    if (isMending) $('line').textContent = this.#texts.mending;
    else this.showDoing(body.dataset.doing ?? 'listening');
  }

  /** The live picture has come, or gone. */
  showPicture(isThere) {
    document.body.toggleAttribute('data-picture', isThere);
  }

  showPoster(avatarId) {
    for (const image of document.querySelectorAll('[data-poster]')) {
      image.onload = () => (image.hidden = false);
      // An avatar of somebody's own may have no picture here.
      image.onerror = () => (image.hidden = true);
      const address = new URL(`posters/${avatarId}.jpg`, import.meta.url).href;
      if (image.src !== address) image.src = address;
    }
  }

  showFaults(faults) {
    $('faults').hidden = faults.length === 0;
    $('faults').replaceChildren(
      ...faults.map((fault) => Object.assign(document.createElement('li'), { textContent: fault })),
    );
  }

  showNight(isNight) {
    $('night').hidden = !isNight;
  }

  showCamera(isOn) {
    $('camera').hidden = !isOn;
  }

  #countDown(countdownMs) {
    document.body.style.setProperty('--countdown', `${countdownMs}ms`);
    let seconds = Math.round(countdownMs / 1000);
    $('count').textContent = seconds;
    this.#countdown = setInterval(() => {
      seconds = Math.max(0, seconds - 1);
      $('count').textContent = seconds;
    }, 1000);
  }
}
