const BEAT_MS = 2000;

/**
 * Lets a worker feel this page's pulse. When it stops for 20 s the worker tells the beacon; whoever started the browser
 * then starts it anew. A page that comes to itself before that is loaded anew.
 *
 * @param {() => { url: string, token: string | null, status: object } | null} beacon what the worker is to tell
 */
export function startWatchdog(beacon) {
  const worker = new Worker(new URL('watchdog-worker.mjs', import.meta.url), { type: 'module' });
  worker.addEventListener('message', () => location.reload());
  const beat = () => worker.postMessage({ isResting: document.hidden, beacon: beacon() });
  beat();
  setInterval(beat, BEAT_MS);
  // In the background timers are so slow that they look like none.
  document.addEventListener('visibilitychange', beat);
}
