const STAY_MS = 1200;

/** Shows each clause in `element` when its sound begins. */
export function showCaptions(session, element) {
  const startedMs = new Map();
  const waiting = new Map();
  let hide = 0;

  const show = ({ utteranceId, text, startMs }) => {
    setTimeout(
      () => {
        if (!startedMs.has(utteranceId)) return;
        clearTimeout(hide);
        element.textContent = text;
      },
      startedMs.get(utteranceId) + startMs - performance.now(),
    );
  };
  session.on('avatar.transcription.chunk', (clause) => {
    const { utteranceId } = clause;
    if (startedMs.has(utteranceId)) show(clause);
    else waiting.set(utteranceId, [...(waiting.get(utteranceId) ?? []), clause]);
  });
  session.on('avatar.speak_started', ({ utteranceId }) => {
    startedMs.set(utteranceId, performance.now());
    waiting.get(utteranceId)?.forEach(show);
    waiting.delete(utteranceId);
  });
  session.on('avatar.speak_ended', ({ utteranceId, outcome }) => {
    startedMs.delete(utteranceId);
    waiting.delete(utteranceId);
    clearTimeout(hide);
    hide = setTimeout(() => (element.textContent = ''), outcome === 'spoken' ? STAY_MS : 0);
  });
  session.on('session.stopped', () => {
    clearTimeout(hide);
    element.textContent = '';
  });
}
