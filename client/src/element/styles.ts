import { sheet } from './dom.ts';
import { THEME } from './theme.ts';

const AVATAR = `
:host { display: block; position: relative; aspect-ratio: 1; color: var(--ink); contain: layout style; }
:host([hidden]) { display: none; }
:host([crop='portrait']) { aspect-ratio: 3 / 4; }
:host([crop='landscape']) { aspect-ratio: 16 / 9; }
:host([crop='bubble']) { --radius: 50%; }
.stage {
  position: absolute; inset: 0; overflow: hidden; isolation: isolate; container-type: size;
  border-radius: var(--radius); background: var(--vizavi-stage, #1b2731);
  display: flex; flex-direction: column; justify-content: flex-end;
}
.stage::after {
  content: ''; position: absolute; inset: 0; pointer-events: none; border-radius: inherit;
  box-shadow: inset 0 0 0 1px var(--line); transition: box-shadow 0.3s;
}
.stage[data-speaking]::after { box-shadow: inset 0 0 0 2px var(--vizavi-ring, color-mix(in srgb, var(--accent) 60%, transparent)); }
.stage[data-hears]::after { box-shadow: inset 0 0 0 2px var(--vizavi-ring, #8fe3b0b3); }
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
.status:empty { position: absolute; padding: 0; clip-path: inset(50%); }
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
.bar .round:not(.send) { background: var(--glass); }
.bar .round:not(.send):hover:enabled { background: #24323de6; }
.bar .round[aria-pressed='true'] { color: var(--accent); }
.bar .talk[aria-pressed='true'], .bar .talk[aria-pressed='true']:hover { background: var(--accent); color: var(--on-accent); }
.bar .round:disabled { opacity: 1; color: #ffffff59; }
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
:host([crop='bubble']) .stage { inset: 0 auto auto 0; width: 100%; aspect-ratio: 1; }
:host([crop='bubble']) .foot { padding-bottom: 9%; }
:host([crop='bubble']) .top { justify-content: center; }
:host([crop='bubble']) .top { inset: 4% 0 auto; }
:host([crop='bubble']) .badge { margin: 0; padding: 0.05rem 0.5rem; font-size: 0.6875rem; }
:host([crop='bubble']) .caption { display: none; }
:host([crop='bubble']) .card { background: none; backdrop-filter: none; -webkit-backdrop-filter: none; box-shadow: none; padding: 0; }
:host([crop='bubble']) .card strong { display: none; }
:host([crop='bubble']) :is(.card p, .status) { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
:host([crop='bubble']) .card .primary { width: auto; margin: 0; min-height: 2.25rem; }
@container (max-width: 22rem) {
  .badge span { display: none; }
  .foot { padding: 0.6rem; }
  .card { padding: 0.8rem 0.9rem; }
  .card strong { font-size: 1.1rem; }
  .card p { font-size: 0.8125rem; line-height: 1.35; }
  .card .primary { margin-top: 0.7rem; min-height: 2.5rem; }
  .caption { font-size: 0.8125rem; padding: 0.25rem 0.7rem; }
  .foot { gap: 0.5rem; }
  .bar { gap: 0.4rem; }
  .bar .round:not(.send), form input { min-height: 2.4rem; }
  .bar .round:not(.send) { width: 2.4rem; }
  form .send { top: 0.2rem; right: 0.2rem; width: 2rem; min-height: 2rem; }
}
@container (max-width: 26rem) {
  .bar { flex-wrap: wrap; }
  form { flex-basis: 100%; }
}
@container (max-height: 26rem) { .card strong { display: none; } }
.stage[data-over] .card strong { display: block; }
@container (max-width: 17rem) or (max-height: 17rem) {
  .captions { display: none; }
  .card { padding: 0.6rem 0.8rem; }
  .card p { font-size: 0.75rem; }
  .card .primary { margin-top: 0.5rem; min-height: 2.25rem; }
}
`;

let sheets: CSSStyleSheet[] | null = null;

/** Made when they are first needed: on a server there are none. */
export function avatarSheets(): CSSStyleSheet[] {
  sheets ??= [sheet(THEME), sheet(AVATAR)];
  return sheets;
}
