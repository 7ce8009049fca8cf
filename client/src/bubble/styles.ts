import { sheet } from '../element/dom.ts';
import { THEME } from '../element/theme.ts';

const DARK = `
  --paper: var(--vizavi-paper, #101923); --text: var(--vizavi-text, #edf3f8); --soft: #9db0be; --edge: #ffffff1f;
  --mine: #24506f; --on-mine: #eef7ff; --yours: #ffffff14; --field: #ffffff0f;`;

const BUBBLE = `
:host {
  all: initial;
  font: var(--vizavi-font, 400 1rem/1.45 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif);
  --paper: var(--vizavi-paper, #fff); --text: var(--vizavi-text, #16212b); --soft: #5b6b78; --edge: #0b131a1f;
  --mine: #d8ecfb; --on-mine: #0d2a3f; --yours: #0b131a0d; --field: #0b131a0a;
  --side: 5rem; --margin: max(1.25rem, env(safe-area-inset-bottom));
  position: fixed; z-index: 2147483000; bottom: var(--margin); right: 1.25rem; left: auto; color: var(--text);
  -webkit-tap-highlight-color: transparent;
}
:host([data-position='bottom-left']) { right: auto; left: 1.25rem; }
:host([data-theme='dark']) {${DARK} }
@media (prefers-color-scheme: dark) { :host([data-theme='auto']) {${DARK} } }
@media print { :host { display: none; } }
.face {
  position: relative; display: block; width: var(--side); height: var(--side); padding: 0; border: 0; border-radius: 50%; overflow: visible;
  background: #1b2731; box-shadow: 0 0.5rem 1.75rem #0b131a59, 0 0 0 3px var(--paper); transition: scale 0.2s;
}
.face:hover:enabled { background: #1b2731; scale: 1.05; }
.face img { display: block; width: 100%; height: 100%; border-radius: 50%; object-fit: cover; object-position: 50% 38%; }
.tag {
  position: absolute; right: -0.2rem; bottom: -0.1rem; padding: 0.05rem 0.45rem; border-radius: 999px;
  font-size: 0.75rem; font-weight: 650; background: var(--paper); color: var(--text); box-shadow: 0 0 0 1px var(--edge);
}
.teaser {
  position: absolute; bottom: 0.9rem; right: calc(var(--side) + 0.9rem); width: max-content; max-width: min(17rem, calc(100vw - 9rem));
  display: flex; align-items: start; gap: 0.25rem; padding: 0.65rem 0.4rem 0.65rem 1rem; border-radius: 1.1rem 1.1rem 0.3rem 1.1rem;
  background: var(--paper); box-shadow: 0 0.5rem 1.75rem #0b131a40, 0 0 0 1px var(--edge); animation: come 0.35s ease-out;
}
:host([data-position='bottom-left']) .teaser { right: auto; left: calc(var(--side) + 0.9rem); border-radius: 1.1rem 1.1rem 1.1rem 0.3rem; }
@keyframes come { from { opacity: 0; translate: 0 0.5rem; } }
.plain { min-height: 1.75rem; width: 1.75rem; border: 0; background: none; color: var(--soft); }
.plain:hover:enabled { background: var(--yours); color: var(--text); }
.plain svg { width: 1.1rem; height: 1.1rem; }
.panel {
  display: flex; flex-direction: column; overflow: hidden; width: 23rem; height: min(42rem, calc(100vh - 2 * var(--margin)));
  height: min(42rem, calc(100dvh - 2 * var(--margin))); border-radius: 1.5rem; background: var(--paper); overscroll-behavior: contain;
  box-shadow: 0 1.5rem 4rem #0b131a66, 0 0 0 1px var(--edge);
}
[data-view='open'] .panel { animation: come 0.25s ease-out; }
header { display: flex; align-items: center; gap: 0.4rem; padding: 0.55rem 0.6rem 0.55rem 1.1rem; }
header strong { font-weight: 650; }
header span { flex: 1; color: var(--soft); font-size: 0.8125rem; }
header .plain { width: 2.25rem; min-height: 2.25rem; }
.live { position: relative; flex: none; }
vizavi-avatar { width: 100%; height: 17.5rem; aspect-ratio: auto; --vizavi-radius: 0; --vizavi-position: 50% 26%; --vizavi-ring: transparent; }
vizavi-avatar::part(badge) { display: none; }
vizavi-avatar::part(caption) { font-size: 0.875rem; padding: 0.3rem 0.8rem; }
.back { position: absolute; inset: 0; display: none; width: 100%; height: 100%; border: 0; border-radius: 50%; background: none; }
.said {
  flex: 1; min-height: 0; margin: 0; padding: 0.9rem 1rem; overflow-y: auto; overscroll-behavior: contain;
  display: flex; flex-direction: column; gap: 0.5rem; font-size: 0.9375rem;
}
.said p { max-width: 85%; padding: 0.5rem 0.85rem; border-radius: 1.1rem; overflow-wrap: anywhere; white-space: pre-wrap; }
.said .avatar { align-self: start; background: var(--yours); border-bottom-left-radius: 0.3rem; }
.said .visitor { align-self: end; background: var(--mine); color: var(--on-mine); border-bottom-right-radius: 0.3rem; }
.said .visitor[data-unfinished] { opacity: 0.6; }
.said .cut::after { content: ' —'; color: var(--soft); }
.said .notice { align-self: center; max-width: 100%; padding: 0 0.5rem; color: var(--soft); font-size: 0.8125rem; text-align: center; text-wrap: balance; }
form { display: flex; gap: 0.5rem; padding: 0.75rem; border-top: 1px solid var(--edge); }
form input { background: var(--field); border-color: var(--edge); color: var(--text); }
form input::placeholder { color: var(--soft); }
form .talk { background: var(--yours); border-color: transparent; }
form .talk:hover:enabled { background: var(--edge); }
form .talk[aria-pressed='true'], form .talk[aria-pressed='true']:hover { background: var(--accent); color: var(--on-accent); }
:focus-visible { outline-color: #2b8fd6; }
.panel:focus { outline: none; }
[data-view='mini'] .panel { width: var(--side); height: var(--side); border-radius: 50%; box-shadow: 0 0.5rem 1.75rem #0b131a59, 0 0 0 3px var(--paper); }
[data-view='mini'] :is(header, .said, form) { display: none; }
[data-view='mini'] vizavi-avatar { height: var(--side); --vizavi-position: 50% 38%; --vizavi-ring: var(--accent); }
[data-view='mini'] vizavi-avatar::part(caption), [data-view='mini'] vizavi-avatar::part(status) { display: none; }
[data-view='mini'] .back { display: block; }
@media (max-width: 30rem), (max-height: 30rem) {
  [data-view='open'] .panel { position: fixed; inset: 0; width: auto; height: auto; border-radius: 0; padding-bottom: env(safe-area-inset-bottom); padding-top: env(safe-area-inset-top); }
  [data-view='open'] vizavi-avatar { height: min(44vh, 100vw); }
}
@media (max-height: 30rem) and (orientation: landscape) {
  [data-view='open'] .panel { display: grid; grid-template: auto 1fr auto / 1fr 1fr; }
  [data-view='open'] .live { grid-row: 1 / 4; }
  [data-view='open'] vizavi-avatar { height: 100%; }
}
`;

export function bubbleSheets(): CSSStyleSheet[] {
  return [sheet(THEME), sheet(BUBBLE)];
}
