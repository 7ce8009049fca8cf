/** The desk's keyboard. A remote control for slides sends PageDown and PageUp. */
const KEYS = [
  [[' ', 'PageDown'], 'Space', 'Say the next line', 'sayNext'],
  [['PageUp'], 'Page up', 'One line back, without a word', 'lineBack'],
  [['ArrowRight'], '→', 'Next slide', 'forward'],
  [['ArrowLeft'], '←', 'Slide before', 'back'],
  [['a'], 'A', 'Autoplay', 'auto'],
  [['Escape'], 'Esc', 'Silence; takes the stage back', 'silence'],
  [['b'], 'B', 'Hand over, or take back', 'handover'],
  [['m'], 'M', 'Hold to talk', null],
  [['t'], 'T', 'Your own words: Enter says, Ctrl + Enter answers', 'text'],
  [['q'], 'Q', 'Answer the oldest question', 'question'],
  [['l'], 'L', 'Invite', 'share'],
  [['?'], '?', 'This list', 'help'],
];

/**
 * @param {Record<string, () => void>} actions by the names above
 * @param {(isHeld: boolean) => void} onHold the key of the microphone
 */
export function listenToKeys(actions, onHold) {
  document.addEventListener('keydown', (event) => {
    const { key, target, repeat } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector('dialog[open]')) return;
    const isTyping = target.matches?.('input:not([type=radio]), textarea, select');
    if (isTyping && key !== 'Escape') return;
    if (isTyping) target.blur();
    // Whoever walks with Tab presses what has the focus.
    if (key === ' ' && target.matches?.('button, a, label, [type=radio]')) return;
    if (key.toLowerCase() === 'm') {
      if (!repeat) onHold(true);
      return;
    }
    const [, , , action] =
      KEYS.find(([keys]) => keys.includes(key.length === 1 ? key.toLowerCase() : key)) ?? [];
    if (!action || (repeat && key !== 'ArrowLeft' && key !== 'ArrowRight')) return;
    event.preventDefault();
    actions[action]();
  });
  document.addEventListener('keyup', ({ key }) => {
    if (key.toLowerCase() === 'm') onHold(false);
  });
  // A key that is let go in another window is never heard of.
  window.addEventListener('blur', () => onHold(false));
  // After a click the space bar belongs to the script again.
  document.addEventListener('click', ({ detail, target }) => {
    if (detail > 0) target.closest?.('button')?.blur();
  });
}

export function listKeys(list) {
  const rows = KEYS.flatMap(([, name, meaning]) => {
    const term = document.createElement('dt');
    term.append(Object.assign(document.createElement('kbd'), { textContent: name }));
    return [term, Object.assign(document.createElement('dd'), { textContent: meaning })];
  });
  list.replaceChildren(...rows);
}
