import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import type { Browser, Page } from 'puppeteer-core';

const USUAL_PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Where Chromium is on this machine. @throws Error when it is not found */
export function chromiumPath(): string {
  const path = [process.env['VIZAVI_CHROMIUM'], ...USUAL_PLACES].find((place) => place && existsSync(place));
  if (!path) throw new Error('no Chromium found: set VIZAVI_CHROMIUM to its path');
  return path;
}

/** A headless Chromium with a profile of its own. */
export async function openBrowser(
  flags: readonly string[] = [],
): Promise<{ browser: Browser; close(): Promise<void> }> {
  const executablePath = chromiumPath();
  const profile = mkdtempSync(join(tmpdir(), 'vizavi-chromium-'));
  const browser = await puppeteer.launch({
    executablePath,
    headless: true,
    userDataDir: profile,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--autoplay-policy=no-user-gesture-required',
      ...flags,
    ],
  });
  return {
    browser,
    close: async () => {
      await browser.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** A page in which a probe runs, as the global `probe`. @param entry the probe's file, beside this one */
export async function openProbe(browser: Browser, url: string, entry = 'probe.ts'): Promise<Page> {
  const page = await browser.newPage();
  await page.setBypassCSP(true);
  await page.setViewport({ width: 900, height: 900 });
  // A page of the same origin that does nothing by itself.
  await page.goto(`${url}/healthz`);
  await page.addScriptTag({ content: await bundleProbe(entry), type: 'module' });
  await page.waitForFunction(() => 'probe' in globalThis);
  return page;
}

async function bundleProbe(entry: string): Promise<string> {
  const { build } = await import('esbuild');
  const result = await build({
    entryPoints: [new URL(`./${entry}`, import.meta.url).pathname],
    bundle: true,
    write: false,
    format: 'esm',
    external: ['/client/vizavi.js'],
  });
  return result.outputFiles[0]?.text ?? '';
}
