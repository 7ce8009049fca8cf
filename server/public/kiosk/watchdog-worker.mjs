import { beaconRequest } from './beacon.mjs';

const TICK_MS = 2000;
const HUNG_TICKS = 10;
const TELL_EVERY = 5;

/** Counted, not measured: while the computer sleeps nothing is counted. */
let ticks = 0;
let isHung = false;
let last = { isResting: true, beacon: null };

addEventListener('message', ({ data }) => {
  ticks = 0;
  last = data;
  if (isHung) postMessage('hung');
});
setInterval(() => {
  if (last.isResting) return;
  ticks += 1;
  if (ticks < HUNG_TICKS) return;
  isHung = true;
  if (!last.beacon || (ticks - HUNG_TICKS) % TELL_EVERY !== 0) return;
  const { url, token, status } = last.beacon;
  fetch(url, beaconRequest(token, { ...status, state: 'hung', lastError: 'hung' })).catch(() => undefined);
}, TICK_MS);
