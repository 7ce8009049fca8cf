const HOLD_MS = 3000;
const OPEN_MS = 30_000;
const MOST_TRIES = 3;
const LOCKED_MS = 60_000;

/**
 * Three seconds on the corner, then the PIN: how the kiosk is doing, and a reload. Without a PIN there is nothing.
 *
 * @param {{ corner: HTMLElement, panel: HTMLElement, pin: string | null, status: () => Record<string, unknown> }} options
 */
export function offerStaff({ corner, panel, pin, status }) {
  let hold = 0;
  let closing = 0;
  let tries = 0;
  let lockedMs = -Infinity;

  const element = (name, text, properties = {}) =>
    Object.assign(document.createElement(name), { textContent: text, ...properties });
  const button = (text, onclick) => element('button', text, { onclick });
  const close = () => {
    clearTimeout(closing);
    panel.hidden = true;
    panel.replaceChildren();
  };
  const open = (...content) => {
    clearTimeout(closing);
    closing = setTimeout(close, OPEN_MS);
    panel.replaceChildren(...content);
    panel.hidden = false;
  };
  const showStatus = () => {
    const list = document.createElement('dl');
    for (const [name, value] of Object.entries(status()))
      list.append(element('dt', name), element('dd', value));
    const row = element('div', '', { className: 'row' });
    row.append(
      button('Reload', () => location.reload()),
      button('Close', close),
    );
    open(list, row);
  };
  const askPin = () => {
    const shown = document.createElement('output');
    const keys = element('div', '', { className: 'keys' });
    let typed = '';
    const type = (digit) => {
      typed += digit;
      shown.textContent = '•'.repeat(typed.length);
      if (typed.length < pin.length) return;
      if (typed === pin) {
        tries = 0;
        showStatus();
        return;
      }
      tries += 1;
      if (tries >= MOST_TRIES) {
        tries = 0;
        lockedMs = performance.now();
      }
      close();
    };
    for (const digit of '123456789') keys.append(button(digit, () => type(digit)));
    keys.append(
      element('span', ''),
      button('0', () => type('0')),
      button('×', close),
    );
    open(shown, keys);
  };

  if (pin === null) {
    corner.remove();
    return;
  }
  corner.addEventListener('pointerdown', (event) => {
    event.stopPropagation();
    clearTimeout(hold);
    hold = setTimeout(() => {
      if (performance.now() - lockedMs > LOCKED_MS) askPin();
    }, HOLD_MS);
  });
  for (const type of ['pointerup', 'pointercancel', 'pointerleave']) {
    corner.addEventListener(type, () => clearTimeout(hold));
  }
  panel.addEventListener('pointerdown', (event) => event.stopPropagation());
}
