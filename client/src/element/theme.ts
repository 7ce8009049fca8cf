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
.talk { touch-action: none; user-select: none; -webkit-user-select: none; -webkit-touch-callout: none; }
input { flex: 1; min-width: 0; padding: 0 1.1rem; background: #0b131a99; }
input::placeholder { color: var(--dim); opacity: 1; }
.heard-only { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (prefers-reduced-motion: reduce) { *, ::before, ::after { transition: none !important; animation: none !important; } }
@media (forced-colors: active) { button, input, .pill, .card, .caption { border: 1px solid; } }
`;
