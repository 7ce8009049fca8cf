import { Beacon } from './beacon.mjs';
import { PresenceCamera } from './camera.mjs';
import { leftover } from './leftover.mjs';
import { KioskMachine } from './machine.mjs';
import { PageKeeper } from './page-keeper.mjs';
import { isNight, isReloadDue } from './schedule.mjs';
import { fillScreen, lockDown, WakeLock } from './screen.mjs';
import { readSettings } from './settings.mjs';
import { offerStaff } from './staff.mjs';
import { Status } from './status.mjs';
import { readTexts } from './texts.mjs';
import { View } from './view.mjs';
import { Visit } from './visit.mjs';
import { startWatchdog } from './watchdog.mjs';

/** A clock that jumps so far in one second has slept. */
const JUMP_MS = 15_000;
const HEALTH_PERIOD_S = 30;
const HEALTH_LIMIT_MS = 4000;
/** How long a page that could not be put together waits before it is loaded anew. */
const BROKEN_MS = 10_000;

const $ = (id) => document.getElementById(id);
const clock = {
  nowMs: () => performance.timeOrigin + performance.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

async function start() {
  lockDown();
  const { settings, faults } = readSettings(location.href);
  const client = await import(new URL('client/vizavi.js', import.meta.url).href);
  const words = await fetchTexts(settings.texts);
  const { texts, topics } = words;
  const greeting = settings.greeting ?? texts.greeting;
  const goodbye = settings.goodbye ?? texts.goodbye;
  const { version } = document.body.dataset;

  const status = new Status(version);
  const keeper = new PageKeeper(version);
  const view = new View({ settings, texts, topics, onTopic: (topic) => void visit?.ask(topic) });
  const loaded = new Date();
  let visit = null;
  let hasTalked = false;

  const machine = new KioskMachine({
    clock,
    random: Math.random,
    timeoutMs: settings.timeout * 1000,
    onState: (state, before) => onState(state, before),
    probe: isServerWell,
  });
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

  function onState(state, before) {
    status.state = state;
    view.showState(state, machine.countdownMs);
    beacon?.send();
    if (!machine.hasVisitor) {
      void visit?.end();
      visit = null;
    }
    if (state === 'waking') void welcome(before === 'resting');
    if (state === 'greeting') void greet(visit, hasTalked);
    if (state === 'talking' && before === 'leaving') visit?.interrupt();
    if (state === 'talking') view.showDoing('listening');
    if (state === 'leaving') void visit?.say(texts.stillThere);
    if (state === 'parting') void part(visit);
    if (state === 'asleep') hasTalked = false;
    look();
  }

  function welcome(isAgain) {
    hasTalked &&= isAgain;
    if (!isAgain) status.visitors += 1;
    const mine = new Visit({
      client,
      settings,
      video: $('video'),
      // A visit that is over has nothing to tell.
      tell: (what, detail) => visit === mine && told(what, detail),
    });
    visit = mine;
    return mine.start();
  }

  async function greet(mine, isAgain) {
    view.showPoster(mine.avatar?.id ?? 'mira');
    hasTalked = true;
    await mine.say(isAgain ? texts.greetingAgain : greeting);
    if (visit === mine) machine.send('greeted');
  }

  async function part(mine) {
    mine.interrupt();
    await mine.say(goodbye);
    if (visit === mine) machine.send('said');
  }

  function told(what, detail) {
    switch (what) {
      case 'joined':
      case 'active':
      case 'over':
        machine.send(what);
        break;
      case 'failed':
        status.failed(detail);
        if (detail === 'unsupported_version') keeper.outdated();
        machine.send('failed');
        break;
      case 'queued':
        machine.queued();
        view.showQueue(detail);
        break;
      case 'busy':
        machine.setBusy(detail);
        break;
      case 'doing':
        view.showDoing(detail);
        break;
      case 'caption':
        view.showCaption(detail);
        break;
      case 'heard':
        view.showHeard(detail);
        break;
      case 'mending':
        view.showMending(detail);
        break;
      case 'blocked':
        $('sound').hidden = false;
        break;
      case 'deaf':
        status.failed(`listen_${detail}`);
        view.showDeaf();
        break;
      case 'stumbled':
        status.failed(detail);
        break;
      default:
    }
  }

  function touched() {
    fillScreen();
    if (machine.state === 'asleep' || machine.state === 'resting') machine.send('wake');
    else {
      if (machine.state === 'talking' || machine.state === 'greeting') visit?.interrupt();
      machine.send('active');
    }
  }

  const camera =
    settings.presence === 'camera'
      ? new PresenceCamera({
          onEvent: (event) => {
            if (event === 'left') machine.send('absent');
            else if (machine.state === 'asleep') machine.send('wake');
            else machine.send('active');
          },
          onState: (isOn, error) => {
            view.showCamera(isOn);
            if (error) status.failed(error);
          },
        })
      : null;
  const wakeLock = new WakeLock();

  /** What follows from the time of day, and from whether somebody is here. */
  function look() {
    const now = new Date();
    const isDark = isNight(settings.dim, now) && !machine.hasVisitor;
    view.showNight(isDark);
    wakeLock.isWanted = !isDark;
    if (camera) camera.isWanted = !isDark;
    const isFree = machine.state === 'asleep' || machine.state === 'resting';
    if (isFree && (keeper.isReloadDue || isReloadDue(settings.reload, loaded, now))) location.reload();
  }

  let lastMs = Date.now();
  let seconds = 0;
  setInterval(() => {
    const nowMs = Date.now();
    const jumpMs = Math.abs(nowMs - lastMs);
    lastMs = nowMs;
    if (jumpMs > JUMP_MS && !document.hidden) {
      // Whoever talked here before the computer slept is gone.
      machine.send('suspended');
    }
    seconds += 1;
    if (machine.state === 'asleep' && seconds % HEALTH_PERIOD_S === 0) void checkHealth();
    look();
  }, 1000);

  async function checkHealth() {
    // Twice: one lost packet is no reason to rest.
    if ((await isServerWell()) || (await isServerWell())) return;
    status.failed('unreachable');
    machine.send('lost');
  }

  addEventListener('offline', () => machine.state === 'asleep' && void checkHealth());
  addEventListener('online', () => machine.send('online'));
  document.addEventListener('pointerdown', ({ target }) => {
    if (target instanceof Element && target.closest('button')) {
      fillScreen();
      machine.send('active');
    } else touched();
  });
  document.addEventListener('keydown', (event) => {
    if (event.target instanceof HTMLButtonElement) machine.send('active');
    else if (!event.repeat) touched();
  });
  $('done').onclick = () => machine.send('done');
  $('sound').onclick = () => {
    $('sound').hidden = true;
    visit?.unmute();
  };
  offerPush($('push'), {
    down: () => {
      $('push').textContent = texts.pushing;
      visit?.push();
    },
    up: () => {
      $('push').textContent = texts.push;
      visit?.letGo();
    },
  });
  $('video').addEventListener('playing', () => view.showPicture(machine.hasVisitor));
  offerStaff({
    corner: $('corner'),
    panel: $('staff'),
    pin: settings.pin,
    status: () => ({ kiosk: settings.kiosk, ...status.now, settings: faults.join(' · ') || 'all right' }),
  });

  view.showFaults([...faults, ...words.faults]);
  view.showPoster(settings.avatar ?? 'mira');
  look();
  document.body.dataset.alive = '';
  await leftover.end(client);
}

async function fetchTexts(address) {
  if (!address) return readTexts({});
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(HEALTH_LIMIT_MS) });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return readTexts(await response.json());
  } catch (error) {
    return { ...readTexts({}), faults: [`texts: ${error.message}`] };
  }
}

async function isServerWell() {
  const options = { cache: 'no-store', signal: AbortSignal.timeout(HEALTH_LIMIT_MS) };
  return fetch('/readyz', options).then(
    ({ ok }) => ok,
    () => false,
  );
}

function offerPush(button, { down, up }) {
  const release = () => {
    if (!button.classList.contains('held')) return;
    button.classList.remove('held');
    up();
  };
  const press = () => {
    button.classList.add('held');
    down();
  };
  button.addEventListener('pointerdown', press);
  button.addEventListener('keydown', ({ key, repeat }) => {
    if (!repeat && (key === ' ' || key === 'Enter')) press();
  });
  for (const type of ['pointerup', 'pointercancel', 'pointerleave', 'keyup', 'blur']) {
    button.addEventListener(type, release);
  }
}

start().catch(() => {
  // Half a page is no page: what is missing may be there in a moment.
  setTimeout(() => location.reload(), BROKEN_MS);
});
