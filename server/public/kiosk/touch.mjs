import { fillScreen } from './screen.mjs';

const $ = (id) => document.getElementById(id);

/**
 * What visitors touch.
 *
 * @param {import('./reception.mjs').Reception} reception
 * @param {Record<string, string>} texts
 */
export function listenToTouch(reception, texts) {
  document.addEventListener('pointerdown', ({ target }) => {
    fillScreen();
    if (target instanceof Element && target.closest('button')) reception.send('active');
    else reception.touched();
  });
  document.addEventListener('keydown', (event) => {
    const { target, key, repeat, defaultPrevented } = event;
    // Of shortcuts and function keys nobody hopes that they talk.
    if (event.ctrlKey || event.altKey || event.metaKey || (defaultPrevented && key.length > 1)) return;
    if (target instanceof HTMLButtonElement) reception.send('active');
    else if (!repeat) reception.touched();
  });
  $('done').onclick = () => reception.send('done');
  $('sound').onclick = () => {
    $('sound').hidden = true;
    reception.unmute();
  };

  const push = $('push');
  const hold = () => {
    push.classList.add('held');
    push.textContent = texts.pushing;
    reception.push();
  };
  const letGo = () => {
    if (!push.classList.contains('held')) return;
    push.classList.remove('held');
    push.textContent = texts.push;
    reception.letGo();
  };
  push.addEventListener('pointerdown', hold);
  push.addEventListener('keydown', ({ key, repeat }) => {
    if (!repeat && (key === ' ' || key === 'Enter')) hold();
  });
  for (const type of ['pointerup', 'pointercancel', 'pointerleave', 'keyup', 'blur']) {
    push.addEventListener(type, letGo);
  }
}
