const TIME = /^([01]\d|2[0-3]):([0-5]\d)$/;

/** Minutes since midnight. */
const minutes = (text) => {
  const [, hours, rest] = TIME.exec(text) ?? [];
  return hours === undefined ? null : Number(hours) * 60 + Number(rest);
};
const text = (most) => ({
  fault: `must have 1 to ${most} characters`,
  read: (value) => (value.trim() !== '' && value.length <= most ? value.trim() : null),
});
const choice = (...names) => ({
  fault: `must be one of ${names.join(', ')}`,
  read: (value) => (names.includes(value) ? value : null),
});
const name = {
  fault: 'must be up to 64 letters, digits, - and _',
  read: (value) => (/^[\w-]{1,64}$/.test(value) ? value : null),
};
const address = {
  fault: 'must be an http(s) address or a path',
  read: (value, base) => {
    if (!URL.canParse(value, base)) return null;
    const url = new URL(value, base);
    return /^https?:$/.test(url.protocol) ? url.href : null;
  },
};
const orOff = (kind) => ({
  fault: `${kind.fault}, or off`,
  read: (value, base) => (value === 'off' ? { off: true } : kind.read(value, base)),
});

/** Name in the address → how it is read, and what holds without it. */
const SETTINGS = {
  avatar: [name],
  voice: [name],
  greeting: [text(300)],
  goodbye: [text(300)],
  title: [text(60)],
  lang: [
    {
      fault: 'must be a language such as en or de-CH',
      read: (value) => (/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(value) ? value : null),
    },
    'en',
  ],
  listen: [choice('open', 'push', 'off'), 'open'],
  timeout: [
    {
      fault: 'must be whole seconds from 5 to 600',
      read: (value) => (/^\d+$/.test(value) && value >= 5 && value <= 600 ? Number(value) : null),
    },
    45,
  ],
  presence: [choice('off', 'camera'), 'off'],
  'token-url': [address],
  kiosk: [name, 'kiosk'],
  beacon: [orOff(address)],
  dim: [
    {
      fault: 'must be two times such as 22:00-07:00',
      read: (value) => {
        const [from, to, more] = value.split('-').map(minutes);
        return from == null || to == null || more !== undefined || from === to ? null : { from, to };
      },
    },
  ],
  reload: [
    orOff({
      fault: 'must be a time such as 04:30',
      read: (value) => minutes(value),
    }),
    270,
  ],
  texts: [address],
  fit: [choice('auto', 'cover', 'contain'), 'auto'],
  captions: [choice('on', 'off'), 'on'],
  pin: [{ fault: 'must be 4 to 8 digits', read: (value) => (/^\d{4,8}$/.test(value) ? value : null) }],
};
/** After the #, so that no server and no log sees it. */
const SECRETS = { 'kiosk-token': [text(200)] };

/**
 * What the address asks for. What is wrong is left out and named.
 *
 * @param {string} href
 * @returns {{ settings: Record<string, any>, faults: string[] }} `faults`: one line each, for the installer
 */
export function readSettings(href) {
  const url = new URL(href);
  const faults = [];
  const settings = {};
  for (const [given, known] of [
    [url.searchParams, SETTINGS],
    [new URLSearchParams(url.hash.slice(1)), SECRETS],
  ]) {
    for (const [key, [, otherwise = null]] of Object.entries(known)) settings[inCamel(key)] = otherwise;
    for (const key of new Set(given.keys())) {
      if (!Object.hasOwn(known, key)) {
        faults.push(`${key}: there is no such setting`);
        continue;
      }
      const values = given.getAll(key);
      if (values.length > 1) faults.push(`${key}: is given ${values.length} times`);
      const [kind] = known[key];
      const value = kind.read(values[0], url.href);
      if (value === null) faults.push(`${key}: ${kind.fault}`);
      else settings[inCamel(key)] = value.off ? 'off' : value;
    }
  }
  settings.beacon ??= new URL(`/v1/kiosks/${settings.kiosk}/beacon`, url).href;
  return { settings, faults };
}

function inCamel(key) {
  return key.replace(/-(\w)/g, (_all, letter) => letter.toUpperCase());
}
