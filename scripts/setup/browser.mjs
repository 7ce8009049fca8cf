import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fail, withProgress } from './console.mjs';
import { aptCommand, aptInstall, canInstall, findOnPath } from './debian.mjs';
import { errorLine } from './processes.mjs';

const VARIABLES = ['VIZAVI_CHROMIUM', 'PUPPETEER_EXECUTABLE_PATH', 'CHROME_PATH'];
const NAMES = [
  'chromium',
  'google-chrome',
  'google-chrome-stable',
  'chromium-browser',
  'chrome',
  'microsoft-edge',
];
const MAC_APPS = ['Google Chrome', 'Chromium', 'Microsoft Edge'];
const WINDOWS_APPS = ['Google/Chrome/Application/chrome.exe', 'Microsoft/Edge/Application/msedge.exe'];
const WINDOWS_FOLDERS = ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'];

export const browserStep = {
  name: 'Chromium',
  mend: mend(),

  ready(context) {
    const found = findBrowser(context.env);
    if (found) context.env['VIZAVI_CHROMIUM'] = found;
    return Boolean(found);
  },

  async provide(context) {
    if (!canInstall()) fail('the tests need Chromium or Chrome, and there is none', mend());
    await withProgress('installing Chromium', 'tests and benchmarks use a real browser', async () => {
      const { code, output } = await aptInstall(context, ['chromium']);
      if (code !== 0) fail(`Chromium could not be installed: ${errorLine(output)}`, mend());
    });
  },
};

/** @returns {string | undefined} */
export function findBrowser(env, platform = process.platform) {
  for (const name of VARIABLES) {
    if (env[name] && !existsSync(env[name])) fail(`${name}: ${env[name]} does not exist`, `unset ${name}`);
    if (env[name]) return env[name];
  }
  if (platform === 'darwin') {
    return MAC_APPS.map((app) => `/Applications/${app}.app/Contents/MacOS/${app}`).find((path) =>
      existsSync(path),
    );
  }
  if (platform === 'win32') {
    return WINDOWS_FOLDERS.flatMap((folder) =>
      env[folder] ? WINDOWS_APPS.map((app) => join(env[folder], app)) : [],
    ).find((path) => existsSync(path));
  }
  for (const name of NAMES) {
    const path = findOnPath(name, env);
    if (path) return path;
  }
  return undefined;
}

function mend() {
  if (process.platform === 'darwin') return 'brew install --cask google-chrome';
  if (process.platform === 'win32') return 'winget install Google.Chrome';
  if (findOnPath('apt-get')) return aptCommand(['chromium']);
  return 'install Chromium, or set VIZAVI_CHROMIUM to its path';
}
