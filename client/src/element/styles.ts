import { sheet } from './dom.ts';

/** Colours and shapes; each can be set from the page as `--vizavi-…`. */
export const THEME = `
:host {
  --accent: var(--vizavi-accent, #7cc7ff);
  --on-accent: var(--vizavi-on-accent, #06121b);
  --ink: var(--vizavi-ink, #edf3f8);
  --dim: var(--vizavi-dim, #a9bac7);
  --glass: var(--vizavi-glass, #0b131acc);
  --line: var(--vizavi-line, #ffffff26);
  --radius: var(--vizavi-radius, 1.5rem);
  font: var(--vizavi-font, 400 1rem/1.45 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif);
  -webkit-tap-highlight-color: transparent;
}
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
p { margin: 0; }
button, input {
  font: inherit; color: inherit; margin: 0;
  border: 1px solid var(--line); border-radius: 999px; min-height: 2.75rem;
}
button { background: #ffffff1f; padding: 0 1.2rem; cursor: pointer; white-space: nowrap; transition: background 0.15s; }
button:hover:enabled { background: #ffffff38; }
button:disabled { opacity: 0.45; cursor: default; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.primary, .round.send { background: var(--accent); color: var(--on-accent); border-color: transparent; font-weight: 600; }
.primary:hover:enabled, .round.send:hover:enabled { background: color-mix(in srgb, var(--accent) 75%, white); }
.round { flex: none; width: 2.75rem; padding: 0; display: grid; place-items: center; }
svg { width: 1.35rem; height: 1.35rem; fill: none; stroke: currentcolor; stroke-width: 1.7; stroke-linecap: round; stroke-linejoin: round; }
.silence svg path { fill: currentcolor; }
[aria-pressed='true'] { background: var(--ink); color: #0b131a; }
[aria-pressed='true']:hover:enabled { background: #fff; }
.talk[aria-pressed='true'] { background: var(--accent); color: var(--on-accent); }
input { flex: 1; min-width: 0; padding: 0 1.1rem; background: #0b131a99; }
input::placeholder { color: var(--dim); opacity: 1; }
.heard-only { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (prefers-reduced-motion: reduce) { *, ::before { transition: none !important; animation: none !important; } }
@media (forced-colors: active) { button, input, .pill, .card, .caption { border: 1px solid; } }
`;

