/** The presenter's microphone: held or open; the avatar says what is said, or answers it. */

const $ = (id) => document.getElementById(id);

export class DeskMic {
  #session;
  #onError;
  #isHeld = false;

  constructor(session, onError) {
    this.#session = session;
    this.#onError = onError;
    const changed = () => this.#show();
    for (const event of ['microphone.changed', 'listening.changed', 'microphone.failed'])
      session.on(event, changed);
    session.on('microphone.failed', ({ error }) => onError(error));
    session.on('listening.unavailable', () =>
      onError(
        new Error('This browser cannot turn speech into text: type instead, or use a server with ears.'),
      ),
    );
    this.#show();
  }

  get #route() {
    return document.querySelector('[name=route]:checked').value;
  }

  async hold(isHeld) {
    if (this.#isHeld === isHeld) return;
    this.#isHeld = isHeld;
    this.#show();
    try {
      if (!isHeld) return await this.#session.stopPushToTalk();
      await this.#session.startListening({ mode: 'push', route: this.#route });
      if (this.#isHeld) await this.#session.startPushToTalk();
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#show();
    }
  }

  async toggleOpen() {
    try {
      if (this.#session.listening === 'open') await this.#session.stopListening();
      else await this.#session.startListening({ mode: 'open', route: this.#route });
    } catch (error) {
      this.#failed(error);
    }
    this.#show();
  }

  /** Another route was chosen. */
  async reroute() {
    if (this.#session.listening !== 'open') return;
    await this.#session
      .startListening({ mode: 'open', route: this.#route })
      .catch((error) => this.#failed(error));
  }

  #failed(error) {
    this.#isHeld = false;
    this.#onError(
      error.code === 'forbidden' ? new Error('The browser does not allow the microphone here.') : error,
    );
  }

  #show() {
    const isOpen = this.#session.listening === 'open';
    $('open').ariaPressed = String(isOpen);
    $('open').textContent = isOpen ? 'Microphone is open' : 'Keep open';
    $('hold').classList.toggle('on', this.#isHeld);
  }
}
