/**
 * Hold to talk: with a pointer, with Space or Enter, or, where neither can be held (a screen reader's click), from one
 * click to the next.
 */
export function holdToTalk(
  button: HTMLElement,
  { isHolding, onHold, onLetGo }: { isHolding: () => boolean; onHold: () => void; onLetGo: () => void },
): void {
  let held: 'pointer' | 'key' | 'click' | null = null;
  const hold = (by: NonNullable<typeof held>): void => {
    if (held || !isHolding()) return;
    held = by;
    onHold();
  };
  const letGo = (by?: typeof held): void => {
    if (!held || (by && held !== by)) return;
    held = null;
    onLetGo();
  };
  button.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    // A finger slides off a button easily.
    button.setPointerCapture(event.pointerId);
    hold('pointer');
  });
  for (const type of ['pointerup', 'pointercancel'] as const)
    button.addEventListener(type, () => {
      letGo('pointer');
    });
  button.addEventListener('keydown', (event) => {
    if ((event.key !== ' ' && event.key !== 'Enter') || !isHolding()) return;
    event.preventDefault();
    if (!event.repeat) hold('key');
  });
  button.addEventListener('keyup', ({ key }) => {
    if (key === ' ' || key === 'Enter') letGo('key');
  });
  button.addEventListener('click', ({ detail }) => {
    // 0: no pointer was it, and keys were taken above.
    if (detail !== 0) return;
    if (held === 'click') letGo('click');
    else hold('click');
  });
  button.addEventListener('blur', () => {
    letGo();
  });
  button.addEventListener('contextmenu', (event) => {
    // A long touch.
    if (isHolding()) event.preventDefault();
  });
}
