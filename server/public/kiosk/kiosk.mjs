import { Beacon } from './beacon.mjs';
import { PresenceCamera } from './camera.mjs';
import { leftover } from './leftover.mjs';
import { PageKeeper } from './page-keeper.mjs';
import { Reception } from './reception.mjs';
import { isNight, isReloadDue } from './schedule.mjs';
import { lockDown, WakeLock } from './screen.mjs';
import { fetchTexts, isServerWell } from './server.mjs';
import { readSettings } from './settings.mjs';
import { offerStaff } from './staff.mjs';
import { Status } from './status.mjs';
import { listenToTouch } from './touch.mjs';
import { View } from './view.mjs';
import { startWatchdog } from './watchdog.mjs';

/** A clock that jumps so far in one second has slept. */
const JUMP_MS = 15_000;
const HEALTH_PERIOD_S = 30;

const $ = (id) => document.getElementById(id);
const clock = {
  nowMs: () => performance.timeOrigin + performance.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

lockDown();
const { settings, faults } = readSettings(location.href);
const { texts, topics, faults: textFaults } = await fetchTexts(settings.texts);
const client = await import(new URL('client/vizavi.js', import.meta.url).href);
const { version } = document.body.dataset;
const loaded = new Date();

const status = new Status(version);
const keeper = new PageKeeper(version);
const wakeLock = new WakeLock();
const view = new View({ settings, texts, topics, onTopic: (topic) => reception.ask(topic) });
view.showFaults([...faults, ...textFaults]);
view.showPoster(settings.avatar ?? 'mira');

const beacon =
  settings.beacon === 'off'
    ? null
    : new Beacon({
        url: settings.beacon,
        token: settings.kioskToken,
        status: () => status.now,
        onVersion: (server) => keeper.serverHas(server),
      });
startWatchdog(() => beacon && { ...beacon.address, status: status.now });

const reception = new Reception({
  client,
  clock,
  settings,
  texts,
  view,
  status,
  video: $('video'),
  probe: isServerWell,
  onState: () => {
    beacon?.send();
    look();
  },
  onOutdated: () => keeper.outdated(),
});
const camera =
  settings.presence === 'camera'
    ? new PresenceCamera({
        onEvent: (event) => {
          if (event === 'left') reception.send('absent');
          else reception.send(reception.state === 'asleep' ? 'wake' : 'active');
        },
        onState: (isOn, error) => {
          view.showCamera(isOn);
          if (error) status.failed(error);
        },
      })
    : null;
listenToTouch(reception, texts);
offerStaff({
  corner: $('corner'),
  panel: $('staff'),
  pin: settings.pin,
  status: () => ({ kiosk: settings.kiosk, ...status.now, settings: faults.join(' · ') || 'all right' }),
});

/** What follows from the time of day, and from whether somebody is here. */
function look() {
  const now = new Date();
  const isDark = isNight(settings.dim, now) && !reception.hasVisitor;
  view.showNight(isDark);
  wakeLock.isWanted = !isDark;
  if (camera) camera.isWanted = !isDark;
  if (reception.hasVisitor) return;
  if (keeper.isReloadDue || isReloadDue(settings.reload, loaded, now)) location.reload();
}

async function checkHealth() {
  // Twice: one lost packet is no reason to rest.
  if ((await isServerWell()) || (await isServerWell()) || reception.state !== 'asleep') return;
  status.failed('unreachable');
  reception.send('lost');
}

let lastMs = Date.now();
let seconds = 0;
setInterval(() => {
  const nowMs = Date.now();
  // Whoever talked here before the computer slept is gone.
  if (nowMs - lastMs > JUMP_MS && !document.hidden) reception.send('suspended');
  lastMs = nowMs;
  seconds += 1;
  if (reception.state === 'asleep' && seconds % HEALTH_PERIOD_S === 0) void checkHealth();
  look();
}, 1000);
addEventListener('offline', () => void checkHealth());
addEventListener('online', () => reception.send('online'));

look();
document.body.dataset.alive = '';
void leftover.end(client).catch(() => undefined);
void checkHealth();
