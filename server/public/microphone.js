import { microphoneFailure, UNHEARD } from '/words.js';

/**
 * Lets `button` open and close the microphone of a live session.
 *
 * off ⇄ asking (for the permission) → on ⇄ speaking (somebody is heard)
 */
export function listenWith(session, button, note) {
  const show = (state) => {
    button.dataset.mic = state;
    button.ariaPressed = String(state === 'on' || state === 'speaking');
    button.ariaLabel = state === 'off' ? 'Talk' : 'Stop talking';
    button.title = button.ariaLabel;
  };
  const toggle = async () => {
    if (session.listening !== 'off') return session.stopListening();
    show('asking');
    await session.startListening();
  };
  const click = () =>
    void toggle().catch((error) => {
      show('off');
      if (error.code !== 'interrupted') note(microphoneFailure(error));
    });
  show('off');
  button.addEventListener('click', click);
  session.on('listening.changed', ({ mode }) => show(mode === 'off' ? 'off' : 'on'));
  session.on('user.speak_started', () => show('speaking'));
  session.on('user.speak_ended', () => show(session.listening === 'off' ? 'off' : 'on'));
  session.on('listening.unavailable', ({ reason }) => note(UNHEARD[reason]));
  session.on('microphone.failed', ({ error }) => {
    show('off');
    note(microphoneFailure(error));
  });
  session.on('session.stopped', () => {
    button.removeEventListener('click', click);
    show('off');
  });
}