const AVATAR = `
:host { display: block; position: relative; aspect-ratio: 1; color: var(--ink); contain: layout style; }
:host([hidden]) { display: none; }
:host([crop='portrait']) { aspect-ratio: 3 / 4; }
:host([crop='landscape']) { aspect-ratio: 16 / 9; }
:host([crop='bubble']) { --radius: 50%; }
.stage {
  position: absolute; inset: 0; overflow: hidden; isolation: isolate; container-type: inline-size;
  border-radius: var(--radius); background: var(--vizavi-stage, #1b2731);
  display: flex; flex-direction: column; justify-content: flex-end;
}
.stage::after {
  content: ''; position: absolute; inset: 0; pointer-events: none; border-radius: inherit;
  box-shadow: inset 0 0 0 1px var(--line); transition: box-shadow 0.3s;
}
.stage[data-speaking]::after { box-shadow: inset 0 0 0 2px color-mix(in srgb, var(--accent) 60%, transparent); }
.stage[data-hears]::after { box-shadow: inset 0 0 0 2px #8fe3b0b3; }
.picture, .poster, ::slotted([slot='poster']) {
  position: absolute; inset: 0; width: 100%; height: 100%; object-fit: cover; object-position: var(--vizavi-position, 50% 40%);
}
:host([fit='contain']) :is(.picture, .poster) { object-fit: contain; }
:host([fit='contain']) ::slotted([slot='poster']) { object-fit: contain; }
.picture { z-index: 0; transition: filter 0.4s; }
.stage[data-still] video { visibility: hidden; }
.stage[data-dim] :is(.picture, .poster) { filter: saturate(0.75) brightness(0.8); }
.stage[data-over] :is(.picture, .poster) { filter: grayscale(0.8) brightness(0.55); }
:host([background='transparent']) .stage { background: none; }
:host([background='transparent']) .stage::after { box-shadow: none; }
canvas { display: none; }
.stage[data-cut] canvas { display: block; }
.stage[data-cut] :is(video, .poster) { opacity: 0; }
.stage[data-cut] ::slotted([slot='poster']) { opacity: 0; }
.pill, .caption, .card { background: var(--glass); backdrop-filter: blur(14px); -webkit-backdrop-filter: blur(14px); }
.top { position: absolute; z-index: 2; inset: 0.75rem 0.75rem auto; display: flex; gap: 0.5rem; justify-content: space-between; align-items: start; }
.pill { padding: 0.25rem 0.75rem; border-radius: 999px; font-size: 0.8125rem; }
.badge { margin-left: auto; white-space: nowrap; }
.badge b { font-weight: 650; letter-spacing: 0.02em; }
.status:empty { display: none; }
.status[data-busy]::before {
  content: ''; display: inline-block; width: 0.7em; height: 0.7em; margin-right: 0.5em; border-radius: 50%;
  border: 2px solid var(--line); border-top-color: var(--accent); animation: turn 0.9s linear infinite;
}
@keyframes turn { to { rotate: 1turn; } }
.foot { position: relative; z-index: 1; display: flex; flex-direction: column; gap: 0.75rem; align-items: center; padding: 0.9rem; }
.caption { max-width: min(100%, 40rem); padding: 0.45rem 0.95rem; border-radius: 1rem; font-size: 1.0625rem; text-align: center; text-wrap: balance; color: var(--dim); }
.caption b { font-weight: inherit; color: var(--ink); }
.caption:empty { display: none; }
.bar { display: flex; gap: 0.5rem; width: 100%; justify-content: center; }
.bar > *, .sound { backdrop-filter: blur(14px); -webkit-backdrop-filter: blur(14px); }
.bar .round:not(.send, [aria-pressed='true']) { background: var(--glass); }
.bar .round:not(.send, [aria-pressed='true']):hover:enabled { background: #24323de6; }
form { display: flex; flex: 1; gap: 0.5rem; min-width: 0; position: relative; }
form input { padding-right: 3.4rem; background: var(--glass); }
form .send { position: absolute; right: 0.25rem; top: 0.25rem; width: 2.25rem; min-height: 2.25rem; }
.sound { display: flex; align-items: center; gap: 0.5rem; background: var(--glass); padding: 0 1.3rem; }
.card {
  width: min(30rem, 100%); padding: 1.2rem 1.3rem; border-radius: min(var(--radius), 1.4rem); text-align: center; text-wrap: pretty;
  box-shadow: inset 0 0 0 1px var(--line), 0 1rem 3rem #0006;
}
.card strong { display: block; margin-bottom: 0.25rem; font-size: 1.4rem; font-weight: 650; line-height: 1.2; letter-spacing: -0.01em; }
.card p, ::slotted([slot='notice']) { color: var(--dim); font-size: 0.9375rem; }
.card .primary { width: min(100%, 18rem); margin-top: 0.95rem; }
:host([crop='bubble']) .stage { justify-content: center; }
:host([crop='bubble']) .top { justify-content: center; }
:host([crop='bubble']) .badge { margin: 0; }
@container (max-width: 22rem) {
  .badge span { display: none; }
  .foot { padding: 0.6rem; }
  .card { padding: 0.9rem; }
  .card strong { font-size: 1.15rem; }
  .caption { font-size: 0.9375rem; }
}
@container (max-width: 15rem) {
  .card { background: none; backdrop-filter: none; -webkit-backdrop-filter: none; box-shadow: none; padding: 0; }
  .card strong, .card p { display: none; }
  .card .primary { width: auto; }
}
`;

let sheets: CSSStyleSheet[] | null = null;

/** Made when they are first needed: on a server there are none. */
export function avatarSheets(): CSSStyleSheet[] {
  sheets ??= [sheet(THEME), sheet(AVATAR)];
  return sheets;
}
