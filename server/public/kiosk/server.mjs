import { readTexts } from './texts.mjs';

const LIMIT_MS = 4000;

/** Whether the server would take a visitor. Never rejects. */
export async function isServerWell() {
  const options = { cache: 'no-store', signal: AbortSignal.timeout(LIMIT_MS) };
  return fetch('/readyz', options).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** @param {string | null} address of the page's words; what is wrong with them is named */
export async function fetchTexts(address) {
  if (!address) return readTexts({});
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(LIMIT_MS) });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return readTexts(await response.json());
  } catch (error) {
    return { ...readTexts({}), faults: [`texts: ${error.message}`] };
  }
}
